import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isData, isFiller, isWords } from '../../../src/alt/words/found-text.ts';

const FILLER = [
  '',
  '   ',
  '\n\t',
  '- - -',
  '0000:00:00 00:00:00',
  'OLYMPUS DIGITAL CAMERA',
  'OLYMPUS DIGITAL CAMERA         ',
  'KONICA MINOLTA DIGITAL CAMERA',
  'KODAK Digital Still Camera',
  'SAMSUNG CAMERA PICTURES',
  '<KENOX S1050 / Samsung S1050>',
  '<Digimax i5, Samsung #1>',
  'SONY DSC',
  'DCIM',
  'DCIM\\100MEDIA\\DJI_0001.JPG',
  'DSC_0042.JPG',
  'IMG_1234',
  'Default',
  'Screenshot',
  'Exif_JPEG_PICTURE',
  'Created with GIMP',
  'Created with The GIMP',
  'CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n',
  'File source: http://commons.wikimedia.org/wiki/File:Grace_Hopper.jpg',
  'cmp3.10.3.2Lq3 0x756ffbf7',
  'Lavc58.134.100',
  'oplus_1056',
  'rhdr',
];
const DATA = [
  '{"filter_id":0,"effects":[1,2]}',
  'filter: 0; fileterIntensity: 0.0; filterMask: 0; captureOrientation: 0; ',
  '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"/>',
  'ImageJ=1.53t\nimages=3\nslices=3',
  'Aperio Image Library v11.2.1 \n46000x32914',
  'text\u0001\u0002',
];
const WORDS = [
  'Mayor Jane Doe opens the new library, 3 May 2024',
  'My new digital camera',
  'Olympus digital camera, a gift from Ann',
  'A screenshot of the first version',
  'Mon and Dav',
  'Mon',
  'Rome2005',
  '1961',
  '12.05.1998',
  '20190512',
  '🎂',
  '祖母',
  'Бабушка',
  'x: a; b',
  `Bride; groom; ${'Grandma was there as well. '.repeat(100)}`,
  '{untitled',
];

for (const text of FILLER)
  test(`filler: ${JSON.stringify(text)}`, () => assert.ok(isFiller(text) && !isWords(text)));
for (const text of DATA)
  test(`data: ${JSON.stringify(text)}`, () => assert.ok(isData(text) && !isWords(text)));
for (const text of WORDS) test(`words: ${JSON.stringify(text)}`, () => assert.ok(isWords(text)));

test('takes linear time for whatever a file has', () => {
  const start = performance.now();
  for (const piece of [' ', '-', 'a: b;', 'a:', '<Digimax ', 'DCIM\\', ';', 'P1', '0 ']) {
    isWords(piece.repeat(500_000));
    isWords(`${piece.repeat(500_000)}!`);
  }
  assert.ok(performance.now() - start < 5000);
});

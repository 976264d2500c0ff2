import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isData, isFiller, isWords, textOf, untilNul } from '../../../src/alt/words/found-text.ts';
import { ends } from '../ends.ts';

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

/** Of each form the shortest, the longest and what else there is between. */
const FORMS: [what: string, filler: string[], words: string[]][] = [
  [
    'names of cameras',
    ['DIGITAL CAMERA', 'digital stillcamera', 'Agfa Digital Still Camera', 'VIVITAR DIGITAL CAMERA'],
    [
      'x DIGITAL CAMERA',
      'DIGITAL CAMERA x',
      'DIGITAL  stills CAMERA',
      'ACME DIGITAL CAMERA',
      'CANONDIGITAL CAMERA',
    ],
  ],
  [
    'names in angle brackets',
    ['<Digimax>', '<KENOX S1050 / Samsung S1050>', '<Samsung>'],
    ['x<Digimax>', '<Digimax>x', '<Digimax', '<Digimax<>', '<Digimax >>', '<digimax>', '<Samsun>'],
  ],
  ['places in cameras', ['DCIM\\', 'DCIM\\100MEDIA\\a.JPG'], ['xDCIM\\a', 'DCIM\\a b', 'DCIM/a']],
  [
    'names of files',
    [
      'DSC_0042',
      'DSC00042.JPG',
      '_DSC1234.jpeg',
      'DSCF0001',
      'DSCN0001',
      'IMG1234',
      '_IMGP1234',
      'IMG_12345.abc',
    ].concat(
      [
        '_MG_1234',
        'MVI_1234.AVI',
        'PICT0001',
        'CIMG0001',
        'SANY0001',
        'HPIM0001',
        'DCP_0001',
        'GOPR0001',
        'DJI_0001',
      ],
      ['SAM_0001', 'IMAG0001', 'P1010001.JPG', 'PA120001', 'PC120001'],
    ),
    [
      'xDSC_0042',
      'DSC_0042x',
      'DSC_042',
      'DSC_004200',
      'DSC_0042.JP',
      'DSC_0042.JPEGS',
      'DSC_0042.J1G',
      '__DSC1234',
    ].concat(['DSC__0042', 'PD120001', 'PAA20001', 'P1A10001', 'IMG-1234', 'DSC_004a', 'DSC_0042JPG']),
  ],
  ['numbers of phones', ['oplus_0', 'oplus_1056'], ['xoplus_1', 'oplus_', 'oplus_1x']],
  [
    'creators',
    ['CREATOR: gd-jpeg', 'CREATOR: XV Version 3'],
    ['xCREATOR: XV', 'CREATOR: XVI', 'CREATOR: me'],
  ],
  [
    'sources of files',
    ['File source: http://a', 'File source: https://a/b'],
    ['xFile source: http://a', 'File source: http://a b', 'File source: ftp://a', 'File source: http://'],
  ],
  [
    'recompressors',
    ['cmp3.10.3.2Lq3 0x756ffbf7', 'cmp3 0x0', 'cmp12 0xf'],
    ['xcmp3 0x0', 'cmp3 0x', 'cmp3 0xg', 'cmp3 0x0g', 'cmp 0x0', 'cmp3- 0x0'],
  ],
  [
    'programs',
    [
      'Created with GIMP on a Mac',
      'Created by The GIMP',
      'Created with Imlib',
      'Created by ImageReady',
      'Created by Paint Shop',
    ].concat([
      'Created by AccuSoft Corp.',
      'Lavc58',
      'LEAD Technologies Inc. V1.01',
      'Intel(R) JPEG Library',
      'U-Lead Systems, Inc.',
    ]),
    [
      'xCreated with GIMP',
      'Created with GIMPS',
      'Created for GIMP',
      'Created with love',
      'xLavc58',
      'Lavc',
      'A LEAD Technologies',
    ],
  ],
  ['zeros and dates of zeros', ['0', '0000:00:00 00:00:00', ' 0 '], ['01', 'x0', '0x', '2000:00:00']],
  ['no letter, digit or symbol', ['', ' ', '...', '_', '---', '?!', '$'], ['a', '1', '☺', '½', 'é']],
];

for (const [what, filler, words] of FORMS)
  test(`filler: ${what}`, () => {
    assert.deepEqual(
      filler.filter((text) => !isFiller(text)),
      [],
    );
    assert.deepEqual(words.filter(isFiller), []);
    // Line ends and several blanks are one blank, and none at the ends.
    assert.ok(filler.every((text) => isFiller(` ${text.replaceAll(' ', ' \n ')}\t`)));
  });

test('fillers of a list are known whole, as they are written', () => {
  for (const filler of 'SONY DSC|AppleMark|binary comment|default|DEFAULT|x-default|cof|sdr_HDRB|Hisilicon K3'.split(
    '|',
  )) {
    assert.ok(isFiller(filler), filler);
    for (const other of [`${filler}s`, `a${filler}`, filler.replace(/\w/g, (letter) => `${letter}x`)])
      assert.ok(!isFiller(other), other);
  }
});

test('fillers have no more than a hundred characters, blanks around them not counted', () => {
  const long = (length: number) => 'DCIM\\'.padEnd(length, 'x');
  assert.deepEqual(
    [100, 101].map((length) => isFiller(` ${long(length)}  `)),
    [true, false],
  );
});

test('data of programs are told from what people write', () => {
  const data = [
    '{}',
    ' { a } ',
    '<?xml',
    '<OME>',
    '<OME a',
    'ImageJ=',
    'SCIFIO=1',
    'Aperio x',
    'a\0b',
    'a\x1fb',
    '\x08',
  ].concat(['a:b;c=d;e :f', 'a: b; c: d; e: f;', 'a-b: 1;; c_d: 2; e = 3', 'y\x0bx', 'a\x0cb']);
  const words = [
    '{a',
    'a}',
    'x {}',
    '{} x',
    ' <xml>',
    'x<?xml',
    '<OMEGA>',
    'xImageJ=',
    'imageJ=',
    'Aperiodic',
    'a\tb\nc\rd',
    ' \x7f',
  ].concat([
    'a: b; c: d',
    'a: b; c: d; e',
    'a: b; c: d; e  : f',
    'a b: c; d: e; f: g',
    'a; b: c; d: e; f: g',
    ';;;',
    'xSCIFIO=1',
  ]);
  assert.deepEqual(
    data.filter((text) => !isData(text)),
    [],
  );
  assert.deepEqual(words.filter(isData), []);
});

test('bytes are UTF-8 where they can be, else Latin-1; strings of C end at their NUL', () => {
  const bytes = Buffer.from('x caf\xe9 x', 'latin1').subarray(2, 6);
  assert.deepEqual([textOf(bytes), textOf(Buffer.from('café 犬'))], ['café', 'café 犬']);
  assert.deepEqual(
    ['a\0b', '\0a', 'a', 'a\0', ''].map((text) => untilNul(Buffer.from(text)).toString()),
    ['a', '', 'a', 'a', ''],
  );
});

test('takes linear time for whatever a file has', () => {
  for (const piece of [' ', '-', 'a: b;', 'a:', '<Digimax ', 'DCIM\\', ';', 'P1', '0 '])
    for (const end of ['', '!']) ends(() => isWords(piece.repeat(500_000) + end));
});

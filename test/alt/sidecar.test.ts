import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { describeSidecar, sidecarOf } from '../../src/alt/sidecar.ts';
import { ChangedMeanwhile } from '../../src/files/replace-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';
import { alternatives } from './described.ts';
import { imageDescription, type Tag, tiff } from './words/files.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const FIELDS = ['dc:description', 'Iptc4xmpCore:AltTextAccessibility'];
const ALT = FIELDS[1]!;
const WORDS = 'Mayor Jane Doe opens the library';
const packet = (attributes: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" ${attributes}/></rdf:RDF></x:xmpmeta>`;
const PLAIN = Buffer.from('an original that does not begin as TIFF does');

let count = 0;
/** An image in a directory of its own, and the sidecar's place, with something there if given. */
function place(sidecar?: string) {
  const directory = join(temporary.path, `${count++}`);
  mkdirSync(directory);
  const path = join(directory, 'DSC_0001.xmp');
  if (sidecar !== undefined) writeFileSync(path, sidecar);
  return { directory, image: join(directory, 'DSC_0001.NEF'), path, read: () => readFileSync(path, 'utf8') };
}

test('a sidecar is named as the image, with another ending', () => {
  assert.equal(sidecarOf('a.b/DSC_0001.NEF'), 'a.b/DSC_0001.xmp');
  assert.equal(sidecarOf('DSC.0001.NEF'), 'DSC.0001.xmp');
  assert.equal(sidecarOf('a.b/DSC'), 'a.b/DSC.xmp');
});

describe('the sidecar of an image', () => {
  test('is made where there is none, kept the second time, and overwritten on request', async () => {
    const { directory, image, read } = place();
    assert.deepEqual(await describeSidecar(image, PLAIN, 'A dog.', false), { written: FIELDS, kept: [] });
    for (const field of FIELDS) assert.deepEqual(alternatives(read(), field), { 'x-default': 'A dog.' });
    const first = read();
    assert.deepEqual(await describeSidecar(image, PLAIN, 'A cat.', false), { written: [], kept: FIELDS });
    assert.equal(read(), first);
    assert.deepEqual(await describeSidecar(image, PLAIN, 'A cat.', true), { written: FIELDS, kept: [] });
    for (const field of FIELDS) assert.deepEqual(alternatives(read(), field), { 'x-default': 'A cat.' });
    assert.deepEqual(readdirSync(directory), ['DSC_0001.xmp']);
  });

  test('keeps all that it has, somebody’s description too', async () => {
    const { image, read } = place(packet(`dc:format="theirs" dc:description="${WORDS}"`));
    assert.deepEqual(await describeSidecar(image, PLAIN, 'A dog.', false), {
      written: [ALT],
      kept: ['dc:description'],
    });
    assert.match(read(), /dc:format="theirs"/);
    assert.ok(read().includes(`dc:description="${WORDS}"`));
  });

  test('gets no description beside one in the image itself, unless that is asked for', async () => {
    const xmp: Tag = { tag: 700, type: 1, value: Buffer.from(packet(`dc:description="${WORDS}"`)) };
    for (const [tag, field] of [
      [imageDescription(WORDS), 'EXIF:ImageDescription'],
      [xmp, 'dc:description'],
    ] as const) {
      const original = tiff('II', [tag]);
      const { image, read } = place();
      assert.deepEqual(await describeSidecar(image, original, 'A dog.', false), {
        written: [ALT],
        kept: [field],
      });
      assert.ok(!read().includes('description'));
      assert.deepEqual(await describeSidecar(image, original, 'A cat.', true), { written: FIELDS, kept: [] });
      assert.deepEqual(alternatives(read(), 'dc:description'), { 'x-default': 'A cat.' });
    }
    const both = place(packet('dc:description="theirs"'));
    const { kept } = await describeSidecar(both.image, tiff('MM', [xmp]), 'A dog.', false);
    assert.deepEqual(kept, ['dc:description']);
    const filler = place();
    const camera = tiff('II', [imageDescription('SONY DSC')]);
    assert.deepEqual(await describeSidecar(filler.image, camera, 'A dog.', false), {
      written: FIELDS,
      kept: [],
    });
  });

  test('stays as it is where it is no XMP', async () => {
    const { image, read } = place('not XMP');
    await rejectsWith(describeSidecar(image, PLAIN, 'A dog.', true), 'UnsupportedImage');
    assert.equal(read(), 'not XMP');
  });

  test('is named where it cannot be read', async () => {
    const { image, path } = place();
    mkdirSync(path);
    const { message } = await rejectsWith(describeSidecar(image, PLAIN, 'A dog.', false), 'InvalidRequest');
    assert.ok(message.includes(path) && message.includes('EISDIR'), message);
  });

  test('is not written where something is there after all, or the name is no text', async () => {
    const { directory, image, path } = place();
    symlinkSync('nowhere', path);
    await assert.rejects(describeSidecar(image, PLAIN, 'A dog.', false), ChangedMeanwhile);
    await rejectsWith(
      describeSidecar(join(directory, '\ud800.NEF'), PLAIN, 'A dog.', false),
      'InvalidRequest',
    );
    assert.deepEqual(readdirSync(directory), ['DSC_0001.xmp']);
  });
});

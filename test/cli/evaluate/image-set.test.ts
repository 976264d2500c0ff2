import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { openImageSet } from '../../../src/cli/evaluate/image-set.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { zipOf } from '../../support/zip.ts';

test('the paths of a directory and of an archive are those of their images, at any depth, sorted', async () => {
  const place = temporaryDirectory();
  try {
    const files = ['sub/b.png', 'a.JPG', 'notes.txt', 'c.webp'];
    const directory = join(place.path, 'images');
    const archive = join(place.path, 'images.zip');
    mkdirSync(join(directory, 'sub'), { recursive: true });
    for (const file of files) writeFileSync(join(directory, file), file);
    writeFileSync(
      archive,
      zipOf(Object.fromEntries([...files, '__MACOSX/._a.JPG', '.c.webp'].map((f) => [f, Buffer.from(f)]))),
    );
    for (const path of [directory, archive]) {
      const images = await openImageSet(path);
      assert.deepEqual(await images.paths(), ['a.JPG', 'c.webp', 'sub/b.png']);
      assert.equal(Buffer.from(await images.read('sub/b.png')).toString(), 'sub/b.png');
      images.close();
    }
  } finally {
    place.dispose();
  }
});

test('an image of an archive is unpacked to the size that the archive says, and no further', async () => {
  const place = temporaryDirectory();
  try {
    const zip = zipOf({ 'bomb.jpg': deflateRawSync(Buffer.alloc(8 << 20)) });
    // Behind the signature and, in the directory at the end, the version that made it.
    for (const fields of [4, zip.indexOf('PK\x01\x02', 0, 'latin1') + 6]) {
      zip.writeUInt16LE(8, fields + 4); // deflated
      zip.writeUInt32LE(10, fields + 18); // bytes before that
    }
    const archive = join(place.path, 'images.zip');
    writeFileSync(archive, zip);
    const images = await openImageSet(archive);
    await assert.rejects(images.read('bomb.jpg'), (error) => error instanceof InvalidRequest);
    images.close();
  } finally {
    place.dispose();
  }
});

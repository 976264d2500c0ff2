import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openImageSet } from '../../../src/cli/evaluate/image-set.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { zipOf } from '../../support/zip.ts';

test('the names of a directory and of an archive are those of their images, sorted', async () => {
  const place = temporaryDirectory();
  try {
    const files = ['b.png', 'a.JPG', 'notes.txt', 'c.webp'];
    const directory = join(place.path, 'images');
    const archive = join(place.path, 'images.zip');
    mkdirSync(directory);
    for (const file of files) writeFileSync(join(directory, file), file);
    writeFileSync(
      archive,
      zipOf(Object.fromEntries(files.map((file) => [`folder/${file}`, Buffer.from(file)]))),
    );
    for (const path of [directory, archive]) {
      const images = await openImageSet(path);
      assert.deepEqual(await images.names(), ['a.JPG', 'b.png', 'c.webp']);
      assert.equal(Buffer.from(await images.read('b.png')).toString(), 'b.png');
      images.close();
    }
  } finally {
    place.dispose();
  }
});

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { openImageSet } from '../../../src/cli/evaluate/image-set.ts';
import { ImageNotFound, InvalidRequest } from '../../../src/errors.ts';
import { codeOf } from '../../../src/files/system-error.ts';
import { MAX_IMAGE_BYTES } from '../../../src/model/image.ts';
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

test('an image of an archive that says to be larger than images may be is not unpacked', async () => {
  const place = temporaryDirectory();
  try {
    const archive = join(place.path, 'images.zip');
    for (const [bytes, code] of [
      [MAX_IMAGE_BYTES, 'InvalidRequest'],
      [MAX_IMAGE_BYTES + 1, 'ImageTooLarge'],
    ] as const) {
      const zip = zipOf({ 'large.jpg': deflateRawSync(Buffer.alloc(9)) });
      const central = zip.indexOf('PK\x01\x02', 0, 'latin1');
      zip.writeUInt16LE(8, central + 10); // deflated
      zip.writeUInt32LE(bytes, central + 24);
      writeFileSync(archive, zip);
      const images = await openImageSet(archive);
      await assert.rejects(images.read('large.jpg'), { code });
      images.close();
    }
  } finally {
    place.dispose();
  }
});

test('what is neither a directory nor an archive, or a damaged one, is refused by name', async () => {
  const place = temporaryDirectory();
  try {
    const file = join(place.path, 'a.zip');
    const none = join(place.path, 'none.zip');
    await assert.rejects(openImageSet(none), (error) => {
      assert.ok(error instanceof InvalidRequest && error.cause instanceof Error);
      const { message, cause } = error;
      assert.deepEqual([message, codeOf(cause)], [`${none}: no such directory or zip archive`, 'ENOENT']);
      return true;
    });
    for (const content of ['', 'P', 'KP', ' PK']) {
      writeFileSync(file, content);
      const message = `${file}: neither a directory nor a zip archive`;
      await assert.rejects(openImageSet(file), new InvalidRequest(message));
    }
    const whole = zipOf({ 'a.jpg': Buffer.from('a'), 'b/': Buffer.alloc(0) });
    for (const damaged of [whole.subarray(0, 40), whole.subarray(0, -1)]) {
      writeFileSync(file, damaged);
      await assert.rejects(openImageSet(file), { code: 'InvalidRequest', message: /a\.zip: damaged zip/ });
    }
    const entry = whole.indexOf('PK\x01\x02', 0, 'latin1');
    writeFileSync(file, whole.fill('?', entry, entry + 4));
    await assert.rejects(openImageSet(file), { code: 'InvalidRequest', message: /a\.zip: damaged zip/ });
  } finally {
    place.dispose();
  }
});

test('a name that an archive lacks, or has for a folder, is an image that is not found', async () => {
  const place = temporaryDirectory();
  try {
    const archive = join(place.path, 'images.zip');
    writeFileSync(archive, zipOf({ 'a.jpg': Buffer.from('a'), 'b.jpg/': Buffer.alloc(0) }));
    const images = await openImageSet(archive);
    assert.deepEqual(await images.paths(), ['a.jpg']);
    for (const name of ['none.jpg', 'b.jpg/', 'A.jpg']) {
      await assert.rejects(images.read(name), new ImageNotFound(`${archive} has no ${name}`));
    }
    images.close();
  } finally {
    place.dispose();
  }
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { expandInputs, isImageName, walkInputs } from '../../../src/cli/shared/inputs.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** A directory of its own with these files, whatever is in them. */
function treeOf(...files: string[]): string {
  const root = mkdtempSync(join(temporary.path, 'tree-'));
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return root;
}

/** What is found, from the root. */
async function found(root: string, args: string[] = [root]): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of walkInputs(args)) paths.push(path.replace(`${root}/`, ''));
  return paths;
}

describe('a directory', () => {
  it('yields every picture, also those that cannot be read', async () => {
    const pictures = [
      ...['a.jpg', 'b.JFIF', 'c.jpe', 'd.mpo', 'e.apng', 'f.tif', 'g.avif', 'h.webp', 'i.gif'],
      ...['j.HEIC', 'k.heif', 'l.hif', 'm.jxl', 'n.bmp', 'o.NEF', 'p.dng', 'q.CR3', 'r.arw'],
    ];
    const root = treeOf(...pictures, 's.txt', 't.mp4', 'u.xmp', 'heic', 'v.svg');
    assert.deepEqual(await found(root), pictures);
    assert.equal((await expandInputs([root], isImageName)).length, 9);
  });

  it('leaves out what systems keep beside photographs, and hidden directories', async () => {
    const left = [
      '._a.jpg',
      '.thumbnails/a.jpg',
      '.git/a.jpg',
      'b/.Trash-1000/files/a.jpg',
      '@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg',
      '#recycle/a.jpg',
      '__MACOSX/b/._a.jpg',
    ];
    const root = treeOf('a.jpg', 'b/a.jpg', 'b/@work/a.jpg', ...left);
    const kept = ['a.jpg', 'b/@work/a.jpg', 'b/a.jpg'];
    assert.deepEqual(await found(root), kept);
    assert.deepEqual((await found(root, [join(root, '**/*.jpg')])).sort(), kept);
    // Named, each of them is meant.
    assert.deepEqual(await found(root, [join(root, '.thumbnails')]), ['.thumbnails/a.jpg']);
    assert.deepEqual(await found(root, [join(root, '@eaDir/*/*.jpg')]), [
      '@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg',
    ]);
    assert.deepEqual(await found(root, [join(root, '._a.jpg')]), ['._a.jpg']);
  });

  it('is found whatever hidden directory it lies in', async () => {
    const root = treeOf('.cache/album/a.jpg', '.cache/album/b/c.jpg');
    const album = join(root, '.cache/album');
    assert.deepEqual(await found(root, [album]), ['.cache/album/a.jpg', '.cache/album/b/c.jpg']);
    assert.deepEqual(await found(root, [join(album, '**/*.jpg')]), [
      '.cache/album/a.jpg',
      '.cache/album/b/c.jpg',
    ]);
  });

  it('may be called as an image is: it is gone into, and no pattern yields it', async () => {
    const root = treeOf('IMG_1.jpg/a.jpg', 'b.jpg');
    assert.deepEqual(await found(root), ['IMG_1.jpg/a.jpg', 'b.jpg']);
    assert.deepEqual(await found(root, [join(root, '*.jpg')]), ['b.jpg']);
  });
});

describe('links', { skip: process.platform === 'win32' && 'need a right of their own there' }, () => {
  it('to files and directories elsewhere are followed, each directory once', async () => {
    const elsewhere = treeOf('a.jpg', 'deep/b.jpg');
    const root = treeOf('c.jpg');
    symlinkSync(elsewhere, join(root, '2023'));
    symlinkSync(elsewhere, join(root, '2024'));
    symlinkSync(join(elsewhere, 'a.jpg'), join(root, 'd.jpg'));
    symlinkSync(join(elsewhere, 'deep'), join(root, 'photo.jpg'));
    assert.deepEqual(await found(root), ['2023/a.jpg', '2023/deep/b.jpg', 'c.jpg', 'd.jpg']);
  });

  it('in circles end', async () => {
    // What lies above is the test's own: others come and go in the directory of temporary files.
    const root = join(treeOf('in/a/b/c.jpg'), 'in');
    symlinkSync(root, join(root, 'a/b/root'));
    symlinkSync(join(root, '..'), join(root, 'a/b/up'));
    symlinkSync('self', join(root, 'self'));
    symlinkSync('self.jpg', join(root, 'self.jpg'));
    const all = await found(root);
    assert.equal(all.filter((path) => path.endsWith('b/c.jpg')).length, 1);
    // A picture by its name: it fails when it is read.
    assert.ok(all.includes('self.jpg'));
  });

  it('to what the directory has anyhow change no names', async () => {
    const root = treeOf('z/a.jpg', '.store/b.jpg');
    symlinkSync('z', join(root, 'a-link'));
    symlinkSync('.store', join(root, 'stored'));
    assert.deepEqual(await found(root), ['stored/b.jpg', 'z/a.jpg']);
  });
});

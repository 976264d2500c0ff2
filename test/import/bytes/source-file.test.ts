import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { MAX_SOURCE_BYTES, openSourceFile } from '../../../src/import/bytes/source-file.ts';
import { rejectsSource, temporaryDirectory } from '../source/source-failures.ts';

/** Longer than what is read in one go without leaving the thread, by a hundred bytes. */
const SIZE = (64 << 10) + 100;
const BYTES = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) ^ (i >>> 8)));

async function opened(t: TestContext) {
  const path = join(await temporaryDirectory(t), 'model.ckpt');
  await writeFile(path, BYTES);
  const file = await openSourceFile(path);
  t.after(() => file.close().catch(() => undefined));
  return { path, file };
}

test('any range is read, short and long, into a buffer of its own', async (t) => {
  const { path, file } = await opened(t);
  assert.deepEqual([file.path, file.size], [path, SIZE]);
  const ranges = [
    [0, 0],
    [SIZE, 0],
    [7, 5],
    [0, 64 << 10],
    [1, (64 << 10) + 1],
    [0, SIZE],
    [SIZE - 1, 1],
  ];
  for (const [offset, length] of ranges as [number, number][]) {
    const read = await file.read(offset, length);
    assert.ok(read.equals(BYTES.subarray(offset, offset + length)), `${length} bytes from ${offset}`);
    const target = new Uint8Array(length);
    await file.readInto(target, offset);
    assert.ok(read.equals(target), `${length} bytes from ${offset}`);
  }
});

const OUTSIDE: [offset: number, length: number, at: number, left: number][] = [
  [0, SIZE + 1, 0, SIZE],
  [SIZE, 1, SIZE, 0],
  [SIZE - 3, 4, SIZE - 3, 3],
  [SIZE + 50, 1, SIZE, 0],
  [4, -1, 4, SIZE - 4],
  [0, 1.5, 0, SIZE],
  [2 ** 60, 0, SIZE, 0],
  [0, 2 ** 60, 0, SIZE],
];
test('a range outside of the file is refused, and says what there is', async (t) => {
  const { path, file } = await opened(t);
  for (const [offset, length, at, left] of OUTSIDE) {
    const problem = await rejectsSource(file.read(offset, length), 'SourceDamaged');
    assert.deepEqual(
      [problem.file, problem.offset, problem.expected, problem.actual],
      [path, at, `${length} bytes`, `${left} up to the end`],
    );
  }
  // No format has such an offset, but arithmetic that went wrong.
  for (const offset of [-1, 0.5, Number.NaN]) {
    await assert.rejects(file.read(offset, 1), { code: 'SourceDamaged' });
  }
  await rejectsSource(file.readInto(new Uint8Array(2), SIZE - 1), 'SourceDamaged');
});

test('a file that shrank since is said to end where it does', async (t) => {
  const { path, file } = await opened(t);
  await truncate(path, 70);
  for (const length of [80, SIZE - 50]) {
    const problem = await rejectsSource(file.read(50, length), 'SourceDamaged');
    assert.deepEqual(
      [problem.file, problem.offset, problem.expected, problem.actual],
      [path, 70, `${SIZE} bytes`, 'the end of the file'],
    );
  }
});

describe('what cannot be opened', () => {
  test('nothing there, a folder: unreadable, with what the system says', async (t) => {
    const directory = await temporaryDirectory(t);
    const missing = await rejectsSource(openSourceFile(join(directory, 'none')), 'SourceUnreadable');
    assert.equal(missing.file, join(directory, 'none'));
    assert.equal(missing.expected, 'a readable file');
    assert.match(missing.actual, /^ENOENT/);
    const folder = await rejectsSource(openSourceFile(directory), 'SourceUnreadable');
    assert.deepEqual([folder.file, folder.actual], [directory, 'not a regular file']);
  });

  test('more than 8 GiB is too large, 8 GiB are not', async (t) => {
    const path = join(await temporaryDirectory(t), 'large');
    await writeFile(path, '');
    await truncate(path, MAX_SOURCE_BYTES);
    const file = await openSourceFile(path);
    assert.equal(file.size, 8 * 2 ** 30);
    await file.close();
    await truncate(path, MAX_SOURCE_BYTES + 1);
    const problem = await rejectsSource(openSourceFile(path), 'SourceUnsupported');
    assert.deepEqual(problem, {
      file: path,
      expected: 'at most 8589934592 bytes',
      actual: '8589934593 bytes',
    });
  });
});

test('a closed file gives nothing more, and says so', async (t) => {
  const { path, file } = await opened(t);
  await file.close();
  for (const length of [10, SIZE]) {
    const problem = await rejectsSource(file.read(0, length), 'SourceUnreadable');
    assert.equal(problem.file, path);
  }
});

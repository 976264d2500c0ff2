import assert from 'node:assert/strict';
import { cp, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readWeights } from '../../../src/import/read-weights.ts';
import { fileKind } from '../../../src/import/source/file-kind.ts';
import { GOLDEN, TINY } from '../network/formula-weights.ts';
import { rejectsSource, temporaryDirectory } from './source-failures.ts';

test('kinds are told by content', async () => {
  assert.equal(await fileKind(join(TINY, 'im2txt-tiny.pb')), 'frozen-graph');
  assert.equal(await fileKind(join(TINY, 'v1/model.ckpt-1000')), 'checkpoint-v1');
  assert.equal(await fileKind(join(TINY, 'v2/model.ckpt-1000.index')), 'checkpoint-v2-index');
  assert.equal(await fileKind(join(GOLDEN, 'preprocessed-small.f32.gz')), 'gzip');
  assert.equal(await fileKind(join(GOLDEN, 'images/coffee-alpha-150x100.png')), 'other');
});

describe('files that are something else are refused by name', () => {
  const others: readonly (readonly [what: string, bytes: string, actual: RegExp])[] = [
    ['a PNG called model.pb', '\x89PNG\r\n\x1a\n', /PNG/],
    ['a web page', '<!DOCTYPE html><html>404</html>', /web page/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00', /git lfs pull/],
    ['a SavedModel', '\x08\x01\x12\x05abcde', /SavedModel/],
    ['a Keras file', '\x89HDF\r\n\x1a\n', /HDF5/],
    ['a graph as text', 'node {\n  name: "a"\n}', /as text/],
    ['a MetaGraphDef', '\x0a\x05\x12\x03abc', /files beside it/],
    ['random bytes', '\x17\x42\x99', /bytes that start with 174299/],
  ];
  for (const [what, bytes, actual] of others) {
    test(what, async (t) => {
      const file = join(await temporaryDirectory(t), 'model.pb');
      await writeFile(file, bytes, 'latin1');
      const problem = await rejectsSource(readWeights(file), 'SourceUnsupported');
      assert.equal(problem.file, file);
      assert.match(problem.actual, actual);
    });
  }

  test('a whole PNG', async (t) => {
    const file = join(await temporaryDirectory(t), 'model.pb');
    await cp(join(GOLDEN, 'images/coffee-alpha-150x100.png'), file);
    await rejectsSource(readWeights(file), 'SourceUnsupported');
  });

  test('an empty file', async (t) => {
    const file = join(await temporaryDirectory(t), 'model.pb');
    await writeFile(file, '');
    const problem = await rejectsSource(readWeights(file), 'SourceDamaged');
    assert.match(problem.actual, /empty/);
  });

  test('a device', async () => {
    await rejectsSource(readWeights('/dev/null'), 'SourceUnreadable');
  });
});

test('a damaged magic is still told as a damaged checkpoint, with its place', async (t) => {
  const file = join(await temporaryDirectory(t), 'model.ckpt');
  await cp(join(TINY, 'v1/model.ckpt-1000'), file);
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  await handle.write(Buffer.from([0]), 0, 1, size - 3);
  await handle.close();
  const problem = await rejectsSource(readWeights(file), 'SourceDamaged');
  assert.equal(problem.offset, size - 8);
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readWeights } from '../../../src/import/read-weights.ts';
import { fileKind, KINDS_READ, unsupportedFile } from '../../../src/import/source/file-kind.ts';
import { GOLDEN, TINY } from '../network/formula-weights.ts';
import { table } from '../tensorflow/write-checkpoint.ts';
import { rejectsSource, temporaryDirectory } from './source-failures.ts';

test('kinds are told by content', async () => {
  assert.equal(await fileKind(join(TINY, 'im2txt-tiny.pb')), 'frozen-graph');
  assert.equal(await fileKind(join(TINY, 'v1/model.ckpt-1000')), 'checkpoint-v1');
  assert.equal(await fileKind(join(TINY, 'v2/model.ckpt-1000.index')), 'checkpoint-v2-index');
  assert.equal(await fileKind(join(GOLDEN, 'preprocessed-small.f32.gz')), 'gzip');
  assert.equal(await fileKind(join(GOLDEN, 'images/coffee-alpha-150x100.png')), 'other');
});

describe('the bytes that decide', () => {
  /** A header of a tar without a magic; the checksum is that of these bytes, plus `off`. */
  function tarBlock(length = 512, off = 0): Buffer {
    const block = Buffer.alloc(length);
    block.write('model.pb');
    const sum = block.reduce((total, byte) => total + byte, 8 * 32) + off;
    block.write(`${sum.toString(8)} `, 148);
    return block;
  }
  const TABLE = Buffer.from('57fb808b247547db', 'hex');
  const kinds: readonly (readonly [what: string, bytes: Buffer, kind: string])[] = [
    ['nothing', Buffer.alloc(0), 'empty'],
    ['one byte', Buffer.from([0]), 'other'],
    ['a zip', Buffer.from('504b0304', 'hex'), 'zip'],
    ['a zip without entries', Buffer.from('504b0506', 'hex'), 'zip'],
    ['another of its marks', Buffer.from('504b0708', 'hex'), 'other'],
    ['an old tar', tarBlock(), 'tar'],
    ['a tar whose checksum is one too many', tarBlock(512, 1), 'other'],
    ['less than a block of tar', tarBlock(511), 'other'],
    ['an empty block, whose checksum fits', blank(), 'other'],
    ['a packed tar', gzipSync(tarBlock()), 'tar.gz'],
    ['a packed tar that is cut off after its header', cutTar(), 'tar.gz'],
    ['packed bytes', gzipSync('node'), 'gzip'],
    ['the start of something packed', Buffer.from('1f8b', 'hex'), 'gzip'],
    ['a graph', Buffer.from('0a030a0161', 'hex'), 'frozen-graph'],
    ['a graph whose first node has a long length', Buffer.from('0a83800a0161', 'hex'), 'other'],
    ['a graph whose first node is large', Buffer.from('0a83010a0161', 'hex'), 'frozen-graph'],
    ['a node that starts with its operation', Buffer.from('0a03120161', 'hex'), 'other'],
    ['a length alone', Buffer.from('0a03', 'hex'), 'other'],
    ['a length without an end', Buffer.from('0affff', 'hex'), 'other'],
    ['a later field', Buffer.from('12030a0161', 'hex'), 'other'],
    ['two zeros', Buffer.from('0000', 'hex'), 'other'],
    ['three zeros', Buffer.from('000000', 'hex'), 'other'],
    ['a zero, a one', Buffer.from('000102', 'hex'), 'other'],
    ['a one, a zero', Buffer.from('010002', 'hex'), 'other'],
    ['a magic that is not at the end', Buffer.concat([TABLE, Buffer.from('x')]), 'other'],
    ['a table whose first entry has another key', table([['a', Buffer.from('0a00', 'hex')]]), 'other'],
    ['a table with a message', table([['', Buffer.from('0a00', 'hex')]]), 'checkpoint-v1'],
    ['a table with a number', table([['', Buffer.from('0801', 'hex')]]), 'checkpoint-v2-index'],
  ];
  function blank(): Buffer {
    const block = Buffer.alloc(512);
    block.write('400', 148);
    return block;
  }
  function cutTar(): Buffer {
    const packed = gzipSync(Buffer.concat([tarBlock(), randomBytes(100_000)]));
    return packed.subarray(0, 90_000);
  }
  for (const [what, bytes, kind] of kinds) {
    test(`${what}: ${kind}`, async (t) => {
      const file = join(await temporaryDirectory(t), 'model');
      await writeFile(file, bytes);
      assert.equal(await fileKind(file), kind);
    });
  }

  for (const start of ['000001', '57fb808b247547db']) {
    test(`${start} alone is a damaged table`, async (t) => {
      const file = join(await temporaryDirectory(t), 'model');
      await writeFile(file, Buffer.from(start, 'hex'));
      const problem = await rejectsSource(fileKind(file), 'SourceDamaged');
      assert.equal(problem.expected, 'a footer of 48 bytes');
    });
  }
});

test('every kind of file that is known by its start', async (t) => {
  const file = join(await temporaryDirectory(t), 'model.pb');
  const starts: Record<string, string> = {
    '\x89PNG': 'a PNG image',
    '\xff\xd8\xff': 'a JPEG image',
    '\x89HDF': 'an HDF5 file (Keras)',
    '\x80\x02': 'a Python pickle',
    '\x08\x01\x12': 'a SavedModel',
    '\x93NUMPY': 'a NumPy array',
    BZh: 'a bzip2 archive',
    '\xfd7zXZ': 'an xz archive',
    '7z\xbc\xaf': 'a 7z archive',
    'Rar!': 'a RAR archive',
    'version https://git-lfs': 'a Git LFS pointer, not the file itself (git lfs pull fetches it)',
    '<': 'a web page or XML',
    'node {': 'a GraphDef as text',
    '\n': 'a protocol buffer that is no GraphDef; of a `.meta` file the weights lie in the files beside it',
    model_checkpoint_path: 'the `checkpoint` file that names a checkpoint',
    'RIFF\x01\x02\x03\x04WAVE': 'bytes that start with 5249464601020304',
  };
  for (const [start, actual] of Object.entries(starts)) {
    await writeFile(file, `${start}, and so on`, 'latin1');
    assert.deepEqual((await unsupportedFile(file, 'other')).problem, {
      file,
      offset: 0,
      expected: KINDS_READ,
      actual,
    });
  }
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
    assert.deepEqual(problem, {
      file,
      expected: KINDS_READ,
      actual: 'an empty file',
      remedy: 'Fetch it again.',
    });
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

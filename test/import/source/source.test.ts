import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SourceError } from '../../../src/errors.ts';
import { KINDS_READ } from '../../../src/import/source/file-kind.ts';
import { findInDirectory, findSource } from '../../../src/import/source/source.ts';
import { table } from '../tensorflow/write-checkpoint.ts';
import { rejectsSource } from './source-failures.ts';

const GRAPH = Buffer.from('0a030a0161', 'hex');
const V1 = table([['', Buffer.from('0a00', 'hex')]]);
const INDEX = table([['', Buffer.from('0801', 'hex')]]);

let directory: string;
const all: string[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'show-and-tell-test-'));
  all.push(directory);
});
after(() => Promise.all(all.map((path) => rm(path, { recursive: true }))));

/** Files by name in the test's directory. @returns the path of the first */
async function write(files: Record<string, string | Uint8Array>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), content);
  }
  return at(Object.keys(files)[0]!);
}
const at = (name: string): string => join(directory, name);

describe('a path', () => {
  test('of a file: what it is, and the word list beside it', async () => {
    const file = await write({ 'm.pb': GRAPH });
    assert.deepEqual(await findSource(file), { kind: 'frozen-graph', file, vocabulary: null });
    await write({ 'word_counts.txt.gz': '' });
    assert.deepEqual(await findSource(file), {
      kind: 'frozen-graph',
      file,
      vocabulary: at('word_counts.txt.gz'),
    });
    await write({ 'word_counts.txt': '' });
    const checkpoint = await write({ 'model.ckpt': V1 });
    assert.deepEqual(await findSource(checkpoint), {
      kind: 'checkpoint-v1',
      file: checkpoint,
      vocabulary: at('word_counts.txt'),
    });
  });

  test('of a checkpoint in several files: its prefix, its index, or a part of its data', async () => {
    const file = await write({
      'm.ckpt-7.index': INDEX,
      'm.ckpt-7.data-00000-of-00001': 'x',
      'm.data-0': GRAPH,
    });
    const found = { kind: 'checkpoint-v2', file, vocabulary: null };
    for (const name of ['m.ckpt-7', 'm.ckpt-7.index', 'm.ckpt-7.data-00000-of-00001']) {
      assert.deepEqual(await findSource(at(name)), found);
    }
    assert.equal((await findSource(at('m.data-0'))).kind, 'frozen-graph');
  });

  test('of an archive: how it is packed', async () => {
    const zip = await write({ 'a.zip': Buffer.from('504b0304', 'hex'), 'word_counts.txt': '' });
    const vocabulary = at('word_counts.txt');
    assert.deepEqual(await findSource(zip), { kind: 'archive', file: zip, packing: 'zip', vocabulary });
    const gzip = await write({ 'a.gz': gzipSync('x') });
    assert.deepEqual(await findSource(gzip), { kind: 'archive', file: gzip, packing: 'gzip', vocabulary });
  });

  test('of nothing: the nearest names, where there are some', async () => {
    const path = at('model.ckpt-100');
    const expected = `${path} or ${path}.index`;
    assert.deepEqual(await rejectsSource(findSource(path), 'SourceUnreadable'), {
      file: path,
      expected,
      actual: 'neither',
    });
    await write({ a: '', 'model.ckpt-1': '', 'model.ckpt-10': '', 'model.ckpt-200': '' });
    assert.deepEqual(await rejectsSource(findSource(path), 'SourceUnreadable'), {
      file: path,
      expected,
      actual: 'neither; the nearest names there: model.ckpt-10, model.ckpt-200, model.ckpt-1',
    });
    const below = join(at('none'), 'model');
    assert.equal((await rejectsSource(findSource(below), 'SourceUnreadable')).actual, 'neither');
  });

  test('of data without an index, and of an index that is a folder', async () => {
    const data = await write({ 'm.data-00000-of-00001': 'x' });
    await mkdir(at('m.index'));
    const problem = await rejectsSource(findSource(data), 'SourceUnreadable');
    assert.deepEqual([problem.file, problem.expected], [data, `${data} or ${at('m.index')}`]);
  });

  test('of something else: what it is', async () => {
    const file = await write({ 'm.pb': '<html>' });
    assert.equal((await rejectsSource(findSource(file), 'SourceUnsupported')).actual, 'a web page or XML');
    await write({ 'm.pb': '' });
    assert.equal((await rejectsSource(findSource(file), 'SourceDamaged')).actual, 'an empty file');
  });
});

describe('a folder', () => {
  test('with one file of weights, four folders down, not five', async () => {
    const file = await write({ 'a/b/c/d/m.pb': GRAPH, 'a/readme': 'x', 'a/b/c/d/e/other.pb': GRAPH });
    assert.deepEqual(await findSource(directory), { kind: 'frozen-graph', file, vocabulary: null });
  });

  test('data and links are not looked into', async () => {
    const file = await write({ 'm.index': INDEX, 'm.data-00000-of-00001': GRAPH, checkpoint: GRAPH });
    await symlink(file, at('link'));
    await symlink('/', at('root'));
    assert.deepEqual(await findInDirectory(directory), { kind: 'checkpoint-v2', file, vocabulary: null });
  });

  test('without any: how many files there were', async () => {
    await write({ readme: 'x', 'a/b': '' });
    assert.deepEqual(await rejectsSource(findInDirectory(directory), 'SourceUnsupported'), {
      file: directory,
      expected: `one of: ${KINDS_READ}`,
      actual: 'none in 2 files',
    });
  });

  test('with several: which, and what to do', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `m${String(i).padStart(2, '0')}.pb`);
    await write(Object.fromEntries(names.slice(0, 2).map((name) => [name, GRAPH])));
    const { actual, remedy } = await rejectsSource(findInDirectory(directory), 'SourceUnsupported');
    assert.equal(actual, `2: ${at('m00.pb')}, ${at('m01.pb')}`);
    assert.equal(remedy, 'Name one of them.');
    await write(Object.fromEntries(names.map((name) => [name, GRAPH])));
    const many = await rejectsSource(findInDirectory(directory), 'SourceUnsupported');
    const ten = names.slice(0, 10).map(at).join(', ');
    assert.equal(many.actual, `12: ${ten} ...`);
    for (const name of names.slice(10)) await rm(at(name));
    assert.equal((await rejectsSource(findInDirectory(directory), 'SourceUnsupported')).actual, `10: ${ten}`);
  });

  test('with a damaged one: that it is damaged, unless another is whole', async () => {
    const damaged = await write({ 'm.ckpt': Buffer.from('000001', 'hex') });
    assert.equal((await rejectsSource(findInDirectory(directory), 'SourceDamaged')).file, damaged);
    const file = await write({ 'n.pb': GRAPH });
    assert.equal((await findInDirectory(directory)).file, file);
  });

  test('whose `checkpoint` names one of several', async () => {
    await write({ 'a.index': INDEX, 'b.ckpt': V1 });
    const named = async (text: string) => {
      await write({ checkpoint: text });
      return findInDirectory(directory).then(
        ({ file }) => file.slice(directory.length + 1),
        (error) => {
          assert.ok(error instanceof SourceError, String(error));
          return null;
        },
      );
    };
    assert.equal(await named('model_checkpoint_path: "a"'), 'a.index');
    assert.equal(await named('model_checkpoint_path: "a.index"'), 'a.index');
    assert.equal(
      await named('all_model_checkpoint_paths: "a"\nmodel_checkpoint_path:"/x/y/b.ckpt"\n'),
      'b.ckpt',
    );
    assert.equal(await named('model_checkpoint_path: "C:\\\\train\\\\b.ckpt"'), 'b.ckpt');
    assert.equal(await named('model_checkpoint_path: "c"'), null);
    assert.equal(await named('model_checkpoint_path: ""'), null);
    assert.equal(await named('other_model_checkpoint_path: "a"'), null);
    const most = 'model_checkpoint_path: "a"\n'.padEnd(1 << 20, '\n');
    assert.equal(await named(most), 'a.index');
    assert.equal(await named(`${most}\n`), null);
    await write({ 'sub/checkpoint': 'model_checkpoint_path: "a"' });
    assert.equal(await named('model_checkpoint_path: "a"'), null);
  });

  test('takes the word list beside the weights, else the only one', async () => {
    await write({ 'b/m.pb': GRAPH, 'a/word_counts.txt': '', 'a/words.txt': '' });
    const found = async () => (await findInDirectory(directory)).vocabulary;
    assert.equal(await found(), at('a/word_counts.txt'));
    await write({ 'c/word_counts.txt.gz': '' });
    assert.equal(await found(), null);
    await write({ 'b/word_counts.txt.gz': '' });
    assert.equal(await found(), at('b/word_counts.txt.gz'));
  });

  test('of up to 2,000 files', async () => {
    await write(Object.fromEntries(Array.from({ length: 1999 }, (_, i) => [`f${i}`, ''])));
    await write({ 'm.pb': GRAPH });
    assert.equal((await findInDirectory(directory)).kind, 'frozen-graph');
    await cp(at('f0'), at('g'));
    assert.deepEqual(await rejectsSource(findInDirectory(directory), 'SourceUnsupported'), {
      file: directory,
      expected: 'a folder of a model, at most 2000 files',
      actual: 'more',
      remedy: 'Name the file itself.',
    });
  });

  test('of up to 1,999 folders', async () => {
    await write({ 'm.pb': GRAPH });
    for (let i = 0; i < 1999; i++) mkdirSync(at(`d${i}`));
    assert.equal((await findInDirectory(directory)).kind, 'frozen-graph');
    mkdirSync(at('one more'));
    assert.equal((await rejectsSource(findInDirectory(directory), 'SourceUnsupported')).actual, 'more');
  });

  test('that is not there', async () => {
    const problem = await rejectsSource(findInDirectory(at('none')), 'SourceUnreadable');
    assert.equal(problem.file, at('none'));
  });
});

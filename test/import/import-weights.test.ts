import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ImportSettings, importWeights } from '../../src/import/import-weights.ts';
import { readShowAndTell } from '../support/bundles.ts';
import { TINY } from './network/formula-weights.ts';
import { rejectsSource, temporaryDirectory } from './source/source-failures.ts';
import { zipOf } from './source/write-zip.ts';

const GRAPH = readFileSync(join(TINY, 'im2txt-tiny.pb'));
const WORDS = readFileSync(join(TINY, 'word_counts.txt'));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A folder of its own with a graph in it, and an import of that. */
async function place(t: TestContext) {
  const directory = await temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  writeFileSync(at('m.pb'), GRAPH);
  const settings = {
    from: at('m.pb'),
    out: at('bundle'),
    name: 'mine',
    license: 'MIT',
    repairVocabulary: false,
  };
  const imported = async (more: Partial<ImportSettings> = {}) => {
    const { draft, ...found } = await importWeights({ ...settings, ...more });
    t.after(draft.discard);
    return { ...found, draft, bundle: await readShowAndTell(draft.directory) };
  };
  return { directory, at, imported };
}

test('a bundle says what it is, as the tutorial decodes, and where it came from', async (t) => {
  const { at, imported } = await place(t);
  writeFileSync(at('word_counts.txt'), WORDS);
  const { bundle, draft, source, vocabularyFile, mended } = await imported();
  const { files, formatVersion, checksum, ...said } = bundle.manifest;
  assert.deepEqual(said, {
    name: 'mine',
    description: 'Show and Tell (im2txt) imported from m.pb',
    vocabulary: { size: 61, logits: 64, startId: 1, endId: 2, unknownId: 60 },
    image: {
      resampling: 'tf1-bilinear',
      width: 299,
      height: 299,
      dtype: 'uint8',
      range: [0, 255],
      aspect: 'squash',
      resizedTo: 346,
    },
    embeddingWidth: 32,
    stateWidth: 64,
    regions: 64,
    precision: 'fp32',
    decoding: { beamWidth: 3, maxLength: 20, minLength: 0, lengthNormalization: 0, bannedWords: [] },
    license: 'MIT',
    provenance: [
      { what: 'im2txt weights, frozen-graph: m.pb', source: 'm.pb', license: 'MIT', sha256: sha256(GRAPH) },
    ],
  });
  assert.deepEqual(readFileSync(join(draft.directory, files.vocabulary.path)), WORDS);
  assert.deepEqual([source.kind, vocabularyFile, mended], ['frozen-graph', at('word_counts.txt'), []]);
});

test('an address stands for the file that came of it, and every file of a checkpoint is told', async (t) => {
  const { imported } = await place(t);
  const { bundle } = await imported({
    from: join(TINY, 'v2/model.ckpt-1000'),
    origin: 'https://example.com/models/im2txt.tar.gz',
    vocabulary: join(TINY, 'word_counts.txt'),
  });
  assert.match(bundle.manifest.description, / im2txt\.tar\.gz$/);
  assert.deepEqual(
    bundle.manifest.provenance,
    ['model.ckpt-1000.index', 'model.ckpt-1000.data-00000-of-00001'].map((name) => ({
      what: `im2txt weights, checkpoint-v2: ${name}`,
      source: 'https://example.com/models/im2txt.tar.gz',
      license: 'MIT',
      sha256: sha256(readFileSync(join(TINY, 'v2', name))),
    })),
  );
});

test('an archive brings its word list, and is gone when the bundle is written', async (t) => {
  const { at, imported } = await place(t);
  writeFileSync(
    at('m.zip'),
    zipOf([
      ['m.pb', GRAPH],
      ['word_counts.txt', WORDS],
    ]),
  );
  const { source, vocabularyFile, bundle } = await imported({ from: at('m.zip') });
  assert.ok(!existsSync(source.file) && !existsSync(vocabularyFile));
  assert.equal(bundle.manifest.files.vocabulary.sha256, sha256(WORDS));
});

test('a named word list comes before the one beside the weights; what was mended in it is told', async (t) => {
  const { at, imported } = await place(t);
  writeFileSync(at('word_counts.txt'), 'none');
  writeFileSync(at('mine.txt'), WORDS.toString().replace(/^n't /m, '"nt" '));
  const { vocabularyFile, mended, bundle } = await imported({
    vocabulary: at('mine.txt'),
    repairVocabulary: true,
  });
  assert.equal(vocabularyFile, at('mine.txt'));
  assert.equal(mended.length, 1);
  assert.equal(bundle.manifest.files.vocabulary.sha256, sha256(WORDS));
});

test('weights without a word list that can be read are refused, and leave nothing behind', async (t) => {
  const { directory, at, imported } = await place(t);
  const none = await rejectsSource(imported(), 'VocabularyMismatch');
  assert.deepEqual([none.file, none.actual], [at('m.pb'), 'none']);
  assert.match(none.expected, /--vocabulary/);
  const missing = await rejectsSource(imported({ vocabulary: at('w.txt') }), 'SourceUnreadable');
  assert.equal(missing.file, at('w.txt'));
  assert.match(missing.actual, /^ENOENT/);
  assert.deepEqual(readdirSync(directory), ['m.pb']);
});

/** What the bundle of an export says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { importCaptioner } from '../../../src/import/captioner/import-captioner.ts';
import { type CaptionerManifest, manifestSchema } from '../../../src/model/manifest.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { CAPTIONERS } from './graphs/tiny-captioners.ts';

const IMPORT = new URL('../../../src/import/captioner/import-captioner.ts', import.meta.url).href;
const { make, dispose } = temporaryDirectory();
after(dispose);

type Settings = Parameters<typeof importCaptioner>[0];

let bundles = 0;

async function imported(kind: string, more: Partial<Settings> = {}): Promise<CaptionerManifest> {
  const name = `${kind}-${++bundles}`;
  const out = join(make(name), 'bundle');
  const { draft } = await importCaptioner({ directory: join(CAPTIONERS, kind), out, name, ...more });
  await draft.publish();
  const manifest = manifestSchema(2).parse(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')));
  assert.equal(manifest.formatVersion, 2);
  return manifest as CaptionerManifest;
}

test('a merged decoder with a cache', async () => {
  const manifest = await imported('vit-gpt2-merged');
  const { tokens, state, memory, architecture, precision, regions, embeddingWidth, image } = manifest;
  assert.equal(architecture, 'vit + gpt2');
  assert.equal(precision, 'fp32');
  assert.deepEqual(tokens, {
    logits: tokens.logits,
    startIds: tokens.startIds,
    endId: tokens.startIds[0],
    longest: 64,
  });
  assert.deepEqual([regions, embeddingWidth], [17, 32]);
  assert.deepEqual([image.resampling, image.width, image.height], ['pillow', 32, 32]);
  const cache = { dtype: 'float32', shape: ['rows', 2, 'length', 16] };
  const keys = { dtype: 'float32', shape: ['images', 2, 16, 17] };
  const values = { dtype: 'float32', shape: ['images', 2, 17, 16] };
  const layers = Array.from({ length: state.length / 2 }, () => [keys, values]);
  assert.deepEqual(
    state,
    layers.flatMap(() => [cache, cache]),
  );
  assert.deepEqual(memory, layers.flat());
  assert.deepEqual(
    manifest.provenance.map(({ what }) => what.split(': ')[1]),
    ['onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx', 'tokenizer.json'],
  );
});

test('a decoder without a cache keeps the words so far', async () => {
  const { state, architecture } = await imported('deit-roberta');
  assert.equal(architecture, 'deit + roberta');
  assert.deepEqual(state, [{ dtype: 'int64', shape: ['rows', 'length'] }]);
});

test('which of several precisions', async () => {
  for (const [wanted, found] of [
    ['int8', 'int8'],
    ['fp16', 'fp16'],
  ] as const) {
    const { precision, provenance, state } = await imported('vit-gpt2-merged', { precision: wanted });
    assert.equal(precision, found);
    assert.match(provenance[0]!.what, wanted === 'int8' ? /_quantized\.onnx/ : /_fp16\.onnx/);
    assert.equal(state[0]!.dtype, 'float32');
  }
  await assert.rejects(imported('deit-roberta', { precision: 'int8' }), {
    code: 'SourceUnsupported',
    message: /encoder_model_quantized\.onnx.*decoder_model\.onnx/,
  });
});

test('an encoder that is asked something has the question in its graph', async () => {
  const [short, long] = [await imported('florence2'), await imported('florence2', { task: 'more-detailed' })];
  assert.equal(short.tokens.startIds.length, 2);
  assert.ok(long.regions > short.regions);
});

test('where it came from, with the hashes that the hub says', async () => {
  const files = { 'onnx/encoder_model.onnx': 'a'.repeat(64) };
  const origin = { id: 'somebody/captioner', revision: 'c'.repeat(40), files, baseModels: ['somebody/else'] };
  const { provenance, license, description } = await imported('vit-gpt2-merged', { origin, license: 'mit' });
  assert.equal(license, 'mit');
  assert.match(description, /somebody\/captioner/);
  assert.deepEqual(provenance[0], {
    what: 'vit + gpt2, export of Hugging Face: onnx/encoder_model.onnx, made of somebody/else',
    source: `somebody/captioner at ${'c'.repeat(40)}`,
    license: 'mit',
    sha256: 'a'.repeat(64),
  });
});

/** The export with other settings of generation; null: without that file. */
function settled(name: string, generation: object | null, config: object = {}): string {
  const directory = join(make(name), 'export');
  cpSync(join(CAPTIONERS, 'vit-gpt2'), directory, { recursive: true });
  const file = join(directory, 'config.json');
  const given = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...given, ...config }));
  const beside = join(directory, 'generation_config.json');
  if (generation === null) rmSync(beside);
  else writeFileSync(beside, JSON.stringify(generation));
  return directory;
}

/** What is said of its settings. */
async function changedOf(directory: string): Promise<string[]> {
  const name = `changed-${++bundles}`;
  const { draft, changed } = await importCaptioner({ directory, out: join(make(name), 'bundle'), name });
  await draft.discard();
  return changed;
}

test('how captions are searched for is what generation_config.json says, in our words', async () => {
  const generation = {
    decoder_start_token_id: 7,
    eos_token_id: [9, 8],
    num_beams: 5,
    max_length: 17,
    min_length: 4,
    length_penalty: 0.8,
    no_repeat_ngram_size: 3,
    early_stopping: true,
  };
  const directory = settled('said', generation, { num_beams: 2, max_length: 30 });
  const { decoding, tokens, search } = await imported('said-bundle', { directory });
  assert.deepEqual(decoding, {
    beamWidth: 5,
    maxLength: 17,
    minLength: 3,
    lengthNormalization: 0.8,
    bannedWords: [],
    noRepeatNgram: 3,
  });
  assert.deepEqual([tokens.startIds, tokens.endId], [[7], 9]);
  assert.deepEqual(search, { earlyStopping: true });
});

test('what a configuration asks for beyond what searches do is said', async () => {
  const said = {
    decoder_start_token_id: 0,
    eos_token_id: [0, 5],
    max_length: 1024,
    num_beams: 12,
    length_penalty: -1,
    repetition_penalty: 3,
    do_sample: false,
  };
  assert.deepEqual(await changedOf(settled('beyond', said)), [
    'max_length 1024 is 64 here',
    'num_beams 12 is 10 here',
    'length_penalty -1 is 0 here',
    'eos_token_id 5 ends no caption here, 0 does',
    'repetition_penalty is not heeded here',
  ]);
});

/** What each part of a configuration says, where there is no generation_config.json. */
function unsettled(name: string, config: object, decoder: object): string {
  const directory = settled(name, null, config);
  const file = join(directory, 'config.json');
  const given = JSON.parse(readFileSync(file, 'utf8')) as { decoder: object };
  writeFileSync(file, JSON.stringify({ ...given, decoder: { ...given.decoder, ...decoder } }));
  return directory;
}

test('a setting that is the default is none: old files have all of them', async () => {
  const plain = { num_beams: 1, max_length: 20, length_penalty: 1.0, early_stopping: false };
  const own = { num_beams: 4, max_length: 14, no_repeat_ngram_size: 3, early_stopping: true };
  const { decoding, search } = await imported('old-bundle', { directory: unsettled('old', plain, own) });
  assert.deepEqual(
    [decoding.beamWidth, decoding.maxLength, decoding.noRepeatNgram, search.earlyStopping],
    [4, 14, 3, true],
  );
  // transformers adds 20 words to the start then.
  const { decoding: nothing } = await imported('bare-bundle', { directory: unsettled('bare', plain, plain) });
  assert.deepEqual([nothing.beamWidth, nothing.maxLength], [1, 21]);
});

test('new words are counted without the start', async () => {
  const generation = { decoder_start_token_id: 0, eos_token_id: [0], forced_eos_token_id: [0] };
  const counted = { ...generation, max_new_tokens: 12, min_new_tokens: 5, max_length: null, min_length: 3 };
  const { decoding, search } = await imported('new-bundle', { directory: settled('new', counted) });
  assert.deepEqual([decoding.maxLength, decoding.minLength, search.forcesEnd], [13, 5, true]);
});

test('what searches do not do is said of config.json too, and empty lists ask for nothing', async () => {
  const directory = unsettled(
    'unheard',
    { repetition_penalty: 1.0, bad_words_ids: [], suppress_tokens: null },
    { repetition_penalty: 1.2, exponential_decay_length_penalty: [3, 1.5] },
  );
  assert.deepEqual(await changedOf(directory), [
    'repetition_penalty is not heeded here',
    'exponential_decay_length_penalty is not heeded here',
  ]);
});

test('decoders that count positions as RoBERTa does have as many fewer', async () => {
  for (const model_type of ['roberta', 'camembert', 'xlm-roberta', 'data2vec-text']) {
    const directory = unsettled(model_type, {}, { model_type, n_positions: 66, pad_token_id: 1 });
    const { tokens } = await imported(`${model_type}-bundle`, { directory });
    assert.equal(tokens.longest, 64, model_type);
  }
});

test('an image processor of another network is refused in one line, and onnxruntime says nothing beside it', async () => {
  const directory = settled('other-size', { decoder_start_token_id: 0, eos_token_id: 0 });
  writeFileSync(
    join(directory, 'preprocessor_config.json'),
    JSON.stringify({ image_processor_type: 'ViTImageProcessor', size: 48 }),
  );
  const script = `import { importCaptioner } from ${JSON.stringify(IMPORT)};
    await importCaptioner({ directory: ${JSON.stringify(directory)}, out: ${JSON.stringify(join(make('other'), 'bundle'))}, name: 'other' })
      .catch(({ message }) => console.log(message));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  assert.match(stdout, /^[^\n]*encoder_model\.onnx[^\n]*48 x 48[^\n]*preprocessor_config\.json[^\n]*\n$/);
});

test('where a configuration does not say how many positions there are, captions are as long as any', async () => {
  const decoder = { model_type: 'gpt2' };
  const generation = { decoder_start_token_id: 0, eos_token_id: 0, max_length: 1024 };
  const directory = settled('positions', generation, { decoder });
  const { tokens, decoding } = await imported('positions-bundle', { directory });
  assert.deepEqual([tokens.longest, decoding.maxLength], [undefined, 128]);
});

test('a start that the decoder does not know is refused', async () => {
  const directory = settled('unknown-start', { decoder_start_token_id: 99_999, eos_token_id: 0 });
  await assert.rejects(importCaptioner({ directory, out: join(make('never'), 'bundle'), name: 'never' }), {
    code: 'VocabularyMismatch',
    message: /config\.json: expected ids of start and end below \d+.*99999/,
  });
});

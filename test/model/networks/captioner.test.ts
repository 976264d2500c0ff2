/** The rows that the graphs of a captioner are given, with graphs that say what they were given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { beamSearch } from '../../../src/caption/beam-search.ts';
import type { NetworkImage } from '../../../src/caption/ports.ts';
import { transformersEnding } from '../../../src/caption/search/ending.ts';
import type { CaptionerManifest } from '../../../src/model/manifest.ts';
import { onnxruntime } from '../../../src/model/native/native-parts.ts';
import { captioner } from '../../../src/model/networks/captioner.ts';
import { imagesOf, type Model, searchOptions, stepOver } from '../../caption/fake-models.ts';

const VOCABULARY = 7;
const SIDE = 2;
const WIDTH = 3;
const REGIONS = 2;

const network = captioner({
  image: { resampling: 'pillow', width: SIDE, height: SIDE, dtype: 'uint8' },
  embeddingWidth: WIDTH,
  regions: REGIONS,
  tokens: { logits: VOCABULARY, startIds: [0], endId: 1 },
  state: [
    { dtype: 'int64', shape: ['rows', 'length'] },
    { dtype: 'float32', shape: ['rows', 'length', 2] },
  ],
  memory: [
    { dtype: 'float32', shape: ['images', 2] },
    { dtype: 'int64', shape: ['images'] },
  ],
} as Partial<CaptionerManifest> as CaptionerManifest);

type Feeds = Record<string, Tensor>;
const sessionOf = (run: (feeds: Feeds, fetches: readonly string[]) => Feeds) =>
  ({
    run: async (feeds: Feeds, fetches: readonly string[]) => run(feeds, fetches),
  }) as never as InferenceSession;

const { Tensor: OrtTensor } = onnxruntime();
const integers = (values: readonly number[], dims: number[]) =>
  new OrtTensor('int64', BigInt64Array.from(values, BigInt), dims);
const floats = (values: readonly number[], dims: number[]) =>
  new OrtTensor('float32', Float32Array.from(values), dims);
const numbers = (tensor: Tensor) => Array.from(tensor.data as BigInt64Array, Number);
const ranked = (row: readonly number[]) => row.map((_, id) => id).sort((a, b) => row[b]! - row[a]! || a - b);

/** A decoder whose state is what was said and whose memory is which model an image has; it holds its inputs to the contract. */
function decoderOver(models: readonly Model[]) {
  const images: number[] = [];
  const rows: number[] = [];
  const memories: Tensor[] = [];
  const session = sessionOf((feeds, fetches) => {
    assert.deepEqual(Object.keys(feeds).sort(), Object.keys(network.decoder.inputs).sort());
    const memory = numbers(feeds['memory.1']!);
    assert.deepEqual(feeds['memory.0']!.dims, [memory.length, 2]);
    assert.deepEqual(
      numbers(feeds['memory.0']!),
      memory.flatMap((image) => [image, -image]),
    );
    images.push(memory.length);
    memories.push(feeds['memory.0']!);
    const [words, parents] = [numbers(feeds.word!), numbers(feeds.parent!)];
    rows.push(words.length);
    const each = words.length / memory.length;
    assert.ok(Number.isInteger(each), `${words.length} rows of ${memory.length} images`);
    const [before, length] = feeds['state.0']!.dims as [number, number];
    assert.deepEqual(feeds['state.1']!.dims, [before, length, 2]);
    const said = numbers(feeds['state.0']!);
    const twice = numbers(feeds['state.1']!);
    assert.deepEqual(
      twice,
      said.flatMap((id) => [id, id]),
    );
    const next = parents.map((row, i) => [...said.slice(row * length, (row + 1) * length), words[i]!]);
    const all = next.map((ids, i) => models[memory[Math.floor(i / each)]!]!(ids));
    const [k] = numbers(feeds.k!) as [number];
    const best = all.map((row) => ranked(row).slice(0, k));
    const outputs: Feeds = {
      'next.0': integers(next.flat(), [next.length, length + 1]),
      'next.1': floats(
        next.flat().flatMap((id) => [id, id]),
        [next.length, length + 1, 2],
      ),
      top_log_probabilities: floats(
        best.flatMap((ids, i) => ids.map((id) => all[i]![id]!)),
        [next.length, k],
      ),
      top_ids: integers(best.flat(), [next.length, k]),
      log_probabilities: floats(all.flat(), [next.length, VOCABULARY]),
    };
    return Object.fromEntries(fetches.map((name) => [name, outputs[name]!]));
  });
  return { decoder: network.decode(session), images, rows, memories };
}

/** Any continuous log-probabilities, of all that is said: no ties. */
function modelOf(seed: number): Model {
  return (prefix) =>
    Array.from({ length: VOCABULARY }, (_, word) => {
      let h = seed | 0;
      for (const id of [...prefix, word]) h = Math.imul(h ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (h >>> 13);
      return Math.fround(-5 * (((h >>> 4) & 0xfffff) / 0xfffff) - 0.01);
    });
}

describe('the decoder of a captioner', () => {
  const memoryOf = (images: number) => {
    const every = Array.from({ length: images }, (_, i) => i);
    return [
      floats(
        every.flatMap((i) => [i, -i]),
        [images, 2],
      ),
      integers(every, [images]),
    ];
  };

  it('is given as many rows of each image that is still searched for, each with what it said', async () => {
    let fewer = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer(), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(3),
        async (seeds, beamWidth, left) => {
          const models = seeds.map(modelOf);
          const { encoded, places } = imagesOf(seeds.map((_, i) => i));
          const asked = {
            encoded: { ...encoded, memory: memoryOf(seeds.length) },
            // Some of those that were encoded, not from the first on.
            places: places.slice(Math.min(left, places.length - 1)).reverse(),
          };
          const options = searchOptions({
            vocabularySize: VOCABULARY,
            beamWidth,
            maxLength: 8,
            ending: transformersEnding(false),
          });
          const { decoder, images } = decoderOver(models);
          const { captions } = await beamSearch(decoder, asked, options);
          for (const [i, place] of asked.places.entries()) {
            const alone = await beamSearch(stepOver(models[place]!).decoder, imagesOf([0]), options);
            assert.deepEqual(captions[i], alone.captions[0]);
          }
          if (images.at(-1)! < images[0]!) fewer++;
        },
      ),
      { numRuns: 200, seed: 27 },
    );
    assert.ok(fewer > 20, `only in ${fewer} cases some image was done before the others`);
  });

  it('gives all log-probabilities in the order of what was asked, where they are asked for', async () => {
    const models = [modelOf(1), modelOf(2)];
    const { decoder, rows, memories } = decoderOver(models);
    const memory = memoryOf(2);
    const encoded = { embeddings: new Float32Array(), regions: new Float32Array(), memory };
    const begun = await decoder.start(encoded, [0, 1]);
    assert.equal(begun.rows, 2);
    const first = { words: [0, 0], parents: [0, 1], state: begun, k: 2 };
    assert.equal((await decoder.step(first)).all, undefined);
    const { state } = await decoder.step(first);
    const second = await decoder.step({ words: [2, 3, 4], parents: [0, 1, 1], state, k: 2, all: true });
    assert.equal(second.state.rows, 3);
    const expected = [models[0]!([0, 2]), models[1]!([0, 3]), models[1]!([0, 4])];
    assert.deepEqual([...second.all!], expected.flat());
    assert.deepEqual(
      [...second.ids],
      expected.flatMap((row) => ranked(row).slice(0, 2)),
    );
    // Two rows of each image, as the one has that has most; its memory is not copied while all are searched for.
    assert.deepEqual(rows, [2, 2, 4]);
    assert.ok(memories.every((one) => one === memory[0]));
    // What was given before is as it was.
    const again = await decoder.step({ words: [2, 3, 4], parents: [0, 1, 1], state, k: 2, all: true });
    assert.deepEqual(again.all, second.all);
  });
});

describe('the encoder of a captioner', () => {
  it('is given all images one after the other, and gives means and what the decoder reads', async () => {
    const values = [1, 2, 3, 5, 6, 7, 10, 20, 30, 12, 22, 32];
    const memory = { 'memory.0': floats([0, 0, 1, -1], [2, 2]), 'memory.1': integers([0, 1], [2]) };
    const session = sessionOf((feeds, fetches) => {
      assert.deepEqual(Object.keys(feeds), ['image']);
      assert.deepEqual(feeds.image!.dims, [2, SIDE, SIDE, 3]);
      assert.equal(feeds.image!.type, 'uint8');
      assert.deepEqual(numbers(feeds.image!), [...pixels[0]!, ...pixels[1]!]);
      assert.deepEqual(fetches, ['region_embeddings', 'memory.0', 'memory.1']);
      return { region_embeddings: floats(values, [2, REGIONS, WIDTH]), ...memory };
    });
    const pixels = [0, 100].map((first) => Uint8Array.from({ length: 12 }, (_, i) => first + i));
    const size = { rows: SIDE, columns: SIDE, width: SIDE, height: SIDE };
    const images = pixels.map((own): NetworkImage => ({ pixels: own, ...size }));
    const encoded = await network.encode(session)(images);
    assert.deepEqual([...encoded.embeddings], [3, 4, 5, 11, 21, 31]);
    assert.deepEqual([...encoded.regions], values);
    assert.deepEqual(encoded.memory, Object.values(memory));
  });
});

it('the graphs of a captioner are held to its manifest', () => {
  assert.deepEqual(network.encoder, {
    inputs: { image: { dtype: 'uint8', shape: [null, SIDE, SIDE, 3] } },
    outputs: {
      region_embeddings: { dtype: 'float32', shape: [null, REGIONS, WIDTH] },
      'memory.0': { dtype: 'float32', shape: [null, 2] },
      'memory.1': { dtype: 'int64', shape: [null] },
    },
  });
  const state = [
    { dtype: 'int64', shape: [null, null] },
    { dtype: 'float32', shape: [null, null, 2] },
  ];
  assert.deepEqual(network.decoder.inputs, {
    word: { dtype: 'int64', shape: [null] },
    parent: { dtype: 'int64', shape: [null] },
    k: { dtype: 'int64', shape: [1] },
    'state.0': state[0],
    'state.1': state[1],
    'memory.0': { dtype: 'float32', shape: [null, 2] },
    'memory.1': { dtype: 'int64', shape: [null] },
  });
  assert.deepEqual(network.decoder.outputs, {
    top_log_probabilities: { dtype: 'float32', shape: [null, null] },
    top_ids: { dtype: 'int64', shape: [null, null] },
    log_probabilities: { dtype: 'float32', shape: [null, VOCABULARY] },
    'next.0': state[0],
    'next.1': state[1],
  });
});

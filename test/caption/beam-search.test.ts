import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { beamSearch, type FoundCaption, type SearchOptions } from '../../src/caption/beam-search.ts';
import { constraintOf } from '../../src/caption/search/constraint.ts';
import { type Lstm, lstmDecoder, READ_IMAGE } from '../../src/model/networks/show-and-tell.ts';
import { imagesOf, type Model, markov, ONE_IMAGE, searchOptions, stepOver } from './fake-models.ts';
import { enumerateSearch, plainSearch } from './plain-search.ts';

async function search(model: Model, options: SearchOptions): Promise<FoundCaption[]> {
  const { captions } = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
  return captions[0]!;
}

/** Next-word probabilities of the upstream unit test (tensorflow/models, Apache-2.0). */
const UPSTREAM: Record<number, Record<number, number>> = {
  0: { 1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4 },
  2: { 5: 0.1, 6: 0.9 },
  3: { 1: 0.1, 7: 0.4, 8: 0.5 },
  4: { 1: 0.3, 9: 0.3, 10: 0.4 },
  9: { 1: 0.5, 11: 0.5 },
};
const upstream = markov(
  Array.from({ length: 12 }, (_, last) =>
    Array.from({ length: 12 }, (_, next) => Math.log((UPSTREAM[last] ?? { 1: 1 })[next] ?? 0)),
  ),
);

const BEAM_1: [number[], number][] = [[[0, 4, 10, 1], 0.16]];
const BEAM_2: [number[], number][] = [...BEAM_1, [[0, 3, 8, 1], 0.15]];
const BEAM_3: [number[], number][] = [[[0, 2, 6, 1], 0.18], ...BEAM_2];
const VECTORS: { name: string; options: Partial<SearchOptions>; expected: [number[], number][] }[] = [
  { name: 'beam 1', options: { beamWidth: 1 }, expected: BEAM_1 },
  { name: 'beam 2', options: { beamWidth: 2 }, expected: BEAM_2 },
  { name: 'beam 3', options: { beamWidth: 3 }, expected: BEAM_3 },
  { name: 'maximum length 1', options: { maxLength: 1 }, expected: [[[0], 1]] },
  {
    name: 'maximum length 2, no caption complete',
    options: { maxLength: 2 },
    expected: [
      [[0, 4], 0.4],
      [[0, 3], 0.3],
      [[0, 2], 0.2],
    ],
  },
  {
    name: 'maximum length 3',
    options: { maxLength: 3 },
    expected: [
      [[0, 4, 1], 0.12],
      [[0, 3, 1], 0.03],
    ],
  },
  { name: 'maximum length 4', options: { maxLength: 4 }, expected: BEAM_3 },
  {
    name: 'beam 4 with length normalisation 3',
    options: { beamWidth: 4, lengthNormalization: 3 },
    expected: [[[0, 4, 9, 11, 1], 0.06], ...BEAM_3],
  },
];

for (const { name, options, expected } of VECTORS) {
  test(`answers the upstream vector: ${name}`, async () => {
    const found = await search(upstream, searchOptions({ vocabularySize: 12, ...options }));
    assert.deepEqual(
      found.map((c) => c.ids),
      expected.map(([ids]) => ids),
    );
    found.forEach((c, i) => {
      assert.ok(Math.abs(Math.exp(c.logProbability) - expected[i]![1]) < 1e-6);
      assert.equal(c.complete, c.ids.includes(1));
    });
  });
}

interface HeapqCase {
  table: number[][];
  beamWidth: number;
  maxLength: number;
  lengthNormalization: number;
  captions: [number[], number, number][];
}

test('orders equal scores as Python’s heapq leaves them, on 150 models full of ties', async () => {
  const file = new URL('../fixtures/beam-search/heapq.json', import.meta.url);
  const cases = JSON.parse(readFileSync(file, 'utf8')) as HeapqCase[];
  for (const { table, captions, ...settings } of cases) {
    const options = searchOptions({ vocabularySize: table.length, ...settings });
    const found = await search(markov(table), options);
    assert.deepEqual(
      found.map((c) => [c.ids, c.logProbability, c.score]),
      captions,
    );
  }
});

/** Log-probabilities that are multiples of -1/4, so that sums tie exactly and often. */
const model = fc
  .record({ size: fc.integer({ min: 3, max: 6 }), levels: fc.constantFrom(2, 5, 40), seed: fc.integer() })
  .map(({ size, levels, seed }) => ({ size, model: prefixModel(size, levels, seed) }));

/** Depends on the whole prefix, not only on its last word. */
function prefixModel(size: number, levels: number, seed: number): Model {
  return (prefix) =>
    Array.from({ length: size }, (_, word) => {
      let h = seed | 0;
      for (const id of [...prefix, word]) h = Math.imul(h ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (h >>> 13);
      return -0.25 * (1 + ((h >>> 8) % levels));
    });
}

const settings = fc.record({
  beamWidth: fc.integer({ min: 1, max: 5 }),
  maxLength: fc.integer({ min: 1, max: 6 }),
  lengthNormalization: fc.constantFrom(0, 0, 0.5, 1, 2),
});

test('equals a plain search that looks at every word, ties included', async () => {
  await fc.assert(
    fc.asyncProperty(model, settings, async ({ model, size }, settings) => {
      const options = searchOptions({ vocabularySize: size, ...settings });
      assert.deepEqual(await search(model, options), plainSearch(model, options));
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('equals the enumeration of all sentences when the beam drops none', async () => {
  await fc.assert(
    fc.asyncProperty(model, fc.constantFrom(0, 1), async ({ model }, lengthNormalization) => {
      // Three words besides the end: 1 + 3 live hypotheses at most before the last step, all of them kept.
      const small: Model = (prefix) => model(prefix).slice(0, 3);
      const options = searchOptions({ vocabularySize: 3, beamWidth: 5, maxLength: 3, lengthNormalization });
      const found = await search(small, options);
      assert.deepEqual(
        found.map((c) => c.score),
        enumerateSearch(small, options)
          .map((c) => c.score)
          .slice(0, found.length),
      );
    }),
    { numRuns: 200, seed: 2 },
  );
});

test('stops early without changing a result, and saves steps', async () => {
  const steps = { on: 0, off: 0 };
  await fc.assert(
    fc.asyncProperty(
      model,
      settings,
      fc.integer({ min: 1, max: 5 }),
      async ({ model, size }, settings, top) => {
        const options = searchOptions({
          vocabularySize: size,
          ...settings,
          maxLength: settings.maxLength + 4,
          count: Math.min(top, settings.beamWidth),
        });
        const on = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
        const off = await beamSearch(stepOver(model).decoder, ONE_IMAGE, { ...options, earlyStop: false });
        assert.deepEqual(on.captions, off.captions);
        assert.ok(on.steps <= off.steps);
        steps.on += on.steps;
        steps.off += off.steps;
      },
    ),
    { numRuns: 300, seed: 3 },
  );
  assert.ok(steps.on < 0.9 * steps.off, `${steps.on} steps instead of ${steps.off}`);
});

test('searches several images in shared runs as it searches each alone', async () => {
  const models = [1, 2, 3, 4].map((seed) => prefixModel(5, 9, seed));
  const options = searchOptions({ vocabularySize: 5 });
  const { decoder, counts } = stepOver(...models);
  const together = await beamSearch(decoder, imagesOf([0, 1, 2, 3]), options);
  const alone = await Promise.all(
    models.map((model) => beamSearch(stepOver(model).decoder, ONE_IMAGE, options)),
  );
  assert.deepEqual(
    together.captions,
    alone.map((result) => result.captions[0]),
  );
  assert.equal(counts.runs, Math.max(...alone.map((result) => result.steps)));
  assert.equal(counts.largestBatch, 4 * options.beamWidth);
});

test('never says a banned word, and finds what a model without it would', async () => {
  await fc.assert(
    fc.asyncProperty(model, settings, async ({ model, size }, settings) => {
      const banned = 2;
      const options = searchOptions({ vocabularySize: size, ...settings, bannedIds: new Set([banned]) });
      const without: Model = (prefix) =>
        model(prefix).map((p, word) => (word === banned ? Number.NEGATIVE_INFINITY : p));
      const found = await search(model, options);
      assert.ok(found.every((c) => !c.ids.includes(banned)));
      assert.deepEqual(found, plainSearch(without, { ...options, bannedIds: new Set() }));
    }),
    { numRuns: 200, seed: 4 },
  );
});

test('gives no complete caption shorter than the minimum length', async () => {
  await fc.assert(
    fc.asyncProperty(
      model,
      settings,
      fc.integer({ min: 1, max: 4 }),
      async ({ model, size }, settings, min) => {
        const options = searchOptions({
          vocabularySize: size,
          ...settings,
          maxLength: min + 4,
          minLength: min,
        });
        const found = await search(model, options);
        assert.ok(found.every((c) => !c.complete || c.ids.length >= min + 2));
        assert.deepEqual(found, plainSearch(model, options));
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});

test('drops words below the probability that im2txt drops, and NaN', async () => {
  const table = [
    [-50, -0.5, Number.NaN, -28],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
    [-1, -1, -1, -1],
  ];
  const found = await search(markov(table), searchOptions({ vocabularySize: 4, beamWidth: 4 }));
  assert.deepEqual(
    found.map((c) => c.ids),
    [[0, 1]],
  );
});

test('word log-probabilities add up to the caption’s', async () => {
  const found = await search(prefixModel(6, 40, 9), searchOptions({ vocabularySize: 6 }));
  for (const caption of found) {
    assert.equal(caption.wordLogProbabilities.length, caption.ids.length - 1);
    assert.equal(
      caption.wordLogProbabilities.reduce((sum, p) => sum + p, 0),
      caption.logProbability,
    );
  }
});

/** The decoder of `stepOver` behind embeddings of two numbers and a state of three, and what it was asked. */
function wideDecoder(...models: Model[]) {
  const inner = stepOver(...models).lstm;
  const asked: { words: readonly number[]; k: number; all: boolean }[] = [];
  const lstm: Lstm = async ({ words, embeddings, state, k, all = false }) => {
    asked.push({ words, k, all });
    assert.deepEqual([embeddings.length, state.length], [2 * words.length, 3 * words.length]);
    const reads = words[0] === READ_IMAGE;
    if (reads) assert.ok(state.every((value) => value === 0));
    else assert.ok(embeddings.every((value) => value === 0));
    const narrow = Float32Array.from(words, (_, row) => state[3 * row]!);
    // The three numbers of a row belong together.
    narrow.forEach((value, row) => {
      if (!reads)
        assert.deepEqual([...state.subarray(3 * row, 3 * row + 3)], [value, value + 0.25, value + 0.5]);
    });
    const output = await inner({
      words,
      embeddings: Float32Array.from(words, (_, row) => embeddings[2 * row]!),
      state: narrow,
      k,
      all,
    });
    const next = Float32Array.from(
      { length: 3 * words.length },
      (_, i) => output.state[Math.floor(i / 3)]! + (i % 3) / 4,
    );
    return { ...output, state: next };
  };
  return { decoder: lstmDecoder(lstm, { embeddingWidth: 2, stateWidth: 3 }), asked };
}

test('states and embeddings of any width stay with their hypotheses', async () => {
  const models = [1, 2, 3].map((seed) => prefixModel(5, 9, seed));
  const options = searchOptions({ vocabularySize: 5, maxLength: 6 });
  const wide = wideDecoder(...models);
  const found = await beamSearch(wide.decoder, imagesOf([0, 7, 1, 8, 2, 9], 3), options);
  const alone = await Promise.all(models.map((model) => search(model, options)));
  assert.deepEqual(found.captions, alone);
  assert.deepEqual(wide.asked[0], { words: [READ_IMAGE, READ_IMAGE, READ_IMAGE], k: 1, all: false });
  assert.equal(found.steps, wide.asked.length);
});

test('no more words are asked for than may be needed', async () => {
  const asked = async (changes: Partial<SearchOptions>) => {
    const wide = wideDecoder(prefixModel(12, 40, 5));
    const options = searchOptions({ vocabularySize: 12, beamWidth: 2, maxLength: 3, ...changes });
    await beamSearch(wide.decoder, imagesOf([0, 0], 1), options);
    return wide.asked.slice(1).map(({ k, all }) => [k, all]);
  };
  const [A, B, C] = [4, 5, 6];
  assert.deepEqual(await asked({}), [
    [2, false],
    [2, false],
  ]);
  // The end, where it is none; banned words; wanted ones, of the hypothesis that wants most.
  assert.deepEqual((await asked({ minLength: 1 }))[0], [3, false]);
  assert.deepEqual((await asked({ bannedIds: new Set([A, B, C]) }))[0], [5, false]);
  assert.deepEqual(await asked({ constraint: constraintOf([], [[A, B]]) }), [
    [4, true],
    [5, true],
  ]);
  assert.deepEqual((await asked({ beamWidth: 9, bannedIds: new Set([A, B, C, 7]) }))[0], [12, false]);
});

test('an image whose search is ended has no captions, the others have those that they have alone', async () => {
  const images = imagesOf([0, 0, 0]);
  const options = searchOptions({ vocabularySize: 12 });
  const alone = await search(upstream, options);
  for (const [after, steps] of [
    [0, 1],
    [2, 3],
  ] as const) {
    const calls = [0, 0, 0];
    const late = new Error('late');
    const checkpoint = (image: number) => {
      if (calls[image]!++ === after && image === 1) throw late;
    };
    const { captions, failures } = await beamSearch(stepOver(upstream).decoder, images, {
      ...options,
      checkpoint,
    });
    assert.deepEqual(captions, [alone, [], alone]);
    assert.deepEqual([...failures], [[1, late]]);
    assert.equal(calls[1], steps);
  }
});

test('where all searches are ended before they begin, no image is read', async () => {
  const { decoder, counts } = stepOver(upstream);
  const checkpoint = () => {
    throw new Error('late');
  };
  const found = await beamSearch(decoder, imagesOf([0, 0]), {
    ...searchOptions({ vocabularySize: 12 }),
    checkpoint,
  });
  assert.deepEqual([found.captions, found.steps, found.failures.size, counts.runs], [[[], []], 0, 2, 0]);
});

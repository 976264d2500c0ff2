import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beamSearch } from '../../../src/caption/beam-search.ts';
import { startTrace, traceCaptions, traceFate, traceWord } from '../../../src/caption/search/trace.ts';
import { markov, ONE_IMAGE, searchOptions, stepOver } from '../fake-models.ts';

/** Log-probabilities of the next word: rows are the last word; 0 starts, 1 ends. */
const FIVE_WORDS = [
  [-9, -9, Math.log(0.5), Math.log(0.3), Math.log(0.2)],
  [-9, -9, -9, -9, -9],
  [-9, Math.log(0.9), -9, -9, Math.log(0.1)],
  [-9, Math.log(0.6), -9, -9, Math.log(0.4)],
  [-9, Math.log(0.5), -9, -9, Math.log(0.5)],
];

test('a trace tells which words lived, died and ended a caption', async () => {
  const options = searchOptions({ vocabularySize: 5, beamWidth: 2, count: 2, maxLength: 4, trace: true });
  const { captions, traces } = await beamSearch(stepOver(markov(FIVE_WORDS)).decoder, ONE_IMAGE, options);
  const words = traces[0]!.map(({ parent, step, id, fate, caption }) => [parent, step, id, fate, caption]);
  assert.deepEqual(words.slice(0, 7), [
    [null, 0, 0, 'alive', undefined],
    [0, 1, 2, 'alive', undefined],
    [0, 1, 3, 'alive', undefined],
    // In heap-array order the lower hypothesis stands first.
    [2, 2, 1, 'complete', 1],
    [2, 2, 4, 'alive', undefined],
    [1, 2, 1, 'complete', 0],
    [1, 2, 4, 'alive', undefined],
  ]);
  assert.deepEqual(
    captions[0]!.map((c) => c.ids),
    [
      [0, 2, 1],
      [0, 3, 1],
    ],
  );
});

const table = fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 5, maxLength: 5 }), {
  minLength: 5,
  maxLength: 5,
});
const settings = fc.record({
  beamWidth: fc.integer({ min: 1, max: 4 }),
  maxLength: fc.integer({ min: 1, max: 6 }),
  lengthNormalization: fc.constantFrom(0, 1),
});

test('every caption returned is a path of its trace, and tracing changes no caption', async () => {
  await fc.assert(
    fc.asyncProperty(table, settings, async (rows, settings) => {
      const model = markov(rows.map((row) => row.map((level) => -0.25 * level)));
      const options = searchOptions({ vocabularySize: 5, count: settings.beamWidth, ...settings });
      const plain = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
      const traced = await beamSearch(stepOver(model).decoder, ONE_IMAGE, { ...options, trace: true });
      assert.deepEqual(traced.captions, plain.captions);
      assert.deepEqual(plain.traces, []);
      const nodes = traced.traces[0]!;
      for (const [i, caption] of traced.captions[0]!.entries()) {
        const path: number[] = [];
        const end = nodes.find((node) => node.caption === i)!;
        assert.equal(end.total, caption.logProbability);
        assert.equal(end.fate, caption.complete ? 'complete' : 'alive');
        for (let node = end; ; node = nodes[node.parent]!) {
          path.unshift(node.id);
          if (node.parent === null) break;
        }
        assert.deepEqual(path, caption.ids);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('a word is dropped until it is said to be kept, and stands behind the one before it', () => {
  const [start, kept, lost] = [{ logProbability: 0 }, { logProbability: -0.5 }, { logProbability: -2 }];
  const trace = startTrace(start, 7);
  traceWord(trace, start, kept, { id: 2, logProbability: -0.5 });
  traceWord(trace, kept, lost, { id: 3, logProbability: -1.5 });
  traceFate(trace, [kept], 'alive');
  traceCaptions(trace, [kept]);
  assert.deepEqual(trace.words, [
    { parent: null, step: 0, id: 7, logProbability: 0, total: 0, fate: 'alive' },
    { parent: 0, step: 1, id: 2, logProbability: -0.5, total: -0.5, fate: 'alive', caption: 0 },
    { parent: 1, step: 2, id: 3, logProbability: -1.5, total: -2, fate: 'dropped' },
  ]);
});

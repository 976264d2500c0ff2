import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beamSearch, type SearchOptions } from '../../../src/caption/beam-search.ts';
import { constraintOf } from '../../../src/caption/search/constraint.ts';
import { type EarlyStopping, transformersEnding } from '../../../src/caption/search/ending.ts';
import { idsThatRepeat } from '../../../src/caption/search/repeated-run.ts';
import { type Model, ONE_IMAGE, searchOptions, stepOver } from '../fake-models.ts';

/** Depends on all words before; no two sums are alike. */
function modelOf(size: number, seed: number): Model {
  return (prefix) =>
    Array.from({ length: size }, (_, word) => {
      let h = seed | 0;
      for (const id of [...prefix, word]) h = Math.imul(h ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (h >>> 13);
      return -5 * (((h >>> 4) & 0xfffff) / 0xfffff) - 0.01;
    });
}

interface Sentence {
  ids: number[];
  sum: number;
}

/** `_beam_search` of transformers for one image, over all continuations of all beams. */
function plainTransformers(model: Model, options: SearchOptions, early: EarlyStopping) {
  const { beamWidth: beams, maxLength, minLength, lengthNormalization: penalty, endId } = options;
  let running: Sentence[] = [{ ids: [...options.startIds], sum: 0 }];
  let finished: (Sentence & { score: number })[] = [];
  for (let length = 1; length < maxLength; length++) {
    const isForced = options.ending.forcesEnd && length === maxLength - 1;
    const all = running.flatMap(({ ids, sum }) => {
      if (isForced) return [{ ids: [...ids, endId], sum }];
      const repeated = idsThatRepeat(ids, options.noRepeatNgram ?? 0);
      return model(ids).flatMap((p, id) => {
        const refused = repeated.has(id) || (id === endId && length - 1 < minLength);
        return refused ? [] : [{ ids: [...ids, id], sum: sum + Math.fround(p) }];
      });
    });
    const top = all.sort((a, b) => b.sum - a.sum).slice(0, 2 * beams);
    const isOver = ({ ids }: Sentence) => ids.at(-1) === endId || ids.length === maxLength;
    const ended = top.slice(0, beams).filter(isOver);
    finished = [...finished, ...ended.map((s) => ({ ...s, score: s.sum / (s.ids.length - 1) ** penalty }))]
      .sort((a, b) => b.score - a.score)
      .slice(0, beams);
    running = top.filter((s) => !isOver(s)).slice(0, beams);
    if (running.length === 0) break;
    if (finished.length < beams) continue;
    if (early === true || beams === 1) break;
    const hypothetical = early === 'never' && penalty > 0 ? maxLength - 1 : length;
    if (running[0]!.sum / hypothetical ** penalty <= finished.at(-1)!.score) break;
  }
  return finished;
}

test('the beam search of transformers, whatever stops it', async () => {
  const settings = fc.record({
    beamWidth: fc.integer({ min: 1, max: 4 }),
    maxLength: fc.integer({ min: 2, max: 7 }),
    minLength: fc.integer({ min: 0, max: 2 }),
    lengthNormalization: fc.constantFrom(0, 0.6, 1, 2),
    noRepeatNgram: fc.constantFrom(0, 0, 1, 2),
  });
  const stopping = fc.constantFrom<EarlyStopping>(true, false, 'never');
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 8, max: 12 }),
      fc.integer(),
      settings,
      stopping,
      fc.boolean(),
      async (size, seed, wanted, early, forces) => {
        const ending = transformersEnding(early, forces);
        const options = searchOptions({ vocabularySize: size, ...wanted, ending });
        const model = modelOf(size, seed);
        const { captions } = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
        const expected = plainTransformers(model, options, early);
        assert.deepEqual(
          captions[0]!.map(({ ids }) => ids),
          expected.map(({ ids }) => ids),
        );
        captions[0]!.forEach(({ score, complete, ids }, i) => {
          assert.ok(Math.abs(score - expected[i]!.score) < 1e-5);
          const isForced = forces && ids.length === options.maxLength;
          assert.equal(complete, ids.at(-1) === 1 && !isForced);
          if (isForced) assert.equal(ids.at(-1), 1);
          seen.add(`${complete}`);
        });
      },
    ),
    { numRuns: 500, seed: 1 },
  );
  assert.deepEqual([...seen].sort(), ['false', 'true']);
});

test('only `never` waits for captions that could become better by being longer', async () => {
  const rows: Record<string, number[]> = {
    '0': [-9, -1, -1.5, -2],
    '0,2': [-9, -1.5, -2.5, -5],
    '0,2,2': [-9, -0.01, -9, -9],
  };
  const model: Model = (prefix) => rows[prefix.join()] ?? [-9, -9, -9, -9];
  const found = async (early: EarlyStopping, lengthNormalization: number) => {
    const options = { vocabularySize: 4, beamWidth: 2, maxLength: 7, lengthNormalization };
    const whole = searchOptions({ ...options, ending: transformersEnding(early) });
    const { captions, steps } = await beamSearch(stepOver(model).decoder, ONE_IMAGE, whole);
    return [...captions[0]!.map(({ ids }) => ids.join()), steps];
  };
  // -1 and -3 / 2 are there when the best that goes on has -4 / 2; what becomes of it has -4.01 / 3.
  assert.deepEqual(await found(true, 1), ['0,1', '0,2,1', 3]);
  assert.deepEqual(await found(false, 1), ['0,1', '0,2,1', 3]);
  assert.deepEqual(await found('never', 1), ['0,1', '0,2,2,1', 4]);
  // As good is not better.
  rows['0,2'] = [-9, -1.5, -1.5, -5];
  assert.deepEqual(await found(false, 1), ['0,1', '0,2,1', 3]);
  // Where length is no gain nothing is waited for.
  assert.deepEqual(await found('never', 0), ['0,1', '0,2,1', 3]);
});

test('an end that is forced costs nothing, is traced, and is no way round what has to be said', async () => {
  const model: Model = () => [-9, -5, -0.5, -2];
  const forced = { vocabularySize: 4, beamWidth: 2, maxLength: 3, ending: transformersEnding(false, true) };
  const options = searchOptions({ ...forced, trace: true });
  const { captions, traces, steps } = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
  assert.deepEqual(
    captions[0]!.map(({ ids, wordLogProbabilities, logProbability }) => [
      ids,
      wordLogProbabilities,
      logProbability,
    ]),
    [
      [[0, 2, 1], [-0.5, 0], -0.5],
      [[0, 3, 1], [-2, 0], -2],
    ],
  );
  assert.equal(steps, 2, 'nobody is asked about the last id');
  const ends = traces[0]!.filter(({ step }) => step === 2).sort((a, b) => a.caption! - b.caption!);
  assert.deepEqual(
    ends.map(({ id, logProbability, total, fate, caption }) => [id, logProbability, total, fate, caption]),
    [
      [1, 0, -0.5, 'complete', 0],
      [1, 0, -2, 'complete', 1],
    ],
  );
  const said = async (phrase: number[]) => {
    const wanted = searchOptions({ ...forced, constraint: constraintOf([], [phrase]) });
    return (await beamSearch(stepOver(model).decoder, ONE_IMAGE, wanted)).captions[0]!.map(({ ids }) => ids);
  };
  assert.deepEqual(await said([3]), [[0, 3, 1]]);
  assert.deepEqual(await said([3, 2]), []);
});

test('what is cut off at the maximum length is a caption where it says what it has to', async () => {
  const model: Model = () => [-9, -5, -0.5, -2];
  const cut = { vocabularySize: 4, beamWidth: 2, maxLength: 3, ending: transformersEnding(false) };
  const said = async (phrase: number[]) => {
    const options = searchOptions({ ...cut, constraint: constraintOf([], [phrase]) });
    const { captions } = await beamSearch(stepOver(model).decoder, ONE_IMAGE, options);
    return captions[0]!.map(({ ids, complete }) => [ids, complete]);
  };
  assert.deepEqual(await said([3, 2]), [[[0, 3, 2], false]]);
  assert.deepEqual(await said([3, 2, 3]), []);
});

test('several ids at the start are read before the first word, and count as said', async () => {
  const model = modelOf(9, 5);
  const options = searchOptions({
    vocabularySize: 9,
    startIds: [3, 4, 2],
    maxLength: 6,
    ending: transformersEnding(false),
  });
  const { decoder, counts } = stepOver(model);
  const { captions, steps } = await beamSearch(decoder, ONE_IMAGE, options);
  assert.ok(captions[0]!.every(({ ids }) => ids.slice(0, 3).join() === '3,4,2' && ids.length <= 6));
  assert.equal(counts.runs, steps);
  // What was said of the third id was not asked of the second.
  const [best] = captions[0]!;
  const sum = best!.ids.slice(3).reduce((total, id, i) => total + model(best!.ids.slice(0, 3 + i))[id]!, 0);
  assert.ok(Math.abs(sum - best!.logProbability) < 1e-5);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beamSearch, type FoundCaption, type SearchOptions } from '../../../src/caption/beam-search.ts';
import { constraintOf, NO_CONSTRAINT } from '../../../src/caption/search/constraint.ts';
import { idsOfText } from '../../../src/caption/vocabulary/whole-words.ts';
import { parseVocabulary } from '../../../src/caption/vocabulary/word-list.ts';
import { type Model, ONE_IMAGE, searchOptions, stepOver } from '../fake-models.ts';
import { enumerateSearch, plainConstrainedSearch } from '../plain-search.ts';

interface Wish {
  prefix: number[];
  phrases: number[][];
}

/** The wish read off a finished caption, without any automaton. */
function fulfils({ ids, complete }: FoundCaption, { prefix, phrases }: Wish): boolean {
  const words = ids.slice(1, complete ? -1 : undefined);
  const begins = prefix.every((id, i) => words[i] === id);
  const says = (phrase: number[]) =>
    words.some((_, i) => i + phrase.length <= words.length && phrase.every((id, j) => words[i + j] === id));
  return begins && phrases.every(says);
}

test('the automaton of a phrase that begins again within itself', () => {
  const [A, B, C, OTHER] = [1, 2, 3, 4];
  const { start, next, wanted, accepts } = constraintOf([], [[A, B, A, C]]);
  const after = (...ids: number[]) => ids.reduce<number>((state, id) => next(state, id)!, start);
  // As many words of it as are said; what else is said leads back to the start.
  assert.deepEqual([after(), after(OTHER), after(B), after(A, OTHER), after(A, B, OTHER)], [0, 0, 0, 0, 0]);
  assert.deepEqual([after(A), after(A, B), after(A, B, A), after(A, B, A, C)], [1, 2, 3, 4]);
  assert.deepEqual([after(A, A), after(A, B, A, B), after(A, B, A, A)], [1, 2, 1]);
  // Once said it stays so.
  assert.deepEqual([after(A, B, A, C, OTHER), after(A, B, A, C, A)], [4, 4]);
  // Words that lead on or back; none once all is said.
  assert.deepEqual([0, 1, 2, 3, 4].map(wanted), [[A], [A, B], [A, B], [A, B, C], []]);
  assert.deepEqual([0, 1, 2, 3, 4].map(accepts), [false, false, false, false, true]);
});

test('the automaton of a prefix and two phrases counts each for itself', () => {
  const [A, B, C, OTHER] = [1, 2, 3, 4];
  const { start, next, wanted, accepts } = constraintOf([A, B], [[B], [C, C]]);
  // Nothing but the prefix may stand at the start, and it counts towards the phrases.
  assert.deepEqual([start, next(start, B), next(start, OTHER), wanted(start)], [0, null, null, [A]]);
  const begun = next(start, A)!;
  assert.deepEqual([next(begun, A), next(begun, C), wanted(begun)], [null, null, [B]]);
  const whole = next(begun, B)!;
  assert.deepEqual([wanted(whole), accepts(whole)], [[C], false]);
  assert.equal(next(whole, OTHER), whole);
  const half = next(whole, C)!;
  assert.deepEqual([wanted(half), accepts(half), next(half, OTHER)], [[C], false, whole]);
  const done = next(half, C)!;
  assert.deepEqual([wanted(done), accepts(done), next(done, OTHER)], [[], true, done]);
  assert.equal(new Set([start, begun, whole, half, done]).size, 5);
});

test('without a wish one state takes everything', () => {
  const none = constraintOf([], []);
  assert.equal(none, NO_CONSTRAINT);
  assert.deepEqual([none.start, none.next(0, 5), none.wanted(0), none.accepts(0)], [0, 0, [], true]);
});

const SIZE = 5;
/** Any continuous log-probabilities, of the whole prefix: no ties, which the two searches would order differently. */
function modelOf(seed: number, size = SIZE): Model {
  return (prefix) =>
    Array.from({ length: size }, (_, word) => {
      let h = seed | 0;
      for (const id of [...prefix, word]) h = Math.imul(h ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (h >>> 13);
      return Math.fround(-((h >>> 4) % 1_000_003) / 250_000 - 0.01);
    });
}

const word = fc.integer({ min: 2, max: SIZE - 1 });
const wish = fc.record({
  prefix: fc.array(word, { maxLength: 2 }),
  phrases: fc.array(fc.array(word, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
});

async function search(model: Model, wish: Wish, options: Partial<SearchOptions>) {
  const whole = searchOptions({
    vocabularySize: SIZE,
    ...options,
    constraint: constraintOf(wish.prefix, wish.phrases),
  });
  return { whole, found: (await beamSearch(stepOver(model).decoder, ONE_IMAGE, whole)).captions[0]! };
}

test('equals the enumeration of all sentences that fulfil a wish when the beams drop none', async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), wish, fc.constantFrom(0, 1), async (seed, wish, lengthNormalization) => {
      const model = modelOf(seed);
      // Four words that are not the end, four places for them: at most 256 live hypotheses, 341 captions.
      const { whole, found } = await search(model, wish, {
        beamWidth: 400,
        maxLength: 6,
        lengthNormalization,
      });
      const every = enumerateSearch(model, whole).filter((c) => c.complete && fulfils(c, wish));
      assert.deepEqual(
        found.filter((c) => c.complete).map((c) => c.ids),
        every.map((c) => c.ids),
      );
      if (wish.prefix.length + wish.phrases.length > 0 && every.length > 0) asked++;
    }),
    { numRuns: 150, seed: 11 },
  );
  assert.ok(asked > 75, `only ${asked} cases had a wish that a caption fulfils`);
});

test('says what is asked for at any beam width, and stops early without changing a caption', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), wish, fc.integer({ min: 1, max: 4 }), async (seed, wish, beamWidth) => {
      const model = modelOf(seed);
      const { whole, found } = await search(model, wish, {
        beamWidth,
        maxLength: 10,
        lengthNormalization: 1,
      });
      assert.ok(found.length > 0);
      for (const caption of found) assert.ok(fulfils(caption, wish), JSON.stringify(caption.ids));
      const slow = await beamSearch(stepOver(model).decoder, ONE_IMAGE, { ...whole, earlyStop: false });
      assert.deepEqual(found, slow.captions[0]);
    }),
    { numRuns: 300, seed: 12 },
  );
});

test('equals a plain search that looks at every word and keeps a beam for each state', async () => {
  // Few different words in long phrases, so that they begin again within themselves; many words beside them.
  const phrase = fc.array(fc.integer({ min: 2, max: 4 }), { minLength: 1, maxLength: 4 });
  const phrases = fc.array(phrase, { minLength: 1, maxLength: 2 });
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      phrases,
      fc.integer({ min: 1, max: 3 }),
      async (seed, phrases, beamWidth) => {
        const model = modelOf(seed, 16);
        const options = { vocabularySize: 16, beamWidth, maxLength: 12, earlyStop: false };
        const { whole, found } = await search(model, { prefix: [], phrases }, options);
        const expected = plainConstrainedSearch(model, whole);
        assert.deepEqual(
          found.filter((c) => c.complete).map((c) => c.ids),
          expected.map((c) => c.ids),
        );
        complete += expected.length;
      },
    ),
    { numRuns: 200, seed: 13 },
  );
  assert.ok(complete > 200, `only ${complete} captions`);
});

test('a hypothesis can leave a phrase that begins again within itself', async () => {
  const [END, A, B, C, OTHER] = [1, 2, 3, 4, 5];
  // After "a b a" the words of the phrase and the end are all likelier than the word that leads to the best caption.
  const rows: Record<string, Record<number, number>> = {
    '': { [A]: -0.01 },
    [`${A}`]: { [B]: -0.01 },
    [`${A},${B}`]: { [A]: -0.01 },
    [`${A},${B},${A}`]: { [END]: -0.1, [B]: -0.2, [A]: -0.3, [C]: -0.4, [OTHER]: -2 },
    [`${A},${B},${A},${OTHER}`]: { [A]: -0.01 },
    [`${A},${B},${A},${OTHER},${A}`]: { [B]: -0.01 },
    [`${A},${B},${A},${OTHER},${A},${B}`]: { [A]: -0.01 },
    [`${A},${B},${A},${OTHER},${A},${B},${A}`]: { [C]: -0.01 },
    [`${A},${B},${A},${OTHER},${A},${B},${A},${C}`]: { [END]: -0.01 },
  };
  const model: Model = ([, ...said]) =>
    Array.from({ length: 8 }, (_, id) => rows[`${said}`]?.[id] ?? -20 - id / 8);
  const wish = { prefix: [], phrases: [[A, B, A, C]] };
  const { whole, found } = await search(model, wish, { vocabularySize: 8, beamWidth: 1, maxLength: 12 });
  assert.deepEqual(
    found.map((caption) => caption.ids),
    [[0, A, B, A, OTHER, A, B, A, C, END]],
  );
  assert.deepEqual(
    plainConstrainedSearch(model, whole).map((caption) => caption.ids),
    found.map((caption) => caption.ids),
  );
});

test('there is no caption where the maximum length leaves no room for the wish', async () => {
  const { found } = await search(modelOf(1), { prefix: [2, 3, 4], phrases: [] }, { maxLength: 3 });
  assert.deepEqual(found, []);
});

test('a required word is said even where the model gives it almost nothing', async () => {
  const model: Model = () => [-1e3, -0.5, -1, -60, -1e3];
  const { found } = await search(model, { prefix: [], phrases: [[3]] }, { maxLength: 6 });
  assert.ok(found[0]!.ids.includes(3));
});

test('words are looked up as the model writes them, and unknown ones are told', () => {
  const vocabulary = parseVocabulary('<S> 3\n</S> 3\na 2\ndog 1');
  assert.deepEqual(idsOfText('  A  Dog ', vocabulary), { ids: [2, 3], unknown: null });
  for (const text of ['a cat', '<S>', '</s>', '<UNK>', '</S> dog']) {
    assert.notEqual(idsOfText(text, vocabulary).unknown, null, text);
  }
});

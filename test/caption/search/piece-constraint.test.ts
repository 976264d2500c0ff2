/** Searches over pieces of words, held to what the texts of their captions say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beamSearch, type FoundCaption, type SearchOptions } from '../../../src/caption/beam-search.ts';
import { NO_CONSTRAINT } from '../../../src/caption/search/constraint.ts';
import { type PieceWishes, pieceConstraint } from '../../../src/caption/search/piece-constraint.ts';
import { pieceVocabulary, type Tokenizer } from '../../../src/caption/vocabulary/pieces.ts';
import type { WantedWords } from '../../../src/caption/vocabulary/vocabulary.ts';
import { InvalidRequest } from '../../../src/errors.ts';
import { type Model, ONE_IMAGE, searchOptions, stepOver } from '../fake-models.ts';
import { enumerateSearch, plainConstrainedSearch } from '../plain-search.ts';

const PIECES = ['<s>', '</s>', ' man', 'man', 'ual', ' wo', '.', ' the'];
const [END, MAN, MAN_ON, UAL, WO, STOP, THE] = [1, 2, 3, 4, 5, 6, 7] as const;
const UNKNOWN = 8;

/** The longest piece that fits, again and again. */
function cut(text: string): number[] | null {
  if (text === '') return [];
  const fits = PIECES.filter((piece, id) => id > END && text.startsWith(piece));
  const longest = fits.sort((a, b) => b.length - a.length)[0];
  const rest = longest && cut(text.slice(longest.length));
  return rest ? [PIECES.indexOf(longest!), ...rest] : null;
}

const tokenizer: Tokenizer = {
  size: PIECES.length,
  bytes: (id) => PIECES[id] ?? '',
  special: new Set([0, 1, UNKNOWN]),
  unknownId: UNKNOWN,
  closesUp: false,
  encode: (text) => cut(text) ?? cut(` ${text}`) ?? [UNKNOWN],
};
const vocabulary = pieceVocabulary(tokenizer, { startIds: [0], endId: END, logits: PIECES.length });

function textOf({ ids }: FoundCaption): string {
  return ids.map((id) => (id > END ? PIECES[id]! : '')).join('');
}

/** Cut in another way than the product does it. */
function wordsIn(text: string): string[] {
  return text.replace(/\./g, ' . ').split(' ').filter(Boolean);
}

function says(text: string, phrase: string): boolean {
  return ` ${wordsIn(text).join(' ')} `.includes(` ${wordsIn(phrase).join(' ')} `);
}

function fulfils(caption: FoundCaption, { banned, prefix, required }: WantedWords): boolean {
  const text = textOf(caption);
  const begins = ` ${wordsIn(text).join(' ')} `.startsWith(` ${[...wordsIn(prefix), ''].join(' ')}`);
  return begins && !banned.some((phrase) => says(text, phrase)) && required.every((one) => says(text, one));
}

/** Any continuous log-probabilities, of all that is said: no ties. */
function modelOf(seed: number): Model {
  return (prefix) =>
    PIECES.map((_, word) => {
      let h = seed | 0;
      for (const id of [...prefix, word]) h = Math.imul(h ^ (id + 0x9e3779b9), 0x85ebca6b) ^ (h >>> 13);
      // Nobody starts again.
      return word === 0 ? -100 : Math.fround(-((h >>> 4) % 1_000_003) / 250_000 - 0.01);
    });
}

async function search(model: Model, wanted: Partial<WantedWords>, options: Partial<SearchOptions>) {
  const planned = vocabulary.plan({ banned: [], prefix: '', required: [], ...wanted });
  const whole = searchOptions({
    vocabularySize: PIECES.length,
    endId: END,
    ...options,
    ...vocabulary.constraint(structuredClone(planned)),
  });
  return { whole, found: (await beamSearch(stepOver(model).decoder, ONE_IMAGE, whole)).captions[0]! };
}

const word = fc.constantFrom('man', 'manual', 'woman', 'the', '.', 'the man', 'man.', 'manual the', 'wo');
const wish = fc.record({
  banned: fc.uniqueArray(word, { maxLength: 3 }),
  prefix: fc.constantFrom('', '', '', 'the', 'man', 'the man'),
  required: fc.uniqueArray(word, { maxLength: 2 }),
});
/** Wishes without those that contradict themselves, which no plan takes. */
const possible = wish.filter((wanted) => {
  try {
    return Boolean(vocabulary.plan(wanted));
  } catch (error) {
    assert.ok(error instanceof InvalidRequest, String(error));
    return false;
  }
});

/** What the constraint of a wish is after pieces. */
function constraintAfter(wanted: Partial<WantedWords>, ...ids: number[]) {
  const planned = vocabulary.plan({ banned: [], prefix: '', required: [], ...wanted });
  const { constraint } = vocabulary.constraint(planned);
  const after = (...ids: number[]) =>
    ids.reduce((state, id) => constraint.next(state, id)!, constraint.start);
  return { constraint, after, state: after(...ids) };
}

test('nobody who asks for nothing pays for it', () => {
  assert.equal(constraintAfter({}).constraint, NO_CONSTRAINT);
});

test('what makes no difference any more makes no state and no group of its own', () => {
  const { after } = constraintAfter({ banned: ['man'] });
  assert.equal(after(THE), after(WO, UAL));
  assert.notEqual(after(MAN), after(THE));
  const said = constraintAfter({ required: ['the man'] });
  const groups = [
    [THE, MAN, STOP],
    [THE, MAN, STOP, THE, MAN],
    [STOP, THE, MAN, THE],
  ].map((ids) => said.constraint.group(said.after(...ids)));
  assert.equal(new Set(groups).size, 1);
  assert.notEqual(said.constraint.group(said.after(THE)), groups[0]);
});

test('so many more pieces are looked at as may be refused', () => {
  const apart = (banned: string[], ...ids: number[]) => {
    const { constraint, state } = constraintAfter({ banned }, ...ids);
    return constraint.apart(state);
  };
  // " man" and "man"; behind " wo" it is "man" that ends a banned word as well.
  assert.deepEqual([apart(['man']), apart(['man'], WO), apart(['man', 'woman'], WO)], [2, 2, 4]);
  assert.equal(apart(['woman']), 0);
  // What only ends alike does not count.
  assert.equal(apart(['woman', 'toman'], WO), 2);
});

test('many more are looked at where a word may be whole or not, and nothing is once all is said', () => {
  const { constraint, after } = constraintAfter({ required: ['man'] });
  const apart = (...ids: number[]) => constraint.apart(after(...ids));
  // " man" and, where a caption begins, "man".
  assert.deepEqual([apart(THE), apart(MAN), apart(MAN_ON)], [0, 64, 64]);
  assert.deepEqual([apart(WO, MAN_ON), apart(MAN, STOP), apart(MAN, STOP, MAN)], [0, 0, 0]);
  const banned = constraintAfter({ banned: ['man'] }, MAN);
  assert.ok(banned.constraint.mustGoOn(banned.state));
  assert.equal(banned.constraint.apart(banned.state), 2 + 64);
  // Not where the prefix has it.
  const prefixed = constraintAfter({ banned: ['man'], prefix: 'manual' }, MAN);
  assert.ok(!prefixed.constraint.mustGoOn(prefixed.state));
});

test('a phrase is followed in the spelling that it has there', () => {
  const { constraint, after } = constraintAfter({ required: ['manual'] });
  const wanted = (...ids: number[]) => constraint.wanted(after(...ids));
  assert.deepEqual(wanted(), [MAN, MAN_ON]);
  assert.deepEqual(wanted(MAN_ON), [MAN, UAL]);
  assert.deepEqual(wanted(THE), [MAN]);
  assert.deepEqual(wanted(THE, MAN), [MAN, UAL]);
  assert.deepEqual(wanted(THE, MAN_ON), [MAN]);
  assert.deepEqual(wanted(MAN_ON, UAL, STOP), []);
  // It has one spelling alone.
  const woman = constraintAfter({ required: ['woman'] });
  assert.deepEqual(woman.constraint.wanted(woman.state), [WO]);
});

/** Letters in parts, capital ones, a sign, and what is no text; prefixes and their words in these pieces. */
const PARTS = ['', 'man', ' man', ' MAN', 'ual', '.', ' ', ' caf', '\xc3', '\xa9', '\xe6\x97', '\xa5', 's'];
const PREFIXES = [
  { ids: [2, 5, 7, 8, 9], words: ['man', '.', 'café'] },
  { ids: [1, 5], words: ['man', '.'] },
];
const PHRASES = ['man', 'man man', 'manual', 'café', 'caf', '日', '. man', 'man . café', 'man café', 'cafés'];

test('of several prefixes those are followed that are begun', () => {
  const wishes = { banned: [], prefixes: PREFIXES.map(({ ids }) => ids), required: [] };
  const constraint = pieceConstraint(wishes, { bytes: (id) => PARTS[id]!, count: () => 0 });
  const wanted = (...ids: number[]) =>
    constraint.wanted(ids.reduce((state, id) => constraint.next(state, id)!, constraint.start));
  assert.deepEqual(wanted(), [2, 1]);
  assert.deepEqual(wanted(2), [5]);
  assert.deepEqual(wanted(2, 5), [7]);
  assert.deepEqual(wanted(1, 5), []);
  assert.equal(constraint.next(constraint.start, 5), null);
});

test('refuses and accepts what the text of the pieces does', () => {
  const wordsOf = (ids: readonly number[]) => {
    const bytes = ids.map((id) => PARTS[id]).join('');
    // A letter that is not whole is none yet.
    const text = Buffer.from(bytes.replace(/(\xc3|\xe6\x97)$/, ''), 'latin1').toString();
    return text
      .toLowerCase()
      .replace(/[.\ufffd]/g, ' $& ')
      .split(' ')
      .filter(Boolean);
  };
  const has = (words: readonly string[], phrase: string) => ` ${words.join(' ')} `.includes(` ${phrase} `);
  const seen = { accepted: 0, refused: 0 };
  const phrases = fc.uniqueArray(fc.constantFrom(...PHRASES), { maxLength: 2 });
  const piece = fc.nat(PARTS.length - 1);
  const said = fc.oneof(
    fc.array(piece, { maxLength: 9 }),
    fc.tuple(fc.constantFrom(...PREFIXES), fc.array(piece)).map(([{ ids }, more]) => [...ids, ...more]),
  );
  fc.assert(
    fc.property(said, phrases, phrases, fc.subarray(PREFIXES), (ids, banned, required, prefixes) => {
      const wishes: PieceWishes = {
        banned: banned.map((phrase) => phrase.split(' ')),
        prefixes: prefixes.map((prefix) => prefix.ids),
        required: required.map((phrase) => ({ words: phrase.split(' '), within: [1, 4], first: [] })),
      };
      const constraint = pieceConstraint(wishes, { bytes: (id) => PARTS[id]!, count: () => 1 });
      let state: number | null = constraint.start;
      for (const id of ids) state = state === null ? null : constraint.next(state, id);
      const words = wordsOf(ids);
      const begins = (prefix: (typeof PREFIXES)[number]) =>
        prefix.ids.every((id, i) => ids[i] === id) && prefix.words.every((word, i) => words[i] === word);
      const isWished =
        (prefixes.length === 0 || prefixes.some(begins)) &&
        !banned.some((phrase) => has(words, phrase)) &&
        required.every((phrase) => has(words, phrase));
      assert.equal(state !== null && constraint.accepts(state), isWished, words.join(' '));
      seen[isWished ? 'accepted' : 'refused']++;
    }),
    { numRuns: 3000, seed: 25 },
  );
  assert.ok(Math.min(seen.accepted, seen.refused) > 500, JSON.stringify(seen));
});

test('equals the enumeration of all captions whose text fulfils a wish when the beams drop none', async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), possible, async (seed, wanted) => {
      const model = modelOf(seed);
      const { whole, found } = await search(model, wanted, { beamWidth: 4000, maxLength: 6 });
      // The start is nowhere else than at the start.
      const sayable = (caption: FoundCaption) => caption.complete && !caption.ids.slice(1).includes(0);
      const every = enumerateSearch(model, whole).filter((one) => sayable(one) && fulfils(one, wanted));
      assert.deepEqual(
        found.filter(sayable).map((one) => textOf(one)),
        every.map((one) => textOf(one)),
      );
      if (wanted.banned.length + wanted.required.length > 0 && every.length > 0) asked++;
    }),
    { numRuns: 25, seed: 21 },
  );
  assert.ok(asked > 12, `only ${asked} cases had a wish that a caption fulfils`);
});

test('keeps to a wish at any beam width, and stops early without changing a caption', async () => {
  let none = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      possible,
      fc.integer({ min: 1, max: 4 }),
      async (seed, wanted, beamWidth) => {
        const model = modelOf(seed);
        const { whole, found } = await search(model, wanted, { beamWidth, maxLength: 12 });
        if (found.length === 0) none++;
        for (const one of found)
          assert.ok(fulfils(one, wanted), `${textOf(one)} for ${JSON.stringify(wanted)}`);
        const slow = await beamSearch(stepOver(model).decoder, ONE_IMAGE, { ...whole, earlyStop: false });
        assert.deepEqual(found, slow.captions[0]);
      },
    ),
    { numRuns: 300, seed: 22 },
  );
  assert.equal(none, 0);
});

test('equals a plain search that looks at every piece and keeps a beam for each group', async () => {
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      possible,
      fc.integer({ min: 1, max: 3 }),
      async (seed, wanted, beamWidth) => {
        const model = modelOf(seed);
        const { whole, found } = await search(model, wanted, { beamWidth, maxLength: 7, earlyStop: false });
        const expected = plainConstrainedSearch(model, whole);
        assert.deepEqual(
          found.filter((one) => one.complete).map((one) => one.ids),
          expected.map((one) => one.ids),
        );
        complete += expected.length;
      },
    ),
    { numRuns: 100, seed: 24 },
  );
  assert.ok(complete > 100, `only ${complete} captions`);
});

test('finds the same with bans that nothing calls for as without', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, beamWidth) => {
      const any = modelOf(seed);
      // Never "manual" nor "woman".
      const model: Model = (prefix) => any(prefix).map((p, id) => (id === UAL || id === WO ? -100 : p));
      const options = { beamWidth, maxLength: 8 };
      const { whole, found } = await search(model, { banned: ['manual', 'woman'] }, options);
      assert.notEqual(whole.constraint, NO_CONSTRAINT);
      assert.deepEqual(found, (await search(model, {}, options)).found);
      compared += found.length;
    }),
    { numRuns: 100, seed: 23 },
  );
  assert.ok(compared > 100);
});

/** Each next piece by the pieces before; all else is unlikely. */
function tableOf(rows: Record<string, Record<number, number>>): Model {
  return ([, ...said]) => PIECES.map((_, id) => rows[said.join()]?.[id] ?? -30 - id);
}

test('a word that begins with a banned one is found, and costs no other caption its place', async () => {
  const model = tableOf({
    '': { [MAN]: -0.1, [THE]: -3 },
    [`${MAN}`]: { [END]: -0.1, [UAL]: -1 },
    [`${MAN},${UAL}`]: { [END]: -0.1 },
    [`${THE}`]: { [END]: -0.1 },
  });
  const found = async (banned: string[], beamWidth: number) => {
    const { found } = await search(model, { banned }, { beamWidth, maxLength: 5 });
    return found.map(textOf);
  };
  assert.deepEqual(await found([], 1), [' man']);
  assert.deepEqual(await found(['man'], 1), [' manual']);
  assert.deepEqual(await found(['Man'], 2), [' manual', ' the']);
  assert.deepEqual(await found(['man', 'manual'], 1), [' the']);
});

test('no caption is cut off behind a banned word', async () => {
  const model = tableOf({ '': { [THE]: -0.1 }, [`${THE}`]: { [MAN]: -0.1, [STOP]: -2 } });
  const { found } = await search(model, { banned: ['man'] }, { beamWidth: 2, maxLength: 3 });
  assert.ok(found.length > 0);
  for (const one of found) assert.ok(!says(textOf(one), 'man'), textOf(one));
});

test('a banned word is one however it is spelt', async () => {
  const model = tableOf({
    '': { [WO]: -0.1, [MAN_ON]: -0.2, [THE]: -5 },
    [`${WO}`]: { [MAN_ON]: -0.1 },
    [`${WO},${MAN_ON}`]: { [END]: -0.1, [STOP]: -0.2 },
    [`${MAN_ON}`]: { [END]: -0.1, [STOP]: -0.2 },
    [`${THE}`]: { [END]: -0.1 },
  });
  const { found } = await search(model, { banned: ['woman', 'man'] }, { beamWidth: 2, maxLength: 6 });
  assert.equal(textOf(found[0]!), ' the');
});

test('a prefix is whole words, in either spelling of its beginning', async () => {
  const model = tableOf({
    '': { [THE]: -0.1 },
    [`${MAN}`]: { [UAL]: -0.01, [STOP]: -5, [END]: -6 },
    [`${MAN_ON}`]: { [UAL]: -0.01, [STOP]: -0.5, [END]: -6 },
    [`${MAN_ON},${STOP}`]: { [END]: -0.1 },
    [`${MAN},${STOP}`]: { [END]: -0.1 },
  });
  const { found } = await search(model, { prefix: 'man' }, { beamWidth: 3, maxLength: 6 });
  // Piece 2 is likelier than 3 where nothing is said, and the way on from 3 is likelier by more.
  assert.deepEqual(found[0]!.ids, [0, MAN_ON, STOP, END]);
  assert.ok(found.every((one) => wordsIn(textOf(one))[0] === 'man'));
});

test('a required word is said even where the model gives it almost nothing', async () => {
  const model: Model = () => [-1e3, -0.5, -90, -80, -70, -60, -1, -0.7];
  for (const phrase of ['woman', 'the man.', 'manual']) {
    const { found } = await search(model, { required: [phrase] }, { beamWidth: 1, maxLength: 8 });
    assert.ok(says(textOf(found[0]!), phrase), textOf(found[0]!));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GENDERED_WORDS } from '../../src/caption/plan.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';

const KIN =
  'mother|father|mom|mama|mum|dad|daddy|son|daughter|brother|sister|husband|wife|uncle|aunt|nephew|niece|bride|groom';
/** What a gendered word of English looks like: pronouns, kin, titles, and compounds with `man`, `boy`, `girl` or `maid`. */
const LOOKS_GENDERED = new RegExp(
  [
    '^(?:s?he|him|her|his|hers|himself|herself)$',
    `^(?:grand)?(?:${KIN})s?$`,
    '^(?:king|queen|prince|princess|duke|duchess|sir|madam|mr|mrs|lord|nun|monk|actor|(?:fe)?male|lad|guy|dude|fellow)s?$',
    '(?:m[ae]n|wom[ae]n|boy|girl|maid|lady)s?$|ladies$',
    '^(?:wait|act|host|steward)(?:er|ress|ess)$|^(?:brun|blond|ball)(?:ette|e|erina)s?$',
  ].join('|'),
);
/** They look like it, and name no gender: figures, peoples, breeds. */
const NONE = new Set(
  'human humans german roman norman ottoman doberman batman spiderman spider-man superman'.split(' '),
);

test('every gendered word that the default model can say is known as one', async () => {
  const { vocabulary } = await readBundle(DEFAULT_BUNDLE);
  const gendered = vocabulary.words.filter((word) => LOOKS_GENDERED.test(word) && !NONE.has(word));
  assert.ok(gendered.length > 20, gendered.join(' '));
  assert.deepEqual(
    gendered.filter((word) => !GENDERED_WORDS.includes(word)),
    [],
  );
});

test('words for anybody stay allowed', () => {
  for (const word of ['person', 'people', 'child', 'children', 'baby', 'couple', 'player', 'blond'])
    assert.ok(!GENDERED_WORDS.includes(word), word);
});

test('no word is named twice', () => {
  assert.equal(new Set(GENDERED_WORDS).size, GENDERED_WORDS.length);
});

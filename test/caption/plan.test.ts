import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import { GENDERED_WORDS, type PlannedModel, planCaptions } from '../../src/caption/plan.ts';
import { wholeWords } from '../../src/caption/vocabulary/whole-words.ts';
import { parseVocabulary } from '../../src/caption/vocabulary/word-list.ts';
import { InvalidRequest } from '../../src/errors.ts';
import { readShowAndTell } from '../support/bundles.ts';

/** Ids: a 0, dog 1, man 2, woman 3, runs 4, <S> 5, </S> 6, <UNK> 7; the softmax has two more. */
const MODEL: PlannedModel = {
  defaults: { beamWidth: 2, bannedWords: ['<UNK>'] },
  vocabulary: wholeWords(parseVocabulary('a 9\ndog 8\nman 7\nwoman 6\nruns 5\n<S> 4\n</S> 4'), 10),
  calibrated: false,
  explains: false,
};

/** What the request is refused for. */
function problemsOf(asked: CaptionOptionsInput) {
  try {
    planCaptions(asked, MODEL);
  } catch (error) {
    assert.ok(error instanceof InvalidRequest, String(error));
    return error.problems.map(({ field, message }) => [field, message]);
  }
  assert.fail('accepted');
}

describe('a plan', () => {
  test('has what was asked, what holds, and words as ids', () => {
    const asked = { prefix: 'A dog', requiredWords: ['runs', 'a  dog'], bannedWords: ['man', 'nowhere'] };
    const { asked: kept, options, words } = planCaptions(asked, MODEL);
    assert.equal(kept, asked);
    assert.equal(options.beamWidth, 2);
    assert.deepEqual(options.bannedWords, ['<UNK>', 'man', 'nowhere']);
    assert.deepEqual(words, { banned: [7, 8, 9, 2], prefix: [0, 1], required: [[4], [0, 1]] });
  });

  test('asks for nothing where nobody did', () => {
    assert.deepEqual(planCaptions({}, MODEL).words, { banned: [7, 8, 9], prefix: [], required: [] });
  });

  test('bans the words that name a gender only where that was asked for', () => {
    const bannedIn = (asked: CaptionOptionsInput, model = MODEL) => {
      const { words } = planCaptions(asked, model);
      assert.ok('banned' in words);
      return words.banned;
    };
    assert.deepEqual(bannedIn({ genderNeutral: true }), [7, 8, 9, 2, 3]);
    assert.deepEqual(bannedIn({ genderNeutral: false }), [7, 8, 9]);
    assert.deepEqual(
      bannedIn({}, { ...MODEL, defaults: { genderNeutral: true } }),
      [2, 3],
      'a model that is so by default',
    );
  });

  test('is refused where a confidence is asked of a model that has none', () => {
    assert.deepEqual(problemsOf({ minConfidence: 0.5 }), [
      ['minConfidence', 'this model was not calibrated; `show-and-tell evaluate --save` does it'],
    ]);
    assert.equal(
      planCaptions({ minConfidence: 0.5 }, { ...MODEL, calibrated: true }).options.minConfidence,
      0.5,
    );
  });

  test('is refused for words that the model does not know, by the option that has them', () => {
    assert.deepEqual(problemsOf({ prefix: 'a cat' }), [
      ['prefix', 'the model does not know the word "cat" and cannot say it'],
    ]);
    assert.deepEqual(problemsOf({ requiredWords: ['dog', 'a zebra'] }), [
      ['requiredWords', 'the model does not know the word "zebra" and cannot say it'],
    ]);
  });

  test('is refused where a word is to be said and not to be said', () => {
    const contradictions: [CaptionOptionsInput, string][] = [
      [{ prefix: 'a dog', bannedWords: ['dog'] }, 'dog'],
      [{ requiredWords: ['runs', 'a man'], genderNeutral: true }, 'man'],
    ];
    for (const [asked, word] of contradictions) {
      assert.throws(() => planCaptions(asked, MODEL), {
        code: 'InvalidRequest',
        message: `"${word}" is both required and banned`,
      });
    }
  });
});

test('these words and no others are left out of captions that name no gender', () => {
  // Once more, so that none is lost by accident.
  const expected = `
    actor actors actress actresses aunt ballerina ballerinas baseman basemen batsman batsmen blonde blondes boy boyfriend
    boys bride brides bridesmaid bridesmaids brother brothers brunette brunettes businessman businessmen businesswoman
    businesswomen cameraman cowboy cowboys cowgirl cowgirls dad daddy dads daughter daughters doorman dude dudes father
    fathers fellow fellows female females fireman firemen fisherman fishermen gal gals gentleman gentlemen girl girlfriend
    girls granddaughter grandfather grandma grandmother grandpa grandson groom grooms groomsman groomsmen guy guys
    handyman he her hers herself him himself his horseman horsemen hostess husband husbands king kings lad ladies lads
    lady mailman male males mama man mans men mens mom mommy moms monk monks mother mothers mum nun nuns policeman
    policemen policewoman prince princes princess princesses queen queens salesman schoolboy schoolboys schoolgirl
    schoolgirls she sister sisters son sons sportsman sportsmen stewardess uncle waiter waiters waitress waitresses wife
    wives woman womans women womens workman workmen`;
  assert.deepEqual(GENDERED_WORDS.toSorted(), expected.trim().split(/\s+/));
});

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
  const { vocabulary, manifest } = await readShowAndTell();
  const words = Array.from({ length: manifest.vocabulary.size }, (_, id) => vocabulary.piece(id).word);
  const gendered = words.filter((word) => LOOKS_GENDERED.test(word) && !NONE.has(word));
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

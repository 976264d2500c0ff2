import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagOf, OPTIONS, parseCaptionOptions } from '../../src/caption/options.ts';
import { InvalidRequest } from '../../src/errors.ts';

test('the defaults are the tutorial’s', () => {
  assert.deepEqual(parseCaptionOptions(), {
    beamWidth: 3,
    maxLength: 20,
    minLength: 0,
    lengthNormalization: 0,
    bannedWords: [],
  });
});

test('a caller’s option wins over the model’s, banned words of both count', () => {
  const options = parseCaptionOptions(
    { beamWidth: 5, bannedWords: ['man', '<UNK>'] },
    { beamWidth: 2, lengthNormalization: 1, bannedWords: ['<UNK>'] },
  );
  assert.equal(options.beamWidth, 5);
  assert.equal(options.lengthNormalization, 1);
  assert.deepEqual(options.bannedWords, ['<UNK>', 'man']);
});

test('a model’s minimum length gives way to a shorter maximum, a caller’s does not', () => {
  assert.equal(parseCaptionOptions({ maxLength: 5 }, { minLength: 8 }).minLength, 3);
  assert.equal(parseCaptionOptions({ maxLength: 1 }, { minLength: 8 }).minLength, 0);
  assert.throws(() => parseCaptionOptions({ maxLength: 5, minLength: 8 }), InvalidRequest);
});

const BAD: [string, object][] = [
  ['beamWidth', { beamWidth: 0 }],
  ['beamWidth', { beamWidth: 11 }],
  ['beamWidth', { beamWidth: 2.5 }],
  ['beamWidth', { beamWidth: Number.NaN }],
  ['beamWidth', { beamWidth: '3' }],
  ['maxLength', { maxLength: 0 }],
  ['maxLength', { maxLength: 129 }],
  ['minLength', { minLength: -1 }],
  ['minLength', { minLength: 19 }],
  ['lengthNormalization', { lengthNormalization: -0.1 }],
  ['lengthNormalization', { lengthNormalization: Number.POSITIVE_INFINITY }],
  ['bannedWords', { bannedWords: 'dog' }],
  ['bannedWords', { bannedWords: [''] }],
  ['bannedWords', { bannedWords: Array(201).fill('x') }],
  ['count', { count: 4 }],
  ['count', { count: 0 }],
  ['requiredWords', { requiredWords: ['one', 'two', 'three', 'four', 'five'] }],
  ['requiredWords', { requiredWords: [' '] }],
  ['requiredWords', { requiredWords: ['a phrase of five words'] }],
  ['prefix', { prefix: 'a dog', maxLength: 3 }],
  ['genderNeutral', { genderNeutral: 'yes' }],
  ['avoidRepeats', { avoidRepeats: 1 }],
  ['noRepeatNgram', { noRepeatNgram: 11 }],
  ['beams', { beams: 3 }],
];

for (const [option, input] of BAD) {
  test(`refuses ${JSON.stringify(input).slice(0, 60)} and names ${option}`, () => {
    assert.throws(
      () => parseCaptionOptions(input),
      (error) => error instanceof InvalidRequest && error.message.includes(option),
    );
  });
}

test('every option has its flag, kind and bounds, and says what it does and what holds without it', () => {
  assert.deepEqual(
    OPTIONS.map(({ name, flag, kind, bounds }) => [name, flag, kind, bounds]),
    [
      ['beamWidth', '--beam <n>', 'number', [1, 10]],
      ['maxLength', '--max-length <n>', 'number', [1, 128]],
      ['minLength', '--min-length <n>', 'number', [0, 128]],
      ['lengthNormalization', '--length-normalization <x>', 'number', [0, 5]],
      ['bannedWords', '--ban <word>', 'array', null],
      ['requiredWords', '--require <phrase>', 'array', null],
      ['prefix', '--prefix <text>', 'string', null],
      ['genderNeutral', '--gender-neutral', 'boolean', null],
      ['avoidRepeats', '--avoid-repeats', 'boolean', null],
      ['noRepeatNgram', '--unique-ngrams <n>', 'number', [0, 10]],
      ['minConfidence', '--min-confidence <x>', 'number', [0, 1]],
      ['count', '--top <n>', 'number', [1, 10]],
      ['trace', '--trace', 'boolean', null],
      ['explain', '--explain', 'boolean', null],
    ],
  );
  for (const { name, text, otherwise, schema } of OPTIONS) {
    assert.match(text, /\w+ \w+/, name);
    assert.match(otherwise, /\w/, name);
    assert.ok(!schema.safeParse(undefined).success, `${name} has a default`);
  }
  const otherwise = (wanted: string) =>
    OPTIONS.filter((option) => option.otherwise === wanted).map(({ name }) => name);
  assert.deepEqual(otherwise('none'), ['bannedWords', 'requiredWords', 'prefix']);
  assert.deepEqual(otherwise('no'), ['trace', 'explain']);
});

test('a field is told by the flag of its option', () => {
  assert.deepEqual(
    ['beamWidth', 'bannedWords.1', 'genderNeutral', 'requiredWords', 'images', 'images.0.beamWidth', ''].map(
      flagOf,
    ),
    ['--beam', '--ban', '--gender-neutral', '--require', 'images', 'images.0.beamWidth', ''],
  );
});

const LARGEST: object[] = [
  { beamWidth: 10, count: 10 },
  { beamWidth: 1, count: 1 },
  { maxLength: 128, minLength: 126 },
  { maxLength: 1, minLength: 0 },
  { maxLength: 2, minLength: 0 },
  { lengthNormalization: 5 },
  { bannedWords: Array.from({ length: 200 }, (_, i) => `${i}`) },
  { bannedWords: ['x'.repeat(100)] },
  { requiredWords: ['a', 'b', 'c', 'd'] },
  { requiredWords: ['  a phrase of  four '] },
  { requiredWords: ['x'.repeat(200)] },
  { prefix: '' },
  { prefix: 'x'.repeat(1000) },
  { prefix: ' a  dog ', maxLength: 4 },
  { minConfidence: 0 },
  { minConfidence: 1 },
];
for (const input of LARGEST) {
  test(`takes ${JSON.stringify(input).slice(0, 60)}`, () => {
    const { bannedWords: _banned, ...found } = parseCaptionOptions(input);
    const { bannedWords: _asked, ...asked } = input as { bannedWords?: string[] };
    assert.deepEqual({ ...found, ...asked }, found);
  });
}

const TOO_MUCH: [option: string, input: object, message: RegExp][] = [
  ['bannedWords.0', { bannedWords: ['x'.repeat(101)] }, /100/],
  ['requiredWords.0', { requiredWords: ['x'.repeat(201)] }, /200/],
  ['requiredWords.0', { requiredWords: ['one two three four five'] }, /^a phrase has one to 4 words$/],
  ['requiredWords.0', { requiredWords: [''] }, /^a phrase has one to 4 words$/],
  ['prefix', { prefix: 'x'.repeat(1001) }, /1000/],
  ['minConfidence', { minConfidence: 1.01 }, /1/],
  ['minConfidence', { minConfidence: -0.01 }, /0/],
  ['lengthNormalization', { lengthNormalization: 5.1 }, /5/],
  ['count', { count: 4, beamWidth: 3 }, /^more captions than the beam keeps: raise \{beamWidth\} as well$/],
  [
    'minLength',
    { minLength: 3, maxLength: 4 },
    /^leaves no room: \{maxLength\} counts <S> and <\/S>, so this can be at most \{maxLength\} - 2$/,
  ],
  ['minLength', { minLength: 1, maxLength: 1 }, /^leaves no room/],
  [
    'prefix',
    { prefix: 'a black dog', maxLength: 4 },
    /^leaves no room: \{maxLength\} counts <S> and <\/S>, so this can have at most \{maxLength\} - 2 words$/,
  ],
  ['prefix', { prefix: 'a', maxLength: 1 }, /^leaves no room/],
];
for (const [option, input, message] of TOO_MUCH) {
  test(`says of ${JSON.stringify(input).slice(0, 60)} what is wrong with ${option}`, () => {
    assert.throws(
      () => parseCaptionOptions(input),
      (error) => {
        assert.ok(error instanceof InvalidRequest);
        const [problem, ...others] = error.problems;
        assert.deepEqual(others, []);
        assert.equal(problem!.field, option);
        assert.match(problem!.message, message);
        return true;
      },
    );
  });
}

test('banned words of the model stay where the caller names none, and no word counts twice', () => {
  const defaults = { bannedWords: ['<UNK>', 'man'] };
  assert.deepEqual(parseCaptionOptions({}, defaults).bannedWords, ['<UNK>', 'man']);
  assert.deepEqual(parseCaptionOptions({ bannedWords: ['man', 'boy'] }, defaults).bannedWords, [
    '<UNK>',
    'man',
    'boy',
  ]);
  assert.deepEqual(parseCaptionOptions({ bannedWords: ['man'] }).bannedWords, ['man']);
});

test('a model’s minimum length stays where there is room, and where nobody says how much', () => {
  assert.equal(parseCaptionOptions({ maxLength: 12 }, { minLength: 8 }).minLength, 8);
  assert.equal(parseCaptionOptions({}, { minLength: 8 }).minLength, 8);
  assert.equal(parseCaptionOptions({}, { minLength: 8, maxLength: 9 }).minLength, 7);
  assert.equal(parseCaptionOptions({ maxLength: 9 }, {}).minLength, 0);
  assert.equal(parseCaptionOptions({ minLength: 2, maxLength: 9 }, { minLength: 8 }).minLength, 2);
});

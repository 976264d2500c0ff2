import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCaptionOptions } from '../../src/caption/options.ts';
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
  ['maxLength', { maxLength: 61 }],
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

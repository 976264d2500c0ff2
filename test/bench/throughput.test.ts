import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differenceOf } from '../../bench/throughput.ts';
import type { Caption } from '../../src/caption/result.ts';

const caption = (text: string, logProbability: number): Caption => ({
  text,
  logProbability,
  probability: Math.exp(logProbability),
  words: [],
  truncated: false,
});

test('captions differ by their log-probabilities, and without end where a sentence is another or missing', () => {
  const expected = [caption('a cat .', -1), caption('a dog .', -2)];
  assert.equal(differenceOf(expected, expected), 0);
  assert.equal(differenceOf([caption('a cat .', -1.5), caption('a dog .', -1.75)], expected), 0.5);
  assert.equal(differenceOf(expected.toReversed(), expected), Number.POSITIVE_INFINITY);
  assert.equal(differenceOf(expected.slice(1), expected), Number.POSITIVE_INFINITY);
});

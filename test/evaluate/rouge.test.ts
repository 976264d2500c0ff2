import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rougeL } from '../../src/evaluate/rouge.ts';
import { assertClose, sample } from './support.ts';

test('words of the common subsequence need not be neighbours', () => {
  // The example of the ROUGE paper: 3 of 4 words on both sides.
  assertClose(rougeL([sample('police kill the gunman', 'police killed the gunman')]).mean, 3 / 4);
});

test('words in another order are not common', () => {
  assertClose(rougeL([sample('b a', 'a b')]).mean, 1 / 2);
});

test('recall weighs more than precision', () => {
  const short = rougeL([sample('a b', 'a b c d')]).mean;
  const long = rougeL([sample('a b c d', 'a b')]).mean;
  assertClose(short, (2.44 * 0.5) / (0.5 + 1.44 * 1));
  assertClose(long, (2.44 * 0.5) / (1 + 1.44 * 0.5));
  assert.ok(long > short);
});

test('precision and recall may come from different references', () => {
  assertClose(rougeL([sample('a b', 'a b c d', 'a')]).mean, 1);
});

test('nothing in common scores 0, and so does an empty caption', () => {
  assert.deepEqual(rougeL([sample('a b', 'c d'), sample('', 'c d')]).perImage, [0, 0]);
});

test('the corpus score is the mean over the images', () => {
  assertClose(rougeL([sample('a', 'a'), sample('a', 'b'), sample('b a', 'a b')]).mean, (1 + 0 + 1 / 2) / 3);
});

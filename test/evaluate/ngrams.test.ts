import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countNgrams } from '../../src/evaluate/ngrams.ts';

test('n-grams of one to four words are counted by order', () => {
  assert.deepEqual(countNgrams(['a', 'b', 'a', 'b']).map(Object.fromEntries), [
    { a: 2, b: 2 },
    { 'a b': 2, 'b a': 1 },
    { 'a b a': 1, 'b a b': 1 },
    { 'a b a b': 1 },
  ]);
});

test('a caption has no n-grams longer than itself', () => {
  assert.deepEqual(
    countNgrams(['a', 'b']).map((counts) => counts.size),
    [2, 1, 0, 0],
  );
  assert.deepEqual(
    countNgrams([]).map((counts) => counts.size),
    [0, 0, 0, 0],
  );
});

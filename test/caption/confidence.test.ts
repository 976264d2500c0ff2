import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceFeatures, confidenceOf } from '../../src/caption/confidence.ts';

const caption = { logProbability: -6, words: [{ logProbability: -1 }, { logProbability: -4.5 }] };

test('the features are log-probability a word with its end, the least likely word, and the words', () => {
  assert.deepEqual(confidenceFeatures(caption), [-2, -4.5, 2]);
  assert.deepEqual(confidenceFeatures({ logProbability: 0, words: [] }), [0, 0, 0]);
});

test('the confidence is the logistic function of their weighted sum', () => {
  const weights = { meanLogProbability: 1, worstLogProbability: 0.5, words: 2 };
  // 0.25 - 2 - 2.25 + 4 = 0
  assert.equal(confidenceOf(caption, { bias: 0.25, weights }), 0.5);
  assert.ok(confidenceOf(caption, { bias: 3, weights }) > 0.9);
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import { fitVocabulary } from '../../../src/import/network/check-vocabulary.ts';
import type { ShowAndTellWeights } from '../../../src/import/network/weights.ts';

/** Only the biases matter here: `<S>` is never said, `</S>` often. */
function weightsWith(biases: number[]): ShowAndTellWeights {
  const none = { rows: 0, columns: 0, data: new Float32Array() };
  return {
    convolutions: new Map(),
    imageEmbedding: none,
    wordEmbedding: none,
    lstmKernel: none,
    lstmBias: new Float32Array(),
    logitsWeights: none,
    logitsBiases: Float32Array.from(biases),
  };
}

const refused = (error: unknown) => error instanceof SourceError && error.code === 'VocabularyMismatch';

const LIST = 'a 9\n<S> 5\n</S> 5\ndog 1';
const WEIGHTS = weightsWith([0, -20, 3, 0, 0, 0, 0]);

test('a list that fits passes unchanged, rows without a word included', () => {
  const { vocabulary, text, mended } = fitVocabulary('words', LIST, WEIGHTS, false);
  assert.equal(vocabulary.startId, 1);
  assert.equal(text, LIST);
  assert.deepEqual(mended, []);
});

test('a list longer than the softmax is refused, repair or not', () => {
  const long = `${LIST}\ncat 1\nhat 1\nmat 1`;
  for (const repair of [false, true]) {
    assert.throws(() => fitVocabulary('words', long, WEIGHTS, repair), refused);
  }
});

test('start and end swapped are seen in the biases and swapped back on request', () => {
  const swapped = 'a 9\n</S> 5\n<S> 5\ndog 1';
  assert.throws(
    () => fitVocabulary('words', swapped, WEIGHTS, false),
    (error) => refused(error) && /--repair-vocabulary/.test(String(error)),
  );
  const { vocabulary, text, mended } = fitVocabulary('words', swapped, WEIGHTS, true);
  assert.deepEqual([vocabulary.startId, vocabulary.endId], [1, 2]);
  assert.equal(text, LIST);
  assert.match(mended.join(), /swapped/);
});

test('only start and end are swapped: not words that every object of JavaScript has', () => {
  const { text } = fitVocabulary('words', 'constructor 9\n</S> 5\n<S> 5\n<S>x 1', WEIGHTS, true);
  assert.equal(text, 'constructor 9\n<S> 5\n</S> 5\n<S>x 1');
});

test('a damaged list is refused with line and reason, and mended on request', () => {
  const damaged = 'a 9\n<S> 5\n</S> 5\n"s" 1\n"nt" 1';
  assert.throws(
    () => fitVocabulary('words', damaged, WEIGHTS, false),
    (error) => refused(error) && /line 4/.test(String(error)),
  );
  const { vocabulary, mended } = fitVocabulary('words', damaged, WEIGHTS, true);
  assert.deepEqual(vocabulary.words.slice(3, 5), ["'s", "n't"]);
  assert.equal(mended.length, 2);
});

test('a list without a start word cannot be mended', () => {
  assert.throws(() => fitVocabulary('words', 'a 9\n</S> 5', WEIGHTS, true), refused);
});

const PUBLIC = process.env.SHOW_AND_TELL_PUBLIC_WORDS;

test('the public list that lost its apostrophes is mended in fifteen places', {
  skip: PUBLIC !== undefined && existsSync(PUBLIC) ? false : 'SHOW_AND_TELL_PUBLIC_WORDS names no word list',
}, () => {
  const text = readFileSync(PUBLIC!, 'utf8');
  const weights = weightsWith(Array(12_000).fill(0).with(2, -20).with(1, 12));
  assert.throws(() => fitVocabulary(PUBLIC!, text, weights, false), refused);
  const { mended, vocabulary } = fitVocabulary(PUBLIC!, text, weights, true);
  assert.equal(mended.length, 15);
  assert.equal(vocabulary.words.length, 11_520);
});

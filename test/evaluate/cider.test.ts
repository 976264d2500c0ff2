import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ciderD } from '../../src/evaluate/cider.ts';
import { assertClose, sample } from './support.ts';

const other = sample('p q r s', 'p q r s');

test('the only reference of an image, repeated word for word, scores 10', () => {
  assertClose(ciderD([sample('a b c d', 'a b c d'), other]).perImage[0]!, 10);
});

test('a caption shorter than four words has no longer n-grams to score with', () => {
  assertClose(ciderD([sample('a b', 'a b'), other]).perImage[0]!, 5);
});

test('words that every image has weigh nothing', () => {
  const scores = ciderD([sample('the', 'the a'), sample('the', 'the b')]);
  assert.deepEqual(scores.perImage, [0, 0]);
});

test('with a single image every n-gram is in every image: 0', () => {
  assert.deepEqual(ciderD([sample('a b c d', 'a b c d')]), { mean: 0, perImage: [0] });
});

test('a rare word is worth more than a common one', () => {
  const corpus = (candidate: string) => [
    sample(candidate, 'dog rare'),
    sample('', 'dog x'),
    sample('', 'dog y'),
    sample('', 'z'),
  ];
  assert.ok(ciderD(corpus('rare')).perImage[0]! > ciderD(corpus('dog')).perImage[0]!);
});

test('repeating a word does not help', () => {
  // Unigram weights (2, 0) against (1, 1): min(2, 1) · 1 / (2 · √2). Bigrams "a a" and "a b": nothing in common.
  assertClose(ciderD([sample('a a', 'a b'), other]).perImage[0]!, (10 / 4) * (1 / (2 * Math.SQRT2)));
});

test('a caption d words longer or shorter is damped by exp(-d²/72)', () => {
  // Unigrams: 1 of 7 equal weights; six words too short.
  const expected = (10 / 4) * (1 / Math.sqrt(7)) * Math.exp(-36 / 72);
  assertClose(ciderD([sample('a', 'a b c d e f g'), other]).perImage[0]!, expected);
});

test('the references count equally', () => {
  const both = ciderD([sample('a b c d', 'a b c d', 'x y z w'), other]).perImage[0]!;
  assertClose(both, 5);
});

test('the corpus score is the mean over the images', () => {
  const { mean, perImage } = ciderD([sample('a b c d', 'a b c d'), sample('a', 'p q'), other]);
  assertClose(mean, (perImage[0]! + perImage[1]! + perImage[2]!) / 3);
  assert.equal(perImage[1], 0);
});

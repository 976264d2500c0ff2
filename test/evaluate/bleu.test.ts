import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bleu } from '../../src/evaluate/bleu.ts';
import { assertClose, sample } from './support.ts';

test('a word counts at most as often as in the reference that has it most', () => {
  // The example of the BLEU paper: 2 of 7.
  const papineni = sample(
    'the the the the the the the',
    'the cat is on the mat',
    'there is a cat on the mat',
  );
  assertClose(bleu([papineni]).corpus[0], 2 / 7);
});

test('matches of several references add up', () => {
  assertClose(bleu([sample('a b c d', 'a b x y', 'z z c d')]).corpus[0], 1);
});

test('BLEU-n is the geometric mean of the precisions up to n', () => {
  const [bleu1, bleu2, bleu3] = bleu([sample('a b c x', 'a b c d')]).corpus;
  assertClose(bleu1, 3 / 4);
  assertClose(bleu2, Math.sqrt((3 / 4) * (2 / 3)));
  assertClose(bleu3, Math.cbrt((3 / 4) * (2 / 3) * (1 / 2)));
});

test('a caption half as long as the reference loses a factor e', () => {
  assertClose(bleu([sample('a b', 'a b c d')]).corpus[0], Math.exp(-1));
});

test('a longer caption than the references pays by precision only', () => {
  assertClose(bleu([sample('a b c d e f g h', 'a b c d')]).corpus[0], 1 / 2);
});

test('the closest reference length counts, of two equally close ones the shorter', () => {
  assertClose(bleu([sample('a b c d e', 'a b c d e f', 'a b c d')]).corpus[0], 1);
  assertClose(bleu([sample('a b c d e', 'a b c d', 'a b c d e f')]).corpus[0], 1);
  assertClose(bleu([sample('a b c d e', 'a b c d e f', 'a')]).corpus[0], Math.exp(1 - 6 / 5));
});

test('the corpus score pools the counts instead of averaging the images', () => {
  const { corpus, perImage } = bleu([sample('a', 'a'), sample('b c d', 'x y z')]);
  assertClose(corpus[0], 1 / 4);
  assertClose(perImage[0]![0], 1);
  assertClose(perImage[1]![0], 0);
});

test('an empty caption scores 0', () => {
  assert.deepEqual(bleu([sample('', 'a b c d')]).corpus, [0, 0, 0, 0]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceFeatures } from '../../../src/caption/confidence/confidence.ts';
import {
  EVIDENCE_FEATURES,
  evidenceFeatures,
  evidenceFor,
  parseEvidence,
} from '../../../src/caption/confidence/evidence.ts';
import { seenImage } from '../../support/seen-image.ts';

const WORDS = ['a', 'dog', 'cat'];

/** Two numbers an embedding: the first speaks for dogs, the second for cats. */
function fileOf(biases: readonly number[], steps: readonly number[], rows: readonly number[][]): Uint8Array {
  return Buffer.concat([
    Buffer.from(Float32Array.from(biases).buffer),
    Buffer.from(Float32Array.from(steps).buffer),
    Buffer.from(Int8Array.from(rows.flat()).buffer),
  ]);
}

const FILE = fileOf(
  [0, -2, -1],
  [1, 0.5, 0.25],
  [
    [0, 0],
    [8, 0],
    [-4, 127],
  ],
);

test('a word’s probability is logistic in the weighted embedding', () => {
  const evidence = parseEvidence(FILE, WORDS, 2)!;
  const embedding = Float32Array.of(0.5, 0);
  // Dog: 0.5 * 8 * 0.5 - 2 = 0; cat: -4 * 0.25 * 0.5 - 1 = -1.5
  assert.equal(evidenceFor('dog', embedding, evidence), 0.5);
  assert.equal(evidenceFor('cat', embedding, evidence), 1 / (1 + Math.exp(1.5)));
  assert.equal(evidenceFor('zebra', embedding, evidence), 0);
});

test('function words say nothing of an image', () => {
  const evidence = parseEvidence(FILE, WORDS, 2)!;
  const words = ['a', 'dog', '.'].map((word) => ({ word }));
  const found = evidenceFeatures(words, Float32Array.of(0.5, 0), evidence);
  assert.deepEqual(found, { evidenceLog: Math.log(0.5 + 1e-4), evidenceMean: 0.5, evidenceSum: 0.5 });
});

test('a caption without a content word has numbers, too', () => {
  const evidence = parseEvidence(FILE, WORDS, 2)!;
  assert.deepEqual(evidenceFeatures([{ word: 'a' }], Float32Array.of(1, 1), evidence), {
    evidenceLog: 0,
    evidenceMean: 0,
    evidenceSum: 0,
  });
});

test('a file read at an odd place in memory gives the same numbers', () => {
  const shifted = new Uint8Array(FILE.length + 1);
  shifted.set(FILE, 1);
  const evidence = parseEvidence(shifted.subarray(1), WORDS, 2)!;
  assert.deepEqual([...evidence.steps], [1, 0.5, 0.25]);
  assert.deepEqual([...evidence.weights], [0, 0, 8, 0, -4, 127]);
});

test('a file of another size is none', () => {
  assert.equal(parseEvidence(FILE.subarray(1), WORDS, 2), null);
  assert.equal(parseEvidence(FILE, WORDS, 3), null);
});

test('a bundle without evidence has no numbers of it', () => {
  const caption = { logProbability: -1, words: [{ word: 'dog', logProbability: -1 }] };
  assert.equal(confidenceFeatures(caption, seenImage(), null).evidenceSum, undefined);
});

test('of several content words the mean, the mean logarithm and the sum', () => {
  const evidence = parseEvidence(FILE, WORDS, 2)!;
  const words = ['a', 'dog', 'cat', 'zebra'].map((word) => ({ word }));
  const found = evidenceFeatures(words, Float32Array.of(0.5, 0.25), evidence);
  // Dog a half, as before; cat (-4 * 0.5 + 127 * 0.25) * 0.25 - 1; a zebra has no row.
  const cat = 1 / (1 + Math.exp(-((-2 + 31.75) * 0.25 - 1)));
  const logs = [0.5, cat, 0].map((probability) => Math.log(probability + 1e-4));
  assert.deepEqual(found, {
    evidenceLog: (logs[0]! + logs[1]! + logs[2]!) / 3,
    evidenceMean: (0.5 + cat) / 3,
    evidenceSum: 0.5 + cat,
  });
});

test('the numbers that a manifest may weigh', () => {
  assert.deepEqual(EVIDENCE_FEATURES, ['evidenceLog', 'evidenceMean', 'evidenceSum']);
});

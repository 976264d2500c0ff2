import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepOutput } from '../../../src/caption/ports.ts';
import { candidatesOf } from '../../../src/caption/search/candidates.ts';

/** Two rows of the two best of five words. */
const OUTPUT: StepOutput = {
  state: { rows: 2 },
  ids: Int32Array.of(3, 1, 0, 4),
  logProbabilities: Float32Array.of(-0.25, -0.5, -1, -2),
  all: Float32Array.of(-8, -0.5, -4, -0.25, -4, -1, -16, -32, -16, -2),
};
const word = (id: number, logProbability: number, wanted = false) => ({ id, logProbability, wanted });

test('the best words of a row', () => {
  assert.deepEqual(candidatesOf(OUTPUT, 0, 2, []), [word(3, -0.25), word(1, -0.5)]);
  assert.deepEqual(candidatesOf(OUTPUT, 1, 2, []), [word(0, -1), word(4, -2)]);
});

test('behind them the wanted words, best first, equal ones by their ids', () => {
  const best = [word(3, -0.25), word(1, -0.5)];
  assert.deepEqual(candidatesOf(OUTPUT, 0, 2, [4, 0, 2]), [
    ...best,
    word(2, -4, true),
    word(4, -4, true),
    word(0, -8, true),
  ]);
  assert.deepEqual(candidatesOf(OUTPUT, 1, 2, [2, 3, 1]), [
    word(0, -1),
    word(4, -2),
    word(1, -16, true),
    word(3, -16, true),
    word(2, -32, true),
  ]);
});

test('without wanted words the model is not asked for the others', () => {
  const { all: _all, ...output } = OUTPUT;
  assert.equal(candidatesOf(output, 0, 2, []).length, 2);
});

test('a wanted word that is among the best stands there, once', () => {
  assert.deepEqual(candidatesOf(OUTPUT, 0, 2, [1]), [word(3, -0.25), word(1, -0.5, true)]);
  assert.deepEqual(candidatesOf(OUTPUT, 0, 2, [3, 0]), [
    word(3, -0.25, true),
    word(1, -0.5),
    word(0, -8, true),
  ]);
});

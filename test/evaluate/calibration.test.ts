import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  areaUnderRoc,
  crossValidated,
  errorByChance,
  expectedCalibrationError,
  type Forecast,
  reliability,
} from '../../src/evaluate/calibration.ts';
import { fitLogistic, predict } from '../../src/evaluate/logistic-regression.ts';
import { xorshift } from '../support/random.ts';

const forecasts = (pairs: [number, boolean][]): Forecast[] =>
  pairs.map(([probability, happened]) => ({ probability, happened }));

test('reliability compares what was said with what came about, range by range', () => {
  const bins = reliability(
    forecasts([
      [0.05, false],
      [0.15, false],
      [0.15, true],
      [1, true],
    ]),
  );
  assert.deepEqual(bins, [
    { count: 1, said: 0.05, happened: 0 },
    { count: 2, said: 0.15, happened: 0.5 },
    { count: 1, said: 1, happened: 1 },
  ]);
  // 1/4 * 0.05 + 2/4 * 0.35 + 0
  assert.ok(Math.abs(expectedCalibrationError(bins) - 0.1875) < 1e-12);
});

test('the area under the ROC curve is the share of pairs in the right order, ties half', () => {
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.1, false],
        [0.2, true],
      ]),
    ),
    1,
  );
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.2, false],
        [0.1, true],
      ]),
    ),
    0,
  );
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.3, false],
        [0.3, true],
      ]),
    ),
    0.5,
  );
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.1, true],
        [0.3, false],
        [0.3, true],
        [0.5, true],
      ]),
    ),
    1.5 / 3,
  );
  assert.equal(areaUnderRoc(forecasts([[0.1, true]])), 0.5);
});

/** Labels drawn with probability sigmoid(1 + 2a - 0.5b). */
function drawn(samples: number) {
  const random = xorshift(3);
  const uniform = () => random.below(1 << 30) / (1 << 30);
  const features = Array.from({ length: samples }, () => [4 * uniform() - 2, 20 * uniform() - 10]);
  const labels = features.map(([a, b]) => uniform() < 1 / (1 + Math.exp(-(1 + 2 * a! - 0.5 * b!))));
  return { features, labels };
}

test('logistic regression finds the weights that labels were drawn with', () => {
  const { features, labels } = drawn(20_000);
  const { bias, weights } = fitLogistic(features, labels);
  for (const [found, expected] of [
    [bias, 1],
    [weights[0], 2],
    [weights[1], -0.5],
  ] as const) {
    assert.ok(Math.abs(found! - expected) < 0.1, `${found} instead of ${expected}`);
  }
});

/** What ten-fold cross-validation says of samples. */
function foretold(features: number[][], labels: boolean[]): Forecast[] {
  const samples = features.map((row, i) => ({ row, label: labels[i]! }));
  return crossValidated(
    samples,
    10,
    (part) =>
      fitLogistic(
        part.map(({ row }) => row),
        part.map(({ label }) => label),
      ),
    (model, { row, label }) => ({ probability: predict(model, row), happened: label }),
  );
}

test('forecasts by cross-validation are calibrated, and worthless where there is nothing to learn', () => {
  const { features, labels } = drawn(4_000);
  const known = foretold(features, labels);
  assert.ok(expectedCalibrationError(reliability(known)) < 0.03);
  assert.ok(areaUnderRoc(known) > 0.9);
  const noise = foretold(features, labels.toReversed());
  assert.ok(Math.abs(areaUnderRoc(noise) - 0.5) < 0.05);
});

test('each sample is foretold by a model that has not seen it', () => {
  const seen = crossValidated(
    [0, 1, 2, 3, 4, 5, 6],
    3,
    (part) => part,
    (part, sample) => part.includes(sample),
  );
  assert.deepEqual(seen, new Array(7).fill(false));
});

test('the error by chance is what right forecasts show', () => {
  const random = xorshift(5);
  const uniform = () => random.below(1 << 30) / (1 << 30);
  const draw = () =>
    Array.from({ length: 130 }, (): Forecast => {
      const probability = uniform();
      return { probability, happened: uniform() < probability };
    });
  const rounds = Array.from({ length: 300 }, draw);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const shown = mean(rounds.map((round) => expectedCalibrationError(reliability(round))));
  const expected = mean(rounds.map((round) => errorByChance(round)));
  assert.ok(Math.abs(shown - expected) < 0.005, `${shown} and ${expected}`);
});

test('a sample that counts twice is as good as two', () => {
  const features = [[0], [1], [2], [3], [3]];
  const labels = [false, true, false, true, true];
  const twice = fitLogistic(features, labels);
  const weighted = fitLogistic(features.slice(0, 4), labels.slice(0, 4), [1, 1, 1, 2]);
  assert.ok(Math.abs(twice.bias - weighted.bias) < 1e-9);
  assert.ok(Math.abs(twice.weights[0]! - weighted.weights[0]!) < 1e-9);
});

test('a feature that never changes and labels that a line separates do no harm', () => {
  const features = Array.from({ length: 40 }, (_, i) => [7, i]);
  const model = fitLogistic(
    features,
    features.map((_, i) => i >= 20),
  );
  assert.ok(predict(model, [7, 39]) > 0.9 && predict(model, [7, 0]) < 0.1);
});

test('at the weights found nothing gains by moving: errors and penalty are in balance', () => {
  const { features, labels } = drawn(200);
  const shares = features.map((_, i) => 1 + (i % 3));
  const model = fitLogistic(features, labels, shares);
  const total = shares.reduce((a, b) => a + b);
  const mean = (value: (i: number) => number) =>
    features.reduce((sum, _, i) => sum + shares[i]! * value(i), 0) / total;
  const errorOf = (i: number) => (labels[i] ? 1 : 0) - predict(model, features[i]!);
  assert.ok(Math.abs(mean(errorOf)) < 1e-9, 'the bias bears no penalty');
  for (const column of [0, 1]) {
    const centre = mean((i) => features[i]![column]!);
    const scale = Math.sqrt(mean((i) => (features[i]![column]! - centre) ** 2));
    const pull = total * mean((i) => (errorOf(i) * (features[i]![column]! - centre)) / scale);
    // The penalty of 1 is on weights of normalised features.
    assert.ok(Math.abs(pull - model.weights[column]! * scale) < 1e-6, `${column}`);
  }
});

test('what was never seen to happen has no forecast of 0, nor what always happened one of 1', () => {
  const always = fitLogistic([[1], [2], [3]], [true, true, true]);
  assert.ok(predict(always, [2]) > 0.99);
  assert.ok(Number.isFinite(predict(always, [100])));
  assert.deepEqual(fitLogistic([[5], [5]], [true, false]), { bias: 0, weights: [0] });
});

test('ranges of reliability are as many as asked for, and hold what is at their lower ends', () => {
  const bins = reliability(
    forecasts([
      [0.5, true],
      [0.49, false],
      [0, false],
      [1, true],
    ]),
    2,
  );
  assert.deepEqual(bins, [
    { count: 2, said: 0.245, happened: 0 },
    { count: 2, said: 0.75, happened: 1 },
  ]);
});

test('by chance alone: a range of n forecasts of p is off by sqrt(2 n p (1 - p) / pi)', () => {
  const four = forecasts([
    [0.2, true],
    [0.2, false],
    [0.7, true],
    [0.7, true],
  ]);
  const expected = (Math.sqrt((2 * 2 * 0.16) / Math.PI) + Math.sqrt((2 * 2 * 0.21) / Math.PI)) / 4;
  assert.ok(Math.abs(errorByChance(four) - expected) < 1e-12);
  const together = Math.sqrt((2 * (2 * 0.16 + 2 * 0.21)) / Math.PI) / 4;
  assert.ok(Math.abs(errorByChance(four, 1) - together) < 1e-12);
});

test('without an event, or with nothing else, there is no order to judge', () => {
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.1, false],
        [0.9, false],
      ]),
    ),
    0.5,
  );
  assert.equal(
    areaUnderRoc(
      forecasts([
        [0.1, true],
        [0.9, true],
      ]),
    ),
    0.5,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rangeOf, rangesOf, ValueHistogram } from '../../src/quantize/ranges.ts';

function histogramOf(...runs: number[][]): ValueHistogram {
  const histogram = new ValueHistogram();
  for (const run of runs) histogram.add(Float32Array.from(run));
  return histogram;
}

/** 10,000 numbers from 0 to 1 and one far away. */
const WITH_OUTLIER = [...Array.from({ length: 10_000 }, (_, i) => i / 10_000), 100];

test('minmax covers everything seen, in all runs', () => {
  const range = rangeOf(histogramOf([1, 2], [-3, 0.5], [7]), { method: 'minmax' });
  assert.deepEqual(range, { low: -3, high: 7 });
});

test('percentile leaves the outlier out', () => {
  const { low, high } = rangeOf(histogramOf(WITH_OUTLIER), { method: 'percentile', percent: 99.9 });
  assert.equal(low, 0);
  assert.ok(high > 0.9 && high < 1.2, `${high}`);
});

test('least-error cuts the outlier as far as it pays, and nothing off an even spread', () => {
  const even = Array.from({ length: 1000 }, (_, i) => i / 999);
  assert.deepEqual(rangeOf(histogramOf(even), { method: 'least-error' }), { low: 0, high: 1 });
  const many = histogramOf(...Array.from({ length: 30 }, () => WITH_OUTLIER.slice(0, -1)), WITH_OUTLIER);
  const { high } = rangeOf(many, { method: 'least-error' });
  assert.ok(high < 100, `${high}`);
});

test('no order of runs changes the counts, however the bins had to grow', () => {
  const runs = [[0.001, -0.002], [0], [900, -3], [0.4, 0.41], [-1000]];
  const [a, b] = [histogramOf(...runs), histogramOf(...runs.toReversed())];
  assert.equal(
    a.counts.reduce((x, y) => x + y),
    8,
  );
  assert.equal(a.total, 8);
  assert.equal(a.low, b.low);
  assert.ok(a.width * 2048 >= 1000 && a.width * 2048 < 2000 * 1.001);
  const bin = Math.floor(-3 / a.width) + 2048;
  assert.equal(a.counts[bin], 1);
});

test('a dead value and a constant one keep the range they have', () => {
  const dead = histogramOf([0, 0], [0]);
  const constant = histogramOf([2, 2]);
  for (const method of [
    { method: 'minmax' },
    { method: 'percentile', percent: 99 },
    { method: 'least-error' },
  ] as const) {
    assert.deepEqual(rangeOf(dead, method), { low: 0, high: 0 });
    assert.deepEqual(rangeOf(constant, method), { low: 2, high: 2 });
  }
});

test('nothing measured, or no number, is an error', () => {
  assert.throws(() => rangesOf(new Map([['x', new ValueHistogram()]]), { method: 'minmax' }), RangeError);
  assert.throws(() => histogramOf([1, Infinity]), RangeError);
  assert.throws(() => histogramOf([Number.NaN]), RangeError);
});

test('channels have their means, over all runs', () => {
  const histogram = new ValueHistogram();
  histogram.add(Float32Array.of(1, 2, 3, 4), [1, 2, 1, 2]);
  histogram.add(Float32Array.of(5, 6, 7, 8), [1, 2, 1, 2]);
  const { means } = rangesOf(new Map([['x', histogram]]), { method: 'minmax' }).get('x')!;
  assert.deepEqual(means, Float64Array.of(14 / 4, 22 / 4));
});

test('zeros are counted in the middle, also while nothing else has been seen', () => {
  const histogram = histogramOf([0, 0], [1]);
  assert.deepEqual([histogram.counts[2048], histogram.counts[4095], histogram.width], [2, 1, 1 / 2048]);
  assert.equal(histogramOf([0, 0]).counts[2048], 2);
});

test('percentiles leave as many out at either end, and go to the bin of the next', () => {
  const all = Array.from({ length: 100 }, (_, i) => i - 49.5);
  const histogram = histogramOf(all);
  const { low, high } = rangeOf(histogram, { method: 'percentile', percent: 98 });
  const { width } = histogram;
  assert.ok(low <= -47.5 && low > -47.5 - width, `${low}`);
  assert.ok(high >= 47.5 && high < 47.5 + 2 * width, `${high}`);
  const none = rangeOf(histogram, { method: 'percentile', percent: 100 });
  assert.deepEqual(none, { low: -49.5, high: 49.5 });
});

test('least-error: of a step s inside the mean square is s²/12, outside the square of what is cut off', () => {
  // 9,999 numbers near 1 and one at 2: cutting at 1.31 (the least that is tried above) would lose 0.69² once in 10,000.
  const spread = [...Array.from({ length: 9_999 }, (_, i) => 0.5 + i / 20_000), 2];
  const { low, high } = rangeOf(histogramOf(spread), { method: 'least-error' });
  const histogram = histogramOf(spread);
  const errorAt = (share: number) => {
    const end = 2 * share;
    const inside = (end / 255) ** 2 / 12;
    const cut = Math.max(0, (2048 - 0.5) * histogram.width - end);
    return cut === 0 ? spread.length * inside : (spread.length - 1) * inside + cut ** 2;
  };
  const shares = Array.from({ length: 70 }, (_, i) => 1 - i / 100).filter((share) => 2 * share > 1.001);
  const best = shares.reduce((a, b) => (errorAt(b) < errorAt(a) ? b : a));
  assert.equal(high, 2 * best);
  assert.equal(low, 0.5 * best);
});

test('channels have the size that all of them had', () => {
  const cellsOf = (...shapes: number[][]) => {
    const histogram = new ValueHistogram();
    for (const dims of shapes) histogram.add(new Float32Array(dims.reduce((a, b) => a * b)).fill(1), dims);
    return rangesOf(new Map([['x', histogram]]), { method: 'minmax' }).get('x')!.cells;
  };
  assert.deepEqual(cellsOf([1, 2, 3, 4], [2, 2, 3, 4]), [3, 4]);
  assert.deepEqual(
    [cellsOf([1, 2, 3, 4], [1, 2, 4, 4]), cellsOf([1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4]), cellsOf([6])],
    [undefined, undefined, undefined],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  correctedBias,
  gridOf,
  type Meeting,
  quantizeBias,
  quantizeWeights,
  smallestScales,
} from '../../src/quantize/numbers.ts';
import { xorshift } from '../support/random.ts';

/** Where 16 bits end, for sums of two products with unsigned bytes. */
const SIXTEEN_BITS = 32_767;

test('a range that starts at 0 has its zero at byte 0', () => {
  assert.deepEqual(gridOf({ low: 0, high: 5.1 }), { scale: Math.fround(5.1 / 255), zero: 0 });
  assert.deepEqual(gridOf({ low: 2, high: 51 }), { scale: Math.fround(51 / 255), zero: 0 });
  assert.deepEqual(gridOf({ low: -255, high: -2 }), { scale: 1, zero: 255 });
});

test('a grid reaches both ends of its range to within half a step, and 0 exactly', () => {
  const ends = fc.float({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(ends, ends, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const { scale, zero } = gridOf({ low, high });
      assert.ok(Number.isInteger(zero) && zero >= 0 && zero <= 255 && scale > 0);
      assert.ok(-zero * scale <= low + 0.501 * scale, `low ${low}`);
      assert.ok((255 - zero) * scale >= high - 0.501 * scale, `high ${high}`);
    }),
  );
});

test('a value that is always 0 has a grid too', () => {
  assert.deepEqual(gridOf({ low: 0, high: 0 }), { scale: 1, zero: 0 });
});

test('each channel has its own scale', () => {
  // [out 3, in 2]: the middle channel is empty.
  const values = Float32Array.of(1, -0.5, 0, 0, 0.002, 0.001);
  const { bytes, scales } = quantizeWeights(values, [3, 2], 0, 'none');
  assert.deepEqual([...bytes], [127, -64, 0, 0, 127, 64]);
  assert.deepEqual([...scales], [1 / 127, 1e-10, 0.002 / 127].map(Math.fround));
  const columns = quantizeWeights(Float32Array.of(1, 0, 10, -0.5, 0, 20), [2, 3], 1, 'none');
  assert.deepEqual([...columns.bytes], [127, 0, 64, -64, 0, 127]);
});

const LAYOUTS: [string, number[], number, Meeting][] = [
  ['convolution', [5, 6, 3, 3], 0, { axis: 1 }],
  ['pointwise convolution of odd depth', [5, 7, 1, 1], 0, { axis: 1 }],
  ['convolution of odd depth', [5, 3, 3, 3], 0, 'any'],
  ['matrix', [9, 4], 1, { axis: 0 }],
  ['transposed matrix', [4, 10], 0, { axis: 1 }],
];

for (const [what, dims, axis, meeting] of LAYOUTS) {
  test(`${what}: weights that meet never overflow 16 bits`, () => {
    for (let seed = 1; seed <= 50; seed++) {
      const numbers = xorshift(seed);
      const random = () => numbers.below(1 << 24) / (1 << 24);
      const size = dims.reduce((a, b) => a * b);
      const values = Float32Array.from({ length: size }, () => (random() - 0.5) * random() ** 3);
      const { bytes, scales } = quantizeWeights(values, dims, axis, meeting);
      for (const sum of sumsInSixteenBits(bytes, dims, axis))
        assert.ok(Math.abs(sum) <= SIXTEEN_BITS, `${sum}`);
      const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (let i = 0; i < size; i++) {
        const scale = scales[Math.floor(i / inner) % dims[axis]!]!;
        assert.ok(Math.abs(bytes[i]! * scale - values[i]!) <= 0.501 * scale);
      }
    }
  });
}

/** As MLAS adds them: along the input channels of one kernel cell after the other, two by two, with bytes of 255. */
function* sumsInSixteenBits(bytes: Int8Array, dims: readonly number[], axis: number): Generator<number> {
  const channels = dims[axis]!;
  const depth = dims[1 - axis]!;
  const cells = bytes.length / channels / depth;
  for (let channel = 0; channel < channels; channel++) {
    const order: number[] = [];
    for (let cell = 0; cell < cells; cell++) {
      for (let d = 0; d < depth; d++) {
        order.push(axis === 0 ? (channel * depth + d) * cells + cell : d * channels + channel);
      }
    }
    for (let i = 0; i < order.length; i += 2) {
      const [a, b] = [bytes[order[i]!]!, bytes[order[i + 1] ?? -1] ?? 0];
      yield 255 * Math.max(a + b, a, b);
      yield 255 * Math.min(a + b, a, b);
    }
  }
}

test('where any two could meet, weights have 7 bits', () => {
  const { bytes } = quantizeWeights(Float32Array.of(3, -3, 1), [1, 3], 0, 'any');
  assert.deepEqual([...bytes], [64, -64, 21]);
});

test('a bias that outweighs its channel still fits 32 bits beside the products', () => {
  const bias = Float32Array.of(1e6, -3, 0);
  const inputScale = 1e-3;
  const { scales } = quantizeWeights(
    Float32Array.of(1e-6, 1, 0),
    [3, 1],
    0,
    'none',
    smallestScales(bias, inputScale),
  );
  const steps = scales.map((s) => s * inputScale);
  const rounded = quantizeBias(bias, steps);
  assert.ok(Math.abs(rounded[0]!) <= 2 ** 30 * 1.001);
  for (let c = 0; c < 3; c++)
    assert.ok(Math.abs(rounded[c]! * steps[c]! - bias[c]!) <= 1e-6 * Math.abs(bias[c]!));
});

test('a corrected bias gives each channel the mean it had, in groups too', () => {
  for (const groups of [1, 2, 4]) {
    const dims = [4, 4 / groups, 3, 3];
    const numbers = xorshift(groups);
    const values = Float32Array.from({ length: (16 * 9) / groups }, () => numbers.below(1000) / 500 - 1);
    const means = Float64Array.of(0.3, 2, -1, 0);
    const bias = Float32Array.of(0.1, 0.2, 0.3, 0.4);
    const rounded = quantizeWeights(values, dims, 0, 'any');
    const found = correctedBias(bias, values, dims, rounded, means);
    for (let c = 0; c < 4; c++) {
      const mean = (weight: (at: number) => number) => {
        let sum = 0;
        for (let i = 0; i < dims[1]! * 9; i++) {
          const channel = Math.floor(c / (4 / groups)) * dims[1]! + Math.floor(i / 9);
          sum += weight(c * dims[1]! * 9 + i) * means[channel]!;
        }
        return sum;
      };
      const before = mean((at) => values[at]!) + bias[c]!;
      const after = mean((at) => rounded.bytes[at]! * rounded.scales[c]!) + found[c]!;
      assert.ok(Math.abs(before - after) < 1e-5);
    }
  }
});

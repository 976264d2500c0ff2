/** How much each pixel of an axis counts in each of the result: Pillow's filters, in its numbers of fixed point. */

const f32 = Math.fround;

interface Filter {
  /** Pixels to either side that it reaches, of the smaller picture. */
  reach: number;
  weight: (x: number) => number;
}

/** `Resampling` of Pillow but for `NEAREST`, which weighs nothing. */
const FILTERS = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { reach: 1, weight: hamming },
  bicubic: { reach: 2, weight: bicubic },
  lanczos: { reach: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Filter>;

export type WeightedFilter = keyof typeof FILTERS;

/** The constants are floats in Pillow, and their sum is not 1. */
function hamming(signed: number): number {
  const x = Math.abs(signed);
  if (x === 0) return 1;
  return x < 1 ? sinc(x) * (f32(0.54) + f32(0.46) * Math.cos(x * Math.PI)) : 0;
}

/** Keys' cubic convolution with a = -1/2. */
function bicubic(signed: number): number {
  const x = Math.abs(signed);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function sinc(x: number): number {
  const angle = x * Math.PI;
  return x === 0 ? 1 : Math.sin(angle) / angle;
}

/** Bits behind the point: 8 are the sample's, 2 are left for sums that overshoot. */
export const PRECISION = 22;

/** Of each pixel of a part of the result, which pixels count and how much. */
export interface Weights {
  /** First of the pixels that count. */
  first: Int32Array;
  /** How many. */
  count: Int32Array;
  /** `values[i * stride + n]` of pixel `first[i] + n`, of 2^`PRECISION`; their sum is that but for rounding. */
  values: Int32Array;
  stride: number;
}

/**
 * @param size pixels of the axis
 * @param resized pixels that it gets
 * @param from first of those that are wanted
 * @param wanted how many
 */
export function weightsOf(
  filter: WeightedFilter,
  { size, resized, from, wanted }: { size: number; resized: number; from: number; wanted: number },
): Weights {
  const { reach, weight }: Filter = FILTERS[filter];
  const scale = size / resized;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const stride = 2 * Math.ceil(support) + 1;
  const values = new Int32Array(wanted * stride);
  const first = new Int32Array(wanted);
  const count = new Int32Array(wanted);
  const shares = new Float64Array(stride);
  for (let i = 0; i < wanted; i++) {
    const centre = (from + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(size, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let n = 0; n < length; n++) {
      // As Pillow multiplies: a division would round otherwise.
      shares[n] = weight((n + start - centre + 0.5) * (1 / stretch));
      sum += shares[n]!;
    }
    for (let n = 0; n < length; n++) {
      const share = (sum === 0 ? shares[n]! : shares[n]! / sum) * 2 ** PRECISION;
      values[i * stride + n] = share < 0 ? share - 0.5 : share + 0.5;
    }
    first[i] = start;
    count[i] = length;
  }
  return { first, count, values, stride };
}

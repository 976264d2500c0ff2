/** How floats become bytes. */

/**
 * Without VNNI, processors multiply unsigned bytes by signed ones two at a time and add the two products in 16 bits,
 * which end at 32,767; onnxruntime's kernels (VPMADDUBSW in MLAS) saturate there. So two weights that meet may add up
 * to 128 at most: 255 * 128 = 32,640. Sums up to 127 before rounding stay there after it. That is 7 bits for each
 * weight where any two could meet, and nearly 8 where it is known which do.
 */
const LARGEST_SUM = 127;

/** What weights a kernel adds up in 16 bits. */
export type Meeting =
  /** Depthwise convolutions: their kernels multiply in 32 bits. */
  | 'none'
  | 'any'
  /** Along this axis, the one that is summed over, the first with the second, the third with the fourth, ... */
  | { axis: number };

/** Where a bias may end as an integer: leaves as much again for the sum of products, in 32 bits. */
const BIAS_LIMIT = 2 ** 30;

/** For channels without any weight; above it, products of two scales stay normal float32 numbers. */
const SMALLEST_SCALE = 1e-10;

/** What a value's numbers were seen to span. */
export interface Range {
  low: number;
  high: number;
  /** Mean of each channel, where there are channels; what weights lose by rounding is then made up on average. */
  means?: Float64Array;
  /** Height and width of each channel, where all that were seen have the same. */
  cells?: Cells;
}

/** Height and width. */
export type Cells = readonly [number, number];

/** `value = (byte - zero) * scale`, byte 0 to 255. */
export interface ByteGrid {
  scale: number;
  zero: number;
}

export function union(a: Range, b: Range): Range {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

/**
 * The grid for a range, which is widened to hold 0: padding is 0, and so is most of what a ReLU gives. A range that
 * starts there has its zero at byte 0, so that rounding to bytes does the ReLU's work.
 */
export function gridOf(range: Range): ByteGrid {
  const low = Math.min(range.low, 0);
  const high = Math.max(range.high, 0);
  if (high === low) return { scale: 1, zero: 0 };
  const scale = Math.max(Math.fround((high - low) / 255), SMALLEST_SCALE);
  return { scale, zero: Math.min(255, Math.max(0, Math.round(-low / scale))) };
}

/** Signed bytes and one scale for each index along one axis. */
export interface QuantizedWeights {
  bytes: Int8Array;
  /** `value = byte * scale`. */
  scales: Float32Array;
}

/**
 * @param values row-major over `dims`
 * @param axis the output channels'
 * @param smallest scales not to go below, e.g. for the bias's sake
 */
export function quantizeWeights(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  meeting: Meeting,
  smallest?: Float32Array,
): QuantizedWeights {
  const largest = largestSums(values, dims, axis, meeting);
  const scales = largest.map((sum, c) => Math.max(sum / LARGEST_SUM, smallest?.[c] ?? 0, SMALLEST_SCALE));
  const bytes = new Int8Array(values.length);
  const inner = strideOf(dims, axis);
  forEachRun(values.length, dims[axis]!, inner, (channel, start) => {
    const scale = scales[channel]!;
    for (let i = start; i < start + inner; i++) bytes[i] = Math.round(values[i]! / scale);
  });
  return { bytes, scales };
}

/** For each channel the largest size of a weight or of the sum of two that meet. */
function largestSums(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  meeting: Meeting,
): Float32Array {
  const inner = strideOf(dims, axis);
  const largest = new Float32Array(dims[axis]!);
  const factor = meeting === 'any' ? 2 : 1;
  forEachRun(values.length, dims[axis]!, inner, (channel, start) => {
    for (let i = start; i < start + inner; i++) {
      largest[channel] = Math.max(largest[channel]!, factor * Math.abs(values[i]!));
    }
  });
  if (typeof meeting === 'string') return largest;
  const step = strideOf(dims, meeting.axis);
  const depth = dims[meeting.axis]!;
  for (let i = 0; i + step < values.length; i++) {
    const at = Math.floor(i / step) % depth;
    if (at % 2 === 1 || at === depth - 1) continue;
    const channel = Math.floor(i / inner) % dims[axis]!;
    largest[channel] = Math.max(largest[channel]!, Math.abs(values[i]! + values[i + step]!));
  }
  return largest;
}

/** Elements between neighbours along an axis. */
function strideOf(dims: readonly number[], axis: number): number {
  return dims.slice(axis + 1).reduce((product, d) => product * d, 1);
}

/** `values[(outer * channels + channel) * inner + i]`: visits each stretch of one channel. */
function forEachRun(
  length: number,
  channels: number,
  inner: number,
  visit: (channel: number, start: number) => void,
): void {
  for (let run = 0; run * inner < length; run++) visit(run % channels, run * inner);
}

/** Weight scales below which a bias would not fit into its integers. */
export function smallestScales(bias: Float32Array, inputScale: number): Float32Array {
  return bias.map((b) => Math.abs(b) / inputScale / BIAS_LIMIT);
}

/**
 * A bias that makes up for what rounding the weights does to the mean of each output channel.
 * @param values of a convolution, `[out, in / groups, ...kernel]`, before rounding
 * @param means of the input's channels; border cells, which see zeros, are not told apart
 */
export function correctedBias(
  bias: Float32Array,
  values: Float32Array,
  dims: readonly number[],
  { bytes, scales }: QuantizedWeights,
  means: Float64Array,
): Float32Array {
  const [output, input] = dims as [number, number];
  const each = values.length / output;
  const cells = each / input;
  const outputsPerGroup = (output * input) / means.length;
  return bias.map((b, c) => {
    const first = Math.floor(c / outputsPerGroup) * input;
    let lost = 0;
    for (let i = 0; i < each; i++) {
      const at = c * each + i;
      lost += (values[at]! - bytes[at]! * scales[c]!) * means[first + Math.floor(i / cells)]!;
    }
    return b + lost;
  });
}

/** Integers in steps of input scale times weight scale, as the sums of products are. */
export function quantizeBias(bias: Float32Array, scales: Float32Array): Int32Array {
  return Int32Array.from(bias, (b, c) => Math.round(b / scales[c]!));
}

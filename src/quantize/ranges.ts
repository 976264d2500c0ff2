/** Which range of a value's numbers its bytes should cover. */
import type { Cells, Range } from './numbers.ts';

/**
 * `minmax`: all that was seen. `percentile`: so that the share `percent` of all numbers lies below the upper end, and
 * the same share above the lower one. `least-error`: what makes the mean squared error of rounding and clipping
 * smallest.
 */
export type RangeMethod =
  | { method: 'minmax' }
  | { method: 'percentile'; percent: number }
  | { method: 'least-error' };

/** Bins on either side of 0: with 255 steps to a range, at least 4 bins a step. */
const BINS = 2048;

/** `[N, C, H, W]`. */
type Shape4 = readonly [number, number, number, number];

/** Counts of a value's numbers, over as many runs as wanted; the bins double in width when a number falls outside. */
export class ValueHistogram {
  /** Bin `b` counts numbers in `[(b - BINS) * width, (b - BINS + 1) * width)`. */
  readonly counts = new Float64Array(2 * BINS);
  width = 0;
  low = Infinity;
  high = -Infinity;
  total = 0;
  /** Sums of the numbers of each channel, for values `[N, C, H, W]`. */
  channelSums = new Float64Array(0);
  /** Of each channel; null where they differ between runs. */
  cells: Cells | null | undefined;

  /** @param dims the value's shape, where channels are to be told apart */
  add(values: Float32Array, dims: readonly number[] = []): void {
    if (dims.length === 4) this.#addChannels(values, dims as unknown as Shape4);
    for (const value of values) {
      if (value < this.low) this.low = value;
      if (value > this.high) this.high = value;
    }
    this.#widen(Math.max(Math.abs(this.low), Math.abs(this.high)));
    this.total += values.length;
    const perWidth = this.width === 0 ? 0 : 1 / this.width;
    for (let i = 0; i < values.length; i++) {
      const bin = Math.floor(values[i]! * perWidth) + BINS;
      // The largest number may round up to the end of the last bin.
      this.counts[Math.max(0, Math.min(bin, 2 * BINS - 1))]! += 1;
    }
  }

  #addChannels(values: Float32Array, [images, channels, height, width]: Shape4): void {
    if (this.channelSums.length === 0) this.channelSums = new Float64Array(channels);
    const [rows, columns] = this.cells ?? [height, width];
    this.cells = this.cells === null || rows !== height || columns !== width ? null : [height, width];
    const cells = height * width;
    for (let run = 0; run < images * channels; run++) {
      let sum = 0;
      for (let i = run * cells; i < (run + 1) * cells; i++) sum += values[i]!;
      this.channelSums[run % channels]! += sum;
    }
  }

  #widen(largest: number): void {
    if (largest === 0) return;
    if (!Number.isFinite(largest)) throw new RangeError('the fp32 graph computes infinite numbers');
    if (this.width === 0) {
      // Zeros seen so far are in the bin that stays where it is.
      this.width = largest / BINS;
      return;
    }
    while (this.width * BINS < largest) {
      this.#halve();
      this.width *= 2;
    }
  }

  /** Two bins into one, around the middle. */
  #halve(): void {
    const old = this.counts.slice();
    this.counts.fill(0);
    for (let b = 0; b < 2 * BINS; b++) this.counts[BINS + Math.floor((b - BINS) / 2)]! += old[b]!;
  }
}

export function rangesOf(
  histograms: ReadonlyMap<string, ValueHistogram>,
  method: RangeMethod,
): Map<string, Range> {
  const seen = (h: ValueHistogram) => ({ means: meansOf(h), ...(h.cells && { cells: h.cells }) });
  return new Map([...histograms].map(([name, h]) => [name, { ...rangeOf(h, method), ...seen(h) }]));
}

function meansOf({ channelSums, total }: ValueHistogram): Float64Array {
  return channelSums.map((sum) => (sum * channelSums.length) / total);
}

export function rangeOf(histogram: ValueHistogram, method: RangeMethod): Range {
  const { low, high, total } = histogram;
  if (total === 0) throw new RangeError('nothing was measured');
  if (low === high) return { low, high };
  switch (method.method) {
    case 'minmax':
      return { low, high };
    case 'percentile':
      return percentileRange(histogram, 1 - method.percent / 100);
    case 'least-error':
      return leastErrorRange(histogram);
  }
}

/** @param outside share of all numbers that may lie beyond either end */
function percentileRange({ counts, width, low, high, total }: ValueHistogram, outside: number): Range {
  const allowed = total * outside;
  let below = 0;
  let first = 0;
  while (first < counts.length - 1 && below + counts[first]! <= allowed) below += counts[first++]!;
  let above = 0;
  let last = counts.length - 1;
  while (last > first && above + counts[last]! <= allowed) above += counts[last--]!;
  return {
    low: Math.max(low, (first - BINS) * width),
    high: Math.min(high, (last + 1 - BINS) * width),
  };
}

/** Shares of the seen range that are tried; below a third, clipping always costs more than it wins. */
const CANDIDATES = Array.from({ length: 70 }, (_, i) => 1 - i / 100);

function leastErrorRange(histogram: ValueHistogram): Range {
  const { low, high } = histogram;
  let best: Range = { low, high };
  let least = Infinity;
  for (const share of CANDIDATES) {
    const range = { low: low * share, high: high * share };
    const error = squaredError(histogram, range);
    if (error < least) [least, best] = [error, range];
  }
  return best;
}

/** Of all counted numbers: step²/12 inside the range (exact zeros have none), the square of what is cut off outside. */
function squaredError({ counts, width }: ValueHistogram, { low, high }: Range): number {
  const step = (Math.max(high, 0) - Math.min(low, 0)) / 255;
  const inside = step ** 2 / 12;
  let error = 0;
  for (let b = 0; b < counts.length; b++) {
    // The bin at 0 holds what a ReLU has put there, which rounds to itself.
    if (counts[b] === 0 || b === BINS) continue;
    const value = (b - BINS + 0.5) * width;
    const cut = value > high ? value - high : value < low ? low - value : 0;
    error += counts[b]! * (cut === 0 ? inside : cut ** 2);
  }
  return error;
}

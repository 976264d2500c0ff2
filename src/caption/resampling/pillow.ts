/** `Image.resize` of Pillow, bit for bit, and of its result only what a crop leaves. */
import { PRECISION, type WeightedFilter, type Weights, weightsOf } from './pillow-weights.ts';
import type { Rgb } from './rgb.ts';

/** By the names that Pillow gives them, each at the place of its number there. */
export const PILLOW_FILTERS = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
] as const satisfies readonly ('nearest' | WeightedFilter)[];
export type PillowFilter = (typeof PILLOW_FILTERS)[number];

/** What becomes of the width, or the height, of a photograph. */
export interface Axis {
  /** Pixels that it is resized to. */
  resized: number;
  /** The first of those that are left by the crop. */
  from: number;
  /** How many are left. */
  wanted: number;
}

/**
 * Pixels times weights between two turns, about two milliseconds: a photograph of 12 megapixels takes 50 to 200, and the thread
 * may be a server's.
 */
const TURN = 1 << 20;

/**
 * In turns, between which the thread may do other things.
 * @returns uint8 RGB HWC, `rows.wanted` by `columns.wanted`
 */
export function* resizePillow(
  image: Rgb,
  filter: PillowFilter,
  columns: Axis,
  rows: Axis,
): Generator<undefined, Rgb> {
  if (filter === 'nearest') return nearest(image, columns, rows);
  const across = weightsUnlessEqual(filter, image.width, columns);
  const down = weightsUnlessEqual(filter, image.height, rows);
  const [left, right] = extent(across, columns);
  const [top, bottom] = extent(down, rows);
  let part: Part = {
    pixels: image.pixels,
    start: 3 * (image.width * top + left),
    stride: 3 * image.width,
    width: right - left,
    height: bottom - top,
  };
  const downFirst = goesDownFirst(image, columns, rows);
  if (down && downFirst) part = yield* resizeDown(part, down, top);
  if (across) part = yield* resizeAcross(part, across, left);
  if (down && !downFirst) part = yield* resizeDown(part, down, top);
  return across || down ? part : copy(part);
}

/** Samples are whole between the two directions, so their order counts. Before Pillow 13 down always came last. */
function goesDownFirst({ width, height }: Rgb, columns: Axis, rows: Axis): boolean {
  const lost = height - rows.resized;
  return lost > 0 && lost > 2 * (width - columns.resized);
}

function weightsUnlessEqual(filter: WeightedFilter, size: number, axis: Axis): Weights | null {
  return axis.resized === size ? null : weightsOf(filter, { size, ...axis });
}

/** First pixel of the photograph that the result is made of, and the first behind the last. */
function extent(weights: Weights | null, { from, wanted }: Axis): [number, number] {
  if (weights === null) return [from, from + wanted];
  const { first, count } = weights;
  return [first[0]!, first.at(-1)! + count.at(-1)!];
}

/** A part of a photograph: channel c of the pixel in column x and row y is `pixels[start + stride * y + 3 * x + c]`. */
interface Part extends Rgb {
  start: number;
  stride: number;
}

function partOf(width: number, height: number): Part {
  return { pixels: new Uint8Array(3 * width * height), start: 0, stride: 3 * width, width, height };
}

function copy({ pixels, start, stride, width, height }: Part): Rgb {
  const out = partOf(width, height);
  for (let y = 0; y < height; y++) {
    const from = start + stride * y;
    out.pixels.set(pixels.subarray(from, from + out.stride), y * out.stride);
  }
  return out;
}

/** @param left column of the photograph that the part begins at */
function* resizeAcross(part: Part, weights: Weights, left: number): Generator<undefined, Part> {
  const out = partOf(weights.first.length, part.height);
  const start = part.start - 3 * left;
  const turn = Math.ceil(TURN / weights.values.length);
  for (let y = 0; y < part.height; y++) {
    if (y % turn === turn - 1) yield;
    acrossRow(part.pixels, start + part.stride * y, weights, out.pixels, out.stride * y);
  }
  return out;
}

/** `pixels[from + 3 * x + channel]` to `out[at + 3 * x + channel]`. A weight times a sample, and their sum, fit in 32 bits. */
function acrossRow(pixels: Uint8Array, from: number, weights: Weights, out: Uint8Array, at: number): void {
  const { first, count, values, stride } = weights;
  for (let x = 0; x < first.length; x++) {
    let red = ROUNDING;
    let green = ROUNDING;
    let blue = ROUNDING;
    let pixel = from + 3 * first[x]!;
    const end = x * stride + count[x]!;
    for (let n = x * stride; n < end; n++) {
      const weight = values[n]!;
      red = (red + Math.imul(pixels[pixel]!, weight)) | 0;
      green = (green + Math.imul(pixels[pixel + 1]!, weight)) | 0;
      blue = (blue + Math.imul(pixels[pixel + 2]!, weight)) | 0;
      pixel += 3;
    }
    out[at + 3 * x] = clip(red);
    out[at + 3 * x + 1] = clip(green);
    out[at + 3 * x + 2] = clip(blue);
  }
}

const ROUNDING = 1 << (PRECISION - 1);

function clip(sum: number): number {
  const sample = sum >> PRECISION;
  return sample < 0 ? 0 : sample > 255 ? 255 : sample;
}

/** @param top row of the photograph that the part begins at */
function* resizeDown(
  part: Part,
  { first, count, values, stride }: Weights,
  top: number,
): Generator<undefined, Part> {
  const out = partOf(part.width, first.length);
  const sums = new Int32Array(out.stride);
  const turn = Math.ceil(TURN / (part.width * stride));
  for (let y = 0; y < out.height; y++) {
    if (y % turn === turn - 1) yield;
    sums.fill(ROUNDING);
    let from = part.start + part.stride * (first[y]! - top);
    let n = y * stride;
    const end = n + count[y]!;
    for (; n + 4 <= end; n += 4) {
      addFourRows(part.pixels, from, part.stride, values.subarray(n, n + 4), sums);
      from += 4 * part.stride;
    }
    for (; n < end; n++) {
      addRow(part.pixels, from, values[n]!, sums);
      from += part.stride;
    }
    for (let i = 0; i < sums.length; i++) out.pixels[y * out.stride + i] = clip(sums[i]!);
  }
  return out;
}

/** Takes 0.6 of the time of `addRow` four times, since the sums are read and written once. */
function addFourRows(
  pixels: Uint8Array,
  from: number,
  stride: number,
  weights: Int32Array,
  sums: Int32Array,
): void {
  const [a, b, c, d] = weights as unknown as [number, number, number, number];
  const [second, third, fourth] = [from + stride, from + 2 * stride, from + 3 * stride];
  for (let i = 0; i < sums.length; i++) {
    const two = Math.imul(pixels[from + i]!, a) + Math.imul(pixels[second + i]!, b);
    const four = two + Math.imul(pixels[third + i]!, c) + Math.imul(pixels[fourth + i]!, d);
    sums[i] = (sums[i]! + four) | 0;
  }
}

function addRow(pixels: Uint8Array, from: number, weight: number, sums: Int32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i]! + Math.imul(pixels[from + i]!, weight)) | 0;
}

function nearest({ pixels, width, height }: Rgb, columns: Axis, rows: Axis): Rgb {
  const [xs, ys] = [nearestPlaces(width, columns), nearestPlaces(height, rows)];
  const out = new Uint8Array(3 * xs.length * ys.length);
  let at = 0;
  for (const y of ys) {
    for (const x of xs) {
      const pixel = 3 * (width * y + x);
      out[at++] = pixels[pixel]!;
      out[at++] = pixels[pixel + 1]!;
      out[at++] = pixels[pixel + 2]!;
    }
  }
  return { pixels: out, width: xs.length, height: ys.length };
}

/** Pillow adds the step up from pixel to pixel: a product would be rounded to another neighbour here and there. */
function nearestPlaces(size: number, { resized, from, wanted }: Axis): Int32Array {
  const step = size / resized;
  const places = new Int32Array(wanted);
  let place = step * 0.5;
  for (let i = 0; i < from + wanted; i++) {
    if (i >= from) places[i - from] = place;
    place += step;
  }
  return places;
}

/** `resize_bilinear` of TensorFlow 1, bit for bit, and which pixels it reads. */
import type { Rgb } from './rgb.ts';

/** A photograph is squashed to a square, the centre of which is left. */
interface SquashedSquare {
  width: number;
  height: number;
  /** Side of the square. */
  resizedTo: number;
}

/** Where the centre begins that is cropped; half pixels are rounded down. */
export function cropStart(cropped: number, resizedTo: number): number {
  return (resizedTo - cropped) >> 1;
}

/**
 * Rows and columns of a photograph that the graph resamples are all handed over up to so many times those of the result; of more
 * only those which it reads, two for each. To choose columns costs as much as to read four times as many.
 */
export const READ_WHOLE = 4;

/** Which rows, or columns, of a photograph are handed over. */
interface ReadAxis {
  /** Where they are in the photograph. @default all of them */
  picked?: Int32Array;
  count: number;
  /** Where the neighbours lie among them. */
  taps: Taps;
}

function readAxis(size: number, cropped: number, resizedTo: number): ReadAxis {
  const all = taps(size, cropped, resizedTo);
  if (size <= READ_WHOLE * cropped) return { count: size, taps: all };
  const count = 2 * cropped;
  const picked = Int32Array.from({ length: count }, (_, i) => (i % 2 === 0 ? all.low : all.high)[i >> 1]!);
  const low = all.low.map((_, i) => 2 * i);
  return { picked, count, taps: { low, high: low.map((i) => i + 1), weight: all.weight } };
}

/**
 * The pixels of a photograph that the graph reads which resamples: all rows where there are at most `READ_WHOLE` times as many
 * as in the result, else of each row of the result the one above and the one below it; the same of the columns.
 *
 * @param image uint8 RGB HWC at the photograph's size
 * @returns uint8 RGB HWC
 */
export function readPixels(
  image: Rgb,
  input: SquashedSquare,
): { pixels: Uint8Array; rows: number; columns: number } {
  const rows = readAxis(image.height, input.height, input.resizedTo);
  const columns = readAxis(image.width, input.width, input.resizedTo);
  const bytes = 3 * columns.count;
  const read = new Uint8Array(rows.count * bytes);
  for (let y = 0; y < rows.count; y++) {
    const from = 3 * image.width * (rows.picked?.[y] ?? y);
    if (columns.picked) pick(image.pixels, from, columns.picked, read, y * bytes);
    else read.set(image.pixels.subarray(from, from + bytes), y * bytes);
  }
  return { pixels: read, rows: rows.count, columns: columns.count };
}

/** Pixels at `columns` of the row that begins at `from`. */
function pick(pixels: Uint8Array, from: number, columns: Int32Array, into: Uint8Array, at: number): void {
  for (let x = 0; x < columns.length; x++) {
    const pixel = from + 3 * columns[x]!;
    into[at + 3 * x] = pixels[pixel]!;
    into[at + 3 * x + 1] = pixels[pixel + 1]!;
    into[at + 3 * x + 2] = pixels[pixel + 2]!;
  }
}

/** As `resampleTf1`, of a photograph of `width` by `height` of which `readPixels` gave `pixels`. */
export function resampleRead({ pixels, width, height }: Rgb, input: SquashedSquare): Float32Array {
  const rows = readAxis(height, input.height, input.resizedTo);
  const columns = readAxis(width, input.width, input.resizedTo);
  return blend({ pixels, width: columns.count }, rows.taps, columns.taps);
}

/** float32(1/255), by which TensorFlow's `convert_image_dtype` multiplies. */
const UINT8_SCALE = Math.fround(1 / 255);
const UNIT: Float32Array = Float32Array.from({ length: 256 }, (_, value) => value * UINT8_SCALE);

/**
 * `ResizeBilinear(align_corners=False)` without half-pixel centres and without antialiasing, then the central crop,
 * then (x - 0.5) * 2. Only the cropped pixels are computed. Every operation is rounded to float32, so that the result
 * equals TensorFlow's bit for bit.
 *
 * @param image uint8 RGB HWC at the photograph's size
 * @returns Float32 HWC, -1 to 1
 */
export function resampleTf1(image: Rgb, input: SquashedSquare): Float32Array {
  const rows = taps(image.height, input.height, input.resizedTo);
  return blend(image, rows, taps(image.width, input.width, input.resizedTo));
}

function blend({ pixels, width }: Omit<Rgb, 'height'>, rows: Taps, columns: Taps): Float32Array {
  const [height, bytes] = [rows.low.length, 3 * columns.low.length];
  const stride = 3 * width;
  const places = { ...columns, low: columns.low.map((x) => 3 * x), high: columns.high.map((x) => 3 * x) };
  const out = new Float32Array(height * bytes);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = [stride * rows.low[y]!, stride * rows.high[y]!];
    blendRow(pixels, top, bottom, rows.weight[y]!, places, out, y * bytes);
  }
  return out;
}

/** Of each row, or column, of the result, where its neighbours in the photograph are. */
interface Taps {
  low: Int32Array;
  high: Int32Array;
  /** Share of `high`, float32. */
  weight: Float32Array;
}

function taps(size: number, cropped: number, resizedTo: number): Taps {
  const scale = Math.fround(size / resizedTo);
  const offset = cropStart(cropped, resizedTo);
  const low = new Int32Array(cropped);
  const high = new Int32Array(cropped);
  const weight = new Float32Array(cropped);
  for (let o = 0; o < cropped; o++) {
    const at = Math.fround((o + offset) * scale);
    low[o] = Math.floor(at);
    high[o] = Math.min(low[o]! + 1, size - 1);
    weight[o] = at - low[o]!;
  }
  return { low, high, weight };
}

/** One output row; `out[at + 3 * x + channel]`; columns as bytes. */
function blendRow(
  pixels: Uint8Array,
  top: number,
  bottom: number,
  ty: number,
  columns: Taps,
  out: Float32Array,
  at: number,
): void {
  const f = Math.fround;
  for (let x = 0; x < columns.low.length; x++) {
    const left = columns.low[x]!;
    const right = columns.high[x]!;
    const tx = columns.weight[x]!;
    for (let channel = 0; channel < 3; channel++) {
      const tl = UNIT[pixels[top + left + channel]!]!;
      const tr = UNIT[pixels[top + right + channel]!]!;
      const bl = UNIT[pixels[bottom + left + channel]!]!;
      const br = UNIT[pixels[bottom + right + channel]!]!;
      const upper = f(tl + f(f(tr - tl) * tx));
      const lower = f(bl + f(f(br - bl) * tx));
      const value = f(upper + f(f(lower - upper) * ty));
      out[at + 3 * x + channel] = f(f(value - 0.5) * 2);
    }
  }
}

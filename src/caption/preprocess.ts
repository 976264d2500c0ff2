/** From a decoded photograph to the network's input, as the bundle's resampling rule says. */
import {
  type ImageInput,
  type InGraphInput,
  resamplesInGraph,
  type Tf1BilinearInput,
} from './image-input.ts';
import type { DecodedImage, NetworkImage } from './ports.ts';

/** A photograph, uint8 RGB HWC. */
type Pixels = Pick<DecodedImage, 'pixels' | 'width' | 'height'>;

/** A part of the photograph, as shares of its width and height. */
export interface ImageArea {
  /** Of the left edge, 0 to 1. */
  left: number;
  /** Of the upper edge, 0 to 1. */
  top: number;
  /** 0 to 1. */
  width: number;
  /** 0 to 1. */
  height: number;
}

/** Where the centre begins that is cropped; half pixels are rounded down. */
export function cropStart(cropped: number, resizedTo: number): number {
  return (resizedTo - cropped) >> 1;
}

/** What the network sees of a photograph. */
export function seenArea(input: ImageInput): ImageArea {
  if (input.resampling === 'antialiased') return { left: 0, top: 0, width: 1, height: 1 };
  const { width, height, resizedTo } = input;
  return {
    left: cropStart(width, resizedTo) / resizedTo,
    top: cropStart(height, resizedTo) / resizedTo,
    width: width / resizedTo,
    height: height / resizedTo,
  };
}

/**
 * One image as the encoder reads it. An `antialiased` image arrives in its final form; its buffer is passed on, not copied.
 */
export function networkInput({ pixels, width, height }: Pixels, input: ImageInput): NetworkImage {
  const image = { pixels, width, height };
  if (resamplesInGraph(input)) return { ...image, ...readPixels(image, input) };
  const resampled = input.resampling === 'antialiased' ? pixels : resampleTf1(image, input);
  return { ...image, pixels: resampled, rows: input.height, columns: input.width };
}

/** What the network sees of an image: HWC, and what is black and white in it. */
export function seenPixels(
  { pixels, width, height }: NetworkImage,
  input: ImageInput,
): { pixels: Uint8Array | Float32Array; range: readonly [number, number] } {
  if (!resamplesInGraph(input)) return { pixels, range: input.range };
  const rows = readAxis(height, input.height, input.resizedTo);
  const columns = readAxis(width, input.width, input.resizedTo);
  const read = { pixels: pixels as Uint8Array, width: columns.count };
  return { pixels: blend(read, rows.taps, columns.taps), range: [-1, 1] };
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
function readPixels(image: Pixels, input: InGraphInput): Pick<NetworkImage, 'pixels' | 'rows' | 'columns'> {
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
export function resampleTf1(image: Pixels, input: Tf1BilinearInput): Float32Array {
  const rows = taps(image.height, input.height, input.resizedTo);
  return blend(image, rows, taps(image.width, input.width, input.resizedTo));
}

function blend({ pixels, width }: Omit<Pixels, 'height'>, rows: Taps, columns: Taps): Float32Array {
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

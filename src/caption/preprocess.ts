/** From a decoded photograph to the network's input, as the bundle's resampling rule says. */
import type { ImageInput, Tf1BilinearInput } from './image-input.ts';
import type { DecodedImage } from './ports.ts';

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

/** What the network sees of a photograph. */
export function seenArea(input: ImageInput): ImageArea {
  if (input.resampling === 'antialiased') return { left: 0, top: 0, width: 1, height: 1 };
  const { width, height, resizedTo } = input;
  return {
    left: ((resizedTo - width) >> 1) / resizedTo,
    top: ((resizedTo - height) >> 1) / resizedTo,
    width: width / resizedTo,
    height: height / resizedTo,
  };
}

/**
 * One image as the encoder reads it: NHWC `[1, height, width, 3]`, in the dtype and range of `input`.
 * An `antialiased` image arrives in its final form; its buffer is passed on, not copied.
 */
export function networkInput(image: DecodedImage, input: ImageInput): Uint8Array | Float32Array {
  return input.resampling === 'antialiased' ? image.pixels : resampleTf1(image, input);
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
export function resampleTf1(
  image: Pick<DecodedImage, 'pixels' | 'width' | 'height'>,
  input: Tf1BilinearInput,
): Float32Array {
  const columns = taps(image.width, input.width, input.resizedTo, 3);
  const rows = taps(image.height, input.height, input.resizedTo, 3 * image.width);
  const out = new Float32Array(input.width * input.height * 3);
  for (let y = 0; y < input.height; y++) {
    blendRow(image.pixels, rows.low[y]!, rows.high[y]!, rows.weight[y]!, columns, out, y * input.width * 3);
  }
  return out;
}

interface Taps {
  /** Offsets of the two neighbours, already times the stride. */
  low: Int32Array;
  high: Int32Array;
  /** Share of `high`, float32. */
  weight: Float32Array;
}

function taps(size: number, cropped: number, resizedTo: number, stride: number): Taps {
  const scale = Math.fround(size / resizedTo);
  const offset = (resizedTo - cropped) >> 1;
  const low = new Int32Array(cropped);
  const high = new Int32Array(cropped);
  const weight = new Float32Array(cropped);
  for (let o = 0; o < cropped; o++) {
    const at = Math.fround((o + offset) * scale);
    const floor = Math.floor(at);
    low[o] = floor * stride;
    high[o] = Math.min(floor + 1, size - 1) * stride;
    weight[o] = at - floor;
  }
  return { low, high, weight };
}

/** One output row; `out[at + 3 * x + channel]`. */
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

/** From a decoded photograph to the network's input, as the bundle's resampling rule says. */
import { type ImageInput, type PillowInput, resamplesInGraph } from './image-input.ts';
import type { NetworkImage } from './ports.ts';
import { type Axis, resizePillow } from './resampling/pillow.ts';
import type { Rgb } from './resampling/rgb.ts';
import { cropStart, readPixels, resampleRead, resampleTf1 } from './resampling/tf1-bilinear.ts';

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

type Size = Pick<Rgb, 'width' | 'height'>;

/**
 * What the network sees of a photograph. Where `PillowInput` fills up with black, all of that side.
 * @param photograph its size in pixels
 */
export function seenArea(input: ImageInput, photograph: Size): ImageArea {
  if (input.resampling === 'antialiased') return { left: 0, top: 0, width: 1, height: 1 };
  if (input.resampling === 'pillow') {
    const { columns, rows } = pillowAxes(input, photograph);
    return {
      left: columns.from / columns.resized,
      top: rows.from / rows.resized,
      width: columns.wanted / columns.resized,
      height: rows.wanted / rows.resized,
    };
  }
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
export function networkInput(image: Rgb, input: ImageInput): NetworkImage {
  const work = networkInputInTurns(image, input);
  for (;;) {
    const turn = work.next();
    if (turn.done) return turn.value;
  }
}

/** As `networkInput`; between two turns, of milliseconds each, the thread may do other things. */
export function* networkInputInTurns(
  { pixels, width, height }: Rgb,
  input: ImageInput,
): Generator<undefined, NetworkImage> {
  const image = { pixels, width, height };
  if (resamplesInGraph(input)) return { ...image, ...readPixels(image, input) };
  const resampled = yield* resample(image, input);
  return { ...image, pixels: resampled, rows: input.height, columns: input.width };
}

function* resample(image: Rgb, input: ImageInput): Generator<undefined, Uint8Array | Float32Array> {
  if (input.resampling === 'antialiased') return image.pixels;
  return input.resampling === 'pillow' ? yield* resizeAndCrop(image, input) : resampleTf1(image, input);
}

/** What the network sees of an image: HWC, and what is black and white in it. */
export function seenPixels(
  { pixels, width, height }: NetworkImage,
  input: ImageInput,
): { pixels: Uint8Array | Float32Array; range: readonly [number, number] } {
  if (!resamplesInGraph(input)) return { pixels, range: input.range };
  const read = { pixels: pixels as Uint8Array, width, height };
  return { pixels: resampleRead(read, input), range: [-1, 1] };
}

/** @returns uint8 RGB HWC in the size of the input */
function* resizeAndCrop(image: Rgb, input: PillowInput): Generator<undefined, Uint8Array> {
  const { columns, rows } = pillowAxes(input, image);
  const resized = yield* resizePillow(image, input.filter, columns, rows);
  if (resized.width === input.width && resized.height === input.height) return resized.pixels;
  const out = new Uint8Array(3 * input.width * input.height);
  const [left, top] = [margin(resized.width, input.width), margin(resized.height, input.height)];
  for (let y = 0; y < resized.height; y++) {
    const row = resized.pixels.subarray(3 * resized.width * y, 3 * resized.width * (y + 1));
    out.set(row, 3 * (input.width * (top + y) + left));
  }
  return out;
}

/** Black pixels before the first of a side that has too few; transformers rounds half pixels up here. */
function margin(size: number, wanted: number): number {
  return Math.ceil((wanted - size) / 2);
}

function pillowAxes(input: PillowInput, photograph: Size): { columns: Axis; rows: Axis } {
  const { width, height } = resizedSize(input.resize, photograph);
  return { columns: centre(width, input.width), rows: centre(height, input.height) };
}

function centre(resized: number, cropped: number): Axis {
  const wanted = Math.min(resized, cropped);
  return { resized, wanted, from: cropStart(wanted, resized) };
}

/** `get_resize_output_image_size` of transformers: the longer side is rounded down. */
function resizedSize(resize: PillowInput['resize'], { width, height }: Size): Size {
  if (resize === null) return { width, height };
  if (!('shortestEdge' in resize)) return resize;
  const { shortestEdge } = resize;
  return width <= height
    ? { width: shortestEdge, height: Math.floor((shortestEdge * height) / width) }
    : { width: Math.floor((shortestEdge * width) / height), height: shortestEdge };
}

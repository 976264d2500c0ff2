/** Images as the inputs of an encoder. */
import type { Tensor } from 'onnxruntime-node';
import { type ImageInput, resamplesInGraph } from '../../caption/image-input.ts';
import type { NetworkImage } from '../../caption/ports.ts';
import { onnxruntime } from '../native/native-parts.ts';
import type { Signature } from './session.ts';

/** What an encoder of a bundle takes. */
export function encoderInputs(image: ImageInput): Signature {
  return resamplesInGraph(image)
    ? {
        pixels: { dtype: 'uint8', shape: [null, null, null, 3] },
        sizes: { dtype: 'int64', shape: [null, 2] },
      }
    : { image: { dtype: image.dtype, shape: [null, image.height, image.width, 3] } };
}

/** The encoder's inputs for one or more images. */
export function encoderFeeds(images: readonly NetworkImage[], input: ImageInput): Record<string, Tensor> {
  const { Tensor } = onnxruntime();
  const pixels = new Tensor(input.dtype, ...stack(images));
  if (!resamplesInGraph(input)) return { image: pixels };
  const sizes = images.flatMap(({ height, width }) => [BigInt(height), BigInt(width)]);
  return { pixels, sizes: new Tensor('int64', BigInt64Array.from(sizes), [images.length, 2]) };
}

/**
 * One after the other, each in the upper left corner of as many rows and columns as the largest has.
 * @returns NHWC and the shape
 */
function stack(images: readonly NetworkImage[]): [Uint8Array | Float32Array, number[]] {
  const rows = Math.max(...images.map((image) => image.rows));
  const columns = Math.max(...images.map((image) => image.columns));
  const shape = [images.length, rows, columns, 3];
  const first = images[0]!.pixels;
  if (images.length === 1) return [first, shape];
  const [row, each] = [3 * columns, 3 * columns * rows];
  const all =
    first instanceof Float32Array
      ? new Float32Array(images.length * each)
      : new Uint8Array(images.length * each);
  for (const [i, image] of images.entries()) {
    const own = 3 * image.columns;
    // Rows of the full width lie as they will.
    const run = own === row ? image.pixels.length : own;
    for (let from = 0, at = i * each; from < image.pixels.length; from += run, at += row) {
      all.set(image.pixels.subarray(from, from + run), at);
    }
  }
  return [all, shape];
}

/** What a kind of network adds to its two graphs. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Decoder, Encode } from '../../caption/ports.ts';
import type { GraphContract } from './session.ts';

export interface Network {
  encoder: GraphContract;
  decoder: GraphContract;
  encode(session: InferenceSession): Encode;
  decode(session: InferenceSession): Decoder;
}

/** Numbers of an output; names and dtypes were checked when the session was opened. */
export function floats(tensor: Tensor | undefined): Float32Array {
  return tensor!.data as Float32Array;
}

/**
 * The mean of the regions is made here: onnxruntime sums in another order for one image than for several, and all else that it
 * does is the same to the bit.
 * @returns `[images, width]` of `[images, R, width]`
 */
export function meansOf(values: Float32Array, images: number, width: number): Float32Array {
  const means = new Float32Array(images * width);
  const each = values.length / images;
  const sum = new Float64Array(width);
  for (let image = 0; image < images; image++) {
    sum.fill(0);
    for (let row = image * each; row < (image + 1) * each; row += width) {
      for (let i = 0; i < width; i++) sum[i]! += values[row + i]!;
    }
    for (let i = 0; i < width; i++) means[image * width + i] = (sum[i]! * width) / each;
  }
  return means;
}

/**
 * Batch norm into the convolution before it: `y = (conv(x, W) - mean) * s + beta`, `s = gamma / sqrt(variance + e)`
 * is `conv(x, W * s) + (beta - mean * s)`. In float64, rounded once: every reader gets the same float32 numbers.
 */

/** slim's inception_v3_arg_scope; float32, as it stands in graphs. */
export const BATCH_NORM_EPSILON = Math.fround(0.001);

/** What a convolution's output is multiplied by, then increased by; float64, one each or one for all channels. */
export interface ChannelAffine {
  scale: Float64Array;
  offset: Float64Array;
}

/** The four vectors of one batch norm, `[channels]` each; no gamma means 1. */
export interface BatchNorm {
  beta: ArrayLike<number>;
  mean: ArrayLike<number>;
  variance: ArrayLike<number>;
  gamma?: ArrayLike<number> | undefined;
  epsilon: number;
}

export function affineOf({ beta, mean, variance, gamma, epsilon }: BatchNorm): ChannelAffine {
  const channels = beta.length;
  const scale = new Float64Array(channels);
  const offset = new Float64Array(channels);
  for (let i = 0; i < channels; i++) {
    scale[i] = (gamma?.[i] ?? 1) / Math.sqrt(variance[i]! + epsilon);
    offset[i] = beta[i]! - mean[i]! * scale[i]!;
  }
  return { scale, offset };
}

/**
 * Multiplies the kernel in place.
 * @param kernel `[height, width, in, out]`, out is `affine`'s length
 * @returns the bias, `[out]`
 */
export function foldInto(kernel: Float32Array, affine: ChannelAffine): Float32Array {
  const { scale, offset } = affine;
  const out = scale.length;
  for (let at = 0; at < kernel.length; at += out) {
    for (let channel = 0; channel < out; channel++) kernel[at + channel]! *= scale[channel]!;
  }
  return Float32Array.from(offset);
}

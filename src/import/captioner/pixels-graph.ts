/** What image processors of transformers do to the bytes of an image, as the beginning of an encoder's graph. */
import { type GraphBuilder, integers, type OnnxTensor, tensorOf } from '../../onnx/graph.ts';
import { DATA_TYPES } from '../../onnx/schema.ts';

/** A sample times `scale`, less `mean`, divided by `std`. */
export interface PixelNormalization {
  scale: number;
  /** Of each channel, in the order of `channels`. */
  mean: readonly number[];
  std: readonly number[];
  /** What the network wants first, red or blue. */
  channels: 'rgb' | 'bgr';
}

/** What the network reads by name in the exports of transformers. */
const PIXEL_VALUES = 'pixel_values';
const RED_LAST = [2, 1, 0];

/**
 * Bit for bit what numpy computes: the product in float64, all else in float32.
 *
 * @param image value uint8 NHWC `[N, H, W, 3]`, RGB
 * @param type what the network reads
 * @returns value `pixel_values`, NCHW `[N, 3, H, W]`
 */
export function pixelValues(
  g: GraphBuilder,
  image: string,
  { scale, mean, std, channels }: PixelNormalization,
  type: 'float32' | 'float16' = 'float32',
): string {
  // First, while a sample is one byte.
  let planes = g.node('Transpose', [image], 'image_planes', { perm: [0, 3, 1, 2] });
  if (channels === 'bgr') {
    g.constant('image_channels', integers(...RED_LAST));
    planes = g.node('Gather', [planes, 'image_channels'], 'image_flipped', { axis: 1 });
  }
  g.node('Cast', [planes], 'image_samples', { to: DATA_TYPES.float64 });
  g.constant('image_scale', float64(scale));
  g.node('Mul', ['image_samples', 'image_scale'], 'image_scaled');
  g.node('Cast', ['image_scaled'], 'image_shares', { to: DATA_TYPES.float32 });
  g.constant('image_mean', perChannel(mean));
  g.node('Sub', ['image_shares', 'image_mean'], 'image_centred');
  g.constant('image_std', perChannel(std));
  if (type === 'float32') return g.node('Div', ['image_centred', 'image_std'], PIXEL_VALUES);
  g.node('Div', ['image_centred', 'image_std'], 'image_normal');
  return g.node('Cast', ['image_normal'], PIXEL_VALUES, { to: DATA_TYPES[type] });
}

function perChannel(values: readonly number[]): OnnxTensor {
  return tensorOf(Float32Array.from(values), [values.length, 1, 1]);
}

function float64(value: number): OnnxTensor {
  return { type: 'float64', dims: [], bytes: () => new Uint8Array(Float64Array.of(value).buffer) };
}

/** Small networks by hand, and what they compute. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type GraphBuilder, type OnnxModel, tensorOf } from '../../../src/onnx/graph.ts';
import { decodeModel } from '../../../src/onnx/read.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { xorshift } from '../../support/random.ts';

export const SIDE = 9;
export const CHANNELS = 4;

/** Numbers from -1 to 1 that are the same everywhere. */
export function noise(length: number, seed: number): Float32Array {
  const random = xorshift(seed);
  return Float32Array.from({ length }, () => random.below(2001) / 1000 - 1);
}

export interface Convolution {
  output: number;
  input?: number;
  kernel?: number;
  group?: number;
  bias?: Float32Array;
  weights?: Float32Array;
}

/** A convolution that keeps the image's size. */
export function conv(g: GraphBuilder, x: string, name: string, options: Convolution): string {
  const { output, input = CHANNELS, kernel = 1, group = 1 } = options;
  const dims = [output, input / group, kernel, kernel];
  const size = dims.reduce((a, b) => a * b);
  g.constant(`${name}_w`, tensorOf(options.weights ?? noise(size, name.length * 31 + output), dims));
  g.constant(`${name}_b`, tensorOf(options.bias ?? noise(output, 5)));
  const pad = (kernel - 1) / 2;
  return g.node('Conv', [x, `${name}_w`, `${name}_b`], name, {
    kernel_shape: [kernel, kernel],
    pads: [pad, pad, pad, pad],
    strides: [1, 1],
    group,
  });
}

/** From `image` `[N, 4, 9, 9]` to the named value, `[N, C, H, W]` whatever they are. */
export function network(g: GraphBuilder, output: string): OnnxModel {
  return g.model(
    'unit',
    [{ name: 'image', type: 'float32', dims: ['N', CHANNELS, SIDE, SIDE] }],
    [{ name: output, type: 'float32', dims: null }],
  );
}

export const image = (seed: number): Record<string, Tensor> => ({
  image: new Tensor('float32', noise(CHANNELS * SIDE * SIDE, seed), [1, CHANNELS, SIDE, SIDE]),
});

export async function run(
  model: OnnxModel | Uint8Array,
  feeds: Record<string, Tensor>,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<Float32Array> {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  const options = { graphOptimizationLevel, intraOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const session = await InferenceSession.create(bytes, options);
  const out = await session.run(feeds);
  await session.release();
  return out[session.outputNames[0]!]!.data as Float32Array;
}

/** Node types of a file, counted. */
export function operatorsOf(bytes: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of decodeModel('unit', bytes).nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

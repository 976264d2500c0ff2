/**
 * Inception v3 as im2txt uses it (TensorFlow-Slim's `inception_v3_base` up to `Mixed_7c`), layer by layer. Kernel sizes
 * and widths come from the weights; here stand the order, the strides and the paddings, with all of Slim's odd names.
 */
import { type GraphBuilder, type OnnxTensor, tensorOf } from '../../onnx/graph.ts';
import type { FoldedConvolution } from './weights.ts';

/** Side of the last feature map, in cells. */
export const GRID_SIDE = 8;

/** Stride 2 comes with padding VALID in this network; stride 1 with SAME, but for the stem's `valid`. */
type Layer =
  | { convolution: string; stride?: 2; valid?: true }
  | { maxPool: string }
  | { averagePool: string }
  /** Branches read the same value; their results are joined along the channels. */
  | { concat: string; branches: readonly (readonly Layer[])[] };

const conv = (convolution: string): Layer => ({ convolution });
const down = (convolution: string): Layer => ({ convolution, stride: 2 });
const valid = (convolution: string): Layer => ({ convolution, valid: true });
const maxPool = (name: string): Layer => ({ maxPool: name });
const averagePool = (name: string): Layer => ({ averagePool: name });
const split = (...names: string[]): Layer => ({ concat: 'concat', branches: names.map((n) => [conv(n)]) });
const block = (name: string, ...branches: Layer[][]): Layer => ({ concat: name, branches });

/** 35 x 35 cells. `Mixed_5c` alone names the middle layers of its second branch differently. */
const block35 = (name: string, first = 'Conv2d_0a_1x1', second = 'Conv2d_0b_5x5') =>
  block(
    name,
    [conv('Conv2d_0a_1x1')],
    [conv(first), conv(second)],
    [conv('Conv2d_0a_1x1'), conv('Conv2d_0b_3x3'), conv('Conv2d_0c_3x3')],
    [averagePool('AvgPool_0a_3x3'), conv('Conv2d_0b_1x1')],
  );

/** 17 x 17 cells. */
const block17 = (name: string) =>
  block(
    name,
    [conv('Conv2d_0a_1x1')],
    [conv('Conv2d_0a_1x1'), conv('Conv2d_0b_1x7'), conv('Conv2d_0c_7x1')],
    [
      conv('Conv2d_0a_1x1'),
      conv('Conv2d_0b_7x1'),
      conv('Conv2d_0c_1x7'),
      conv('Conv2d_0d_7x1'),
      conv('Conv2d_0e_1x7'),
    ],
    [averagePool('AvgPool_0a_3x3'), conv('Conv2d_0b_1x1')],
  );

/** 8 x 8 cells. 1x3 and 3x1 stand side by side; the 3x1 of the second branch is 0b in one block, 0c in the other. */
const block8 = (name: string, tall: string) =>
  block(
    name,
    [conv('Conv2d_0a_1x1')],
    [conv('Conv2d_0a_1x1'), split('Conv2d_0b_1x3', tall)],
    [conv('Conv2d_0a_1x1'), conv('Conv2d_0b_3x3'), split('Conv2d_0c_1x3', 'Conv2d_0d_3x1')],
    [averagePool('AvgPool_0a_3x3'), conv('Conv2d_0b_1x1')],
  );

const LAYERS: readonly Layer[] = [
  down('Conv2d_1a_3x3'),
  valid('Conv2d_2a_3x3'),
  conv('Conv2d_2b_3x3'),
  maxPool('MaxPool_3a_3x3'),
  valid('Conv2d_3b_1x1'),
  valid('Conv2d_4a_3x3'),
  maxPool('MaxPool_5a_3x3'),
  block35('Mixed_5b'),
  block35('Mixed_5c', 'Conv2d_0b_1x1', 'Conv_1_0c_5x5'),
  block35('Mixed_5d'),
  block(
    'Mixed_6a',
    // Both layers called 1x1 here are 3x3.
    [down('Conv2d_1a_1x1')],
    [conv('Conv2d_0a_1x1'), conv('Conv2d_0b_3x3'), down('Conv2d_1a_1x1')],
    [maxPool('MaxPool_1a_3x3')],
  ),
  block17('Mixed_6b'),
  block17('Mixed_6c'),
  block17('Mixed_6d'),
  block17('Mixed_6e'),
  block(
    'Mixed_7a',
    [conv('Conv2d_0a_1x1'), down('Conv2d_1a_3x3')],
    [conv('Conv2d_0a_1x1'), conv('Conv2d_0b_1x7'), conv('Conv2d_0c_7x1'), down('Conv2d_1a_3x3')],
    [maxPool('MaxPool_1a_3x3')],
  ),
  block8('Mixed_7b', 'Conv2d_0b_3x1'),
  block8('Mixed_7c', 'Conv2d_0c_3x1'),
];

/** Branches of a block have scopes of their own; the two halves inside a branch do not. */
function branchScope(scope: string, concat: string, index: number): string {
  return scope === '' ? `${concat}/Branch_${index}/` : scope;
}

/**
 * Appends the network to a graph. Values are named like Slim's endpoints, e.g. `Mixed_5b/Branch_0/Conv2d_0a_1x1`
 * (after ReLU) and `Mixed_5b/concat`.
 *
 * @param x float32 NCHW `[N, 3, 299, 299]`, -1 to 1
 * @returns the last feature map, NCHW `[N, features, 8, 8]`
 */
export function inceptionV3(
  g: GraphBuilder,
  convolutions: ReadonlyMap<string, FoldedConvolution>,
  x: string,
): string {
  return appendLayers(g, convolutions, LAYERS, '', x);
}

function appendLayers(
  g: GraphBuilder,
  convolutions: ReadonlyMap<string, FoldedConvolution>,
  layers: readonly Layer[],
  scope: string,
  x: string,
): string {
  let value = x;
  for (const layer of layers) {
    if ('convolution' in layer) value = convolution(g, convolutions, scope, layer, value);
    else if ('maxPool' in layer) value = pool(g, 'MaxPool', scope + layer.maxPool, value);
    else if ('averagePool' in layer) value = pool(g, 'AveragePool', scope + layer.averagePool, value);
    else {
      const branches = layer.branches.map((branch, i) =>
        appendLayers(g, convolutions, branch, branchScope(scope, layer.concat, i), value),
      );
      const name = scope === '' ? `${layer.concat}/concat` : `${scope}concat`;
      value = g.node('Concat', branches, name, { axis: 1 });
    }
  }
  return value;
}

function convolution(
  g: GraphBuilder,
  convolutions: ReadonlyMap<string, FoldedConvolution>,
  scope: string,
  layer: { convolution: string; stride?: 2; valid?: true },
  x: string,
): string {
  const name = scope + layer.convolution;
  const weights = convolutions.get(name);
  if (!weights) throw new RangeError(`no weights for ${name}`);
  const [height, width] = weights.shape;
  const padded = !layer.stride && !layer.valid;
  // SAME occurs with stride 1 and odd kernels only, so it is symmetric.
  const [vertical, horizontal] = padded ? [(height - 1) / 2, (width - 1) / 2] : [0, 0];
  const stride = layer.stride ?? 1;
  g.constant(`${name}/weights`, kernelTensor(weights));
  g.constant(`${name}/bias`, tensorOf(weights.bias));
  g.node('Conv', [x, `${name}/weights`, `${name}/bias`], `${name}/conv`, {
    kernel_shape: [height, width],
    strides: [stride, stride],
    pads: [vertical, horizontal, vertical, horizontal],
  });
  return g.node('Relu', [`${name}/conv`], name);
}

/** All pools are 3x3: the largest values with stride 2 and no padding, the means with stride 1 and padding. */
function pool(g: GraphBuilder, op: 'MaxPool' | 'AveragePool', name: string, x: string): string {
  const kernel_shape = [3, 3];
  if (op === 'MaxPool') return g.node(op, [x], name, { kernel_shape, strides: [2, 2] });
  // TensorFlow's means leave the padding out.
  const attributes = { kernel_shape, strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: 0 };
  return g.node(op, [x], name, attributes);
}

/** TensorFlow's `[height, width, in, out]` as ONNX's `[out, in, height, width]`. */
function kernelTensor({ shape: [height, width, input, output], kernel }: FoldedConvolution): OnnxTensor {
  const cells = height * width;
  const bytes = () => {
    const out = new Float32Array(kernel.length);
    for (let cell = 0; cell < cells; cell++) {
      for (let i = 0; i < input; i++) {
        const from = (cell * input + i) * output;
        // out[o][i][cell] = kernel[cell][i][o]
        for (let o = 0; o < output; o++) out[(o * input + i) * cells + cell] = kernel[from + o]!;
      }
    }
    return new Uint8Array(out.buffer);
  };
  return { type: 'float32', dims: [output, input, height, width], bytes };
}

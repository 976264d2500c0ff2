import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder, integers, type OnnxModel, scalar, tensorOf } from '../../src/onnx/graph.ts';
import { decodeModel } from '../../src/onnx/read.ts';
import { encodeModel } from '../../src/onnx/write.ts';
import { measureValues } from '../../src/quantize/calibrate.ts';
import { planQuantization } from '../../src/quantize/plan.ts';
import { prepareEncoder, quantizeEncoder } from '../../src/quantize/quantize-encoder.ts';
import { rangesOf } from '../../src/quantize/ranges.ts';
import {
  CHANNELS,
  conv,
  image,
  network,
  noise,
  operatorsOf,
  run,
  SIDE,
} from '../import/network/small-graphs.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const IMAGES = [1, 2, 3, 4].map(image);

async function quantize(model: OnnxModel, keep: string[] = [], images = IMAGES): Promise<Uint8Array> {
  const prepared = prepareEncoder('unit', encodeModel(model));
  const ranges = rangesOf(await measureValues(prepared, images, 1), { method: 'minmax' });
  return quantizeEncoder(prepared, ranges, new Set(keep));
}

/** Size of the difference as a share of the result's. */
async function error(model: OnnxModel, int8: Uint8Array, images = IMAGES): Promise<number> {
  let [difference, size] = [0, 0];
  for (const feeds of images) {
    const [a, b] = [await run(model, feeds), await run(int8, feeds)];
    assert.equal(a.length, b.length);
    for (const [i, value] of a.entries()) {
      difference += (value - b[i]!) ** 2;
      size += value ** 2;
    }
  }
  return Math.sqrt(difference / size);
}

/** 255 steps to a range of about six deviations and as many to the weights: under 1 % for each layer. */
const ROUNDING = 0.02;

function assertSmall(share: number): void {
  assert.ok(share < ROUNDING, `off by ${share}`);
}

/** Two convolutions and a ReLU between them. */
function chain(): OnnxModel {
  const g = new GraphBuilder();
  conv(g, 'image', 'first', { output: 8, kernel: 3 });
  g.node('Relu', ['first'], 'active');
  conv(g, 'active', 'second', { output: 6, input: 8 });
  return network(g, 'second');
}

test('convolutions: near the fp32 graph, the ReLU in the rounding', async () => {
  const int8 = await quantize(withTail(chain(), 'second'));
  assertSmall(await error(withTail(chain(), 'second'), int8));
  assert.equal(operatorsOf(int8).Relu, undefined);
});

/** Reads the last value in floats, so that it is rounded like any other. */
function withTail(model: OnnxModel, last: string): OnnxModel {
  const tail = { op: 'Neg', domain: '', name: 'tail', inputs: [last], outputs: ['tail'], attributes: {} };
  return {
    ...model,
    nodes: [...model.nodes, tail],
    outputs: [{ name: 'tail', type: 'float32', dims: null }],
  };
}

test('inputs and outputs keep their names and shapes', async () => {
  const source = chain();
  const { inputs, outputs } = decodeModel('unit', await quantize(source));
  assert.deepEqual({ inputs, outputs }, { inputs: source.inputs, outputs: source.outputs });
});

test('the same input gives the same bytes', async () => {
  assert.deepEqual(await quantize(chain()), await quantize(chain()));
});

test('what is to stay fp32 stays, weights and all', async () => {
  const model = withTail(chain(), 'second');
  const int8 = await quantize(model, ['first']);
  const { nodes, constants } = decodeModel('unit', int8);
  const first = nodes.find((n) => n.name === 'first')!;
  assert.deepEqual(first.inputs, ['image', 'first_w', 'first_b']);
  assert.deepEqual([...constants.get('first_w')!.bytes()], [...model.constants.get('first_w')!.bytes()]);
  assertSmall(await error(model, int8));
  const second = nodes.find((n) => n.name === 'second')!;
  assert.ok(second.inputs.every((i) => i.endsWith('/rounded')));
});

test('onnxruntime does not make bytes of what was to stay fp32', async () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'first', { output: 4 });
  g.node('Relu', ['first'], 'a');
  conv(g, 'a', 'middle', { output: 4 });
  g.node('Relu', ['middle'], 'b');
  conv(g, 'b', 'last', { output: 4 });
  const int8 = await quantize(withTail(network(g, 'last'), 'last'), ['middle']);
  const { nodes, constants } = decodeModel('unit', await optimised(int8));
  const middle = nodes.find((n) => n.op === 'Conv' && n.name === 'middle');
  assert.equal(constants.get(middle?.inputs[1] ?? '')?.type, 'float32');
});

/** The graph as onnxruntime simplifies it on any machine. */
async function optimised(model: Uint8Array): Promise<Uint8Array> {
  const place = temporaryDirectory();
  try {
    const optimizedModelFilePath = join(place.path, 'optimised.onnx');
    const session = await InferenceSession.create(model, {
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath,
      logSeverityLevel: 3,
    });
    await session.release();
    return readFileSync(optimizedModelFilePath);
  } finally {
    place.dispose();
  }
}

test('Inception: branches share the grid of their concatenation', async () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'stem', { output: 6, kernel: 3 });
  g.node('Relu', ['stem'], 'x');
  const branches = ['a', 'bb', 'ccc'].map((name, i) => {
    conv(g, 'x', name, { output: 3 + i, input: 6 });
    return g.node('Relu', [name], `${name}_relu`);
  });
  g.node('MaxPool', ['x'], 'pooled', { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
  g.node('Concat', [...branches, 'pooled'], 'joined', { axis: 1 });
  conv(g, 'joined', 'end', { output: 4, input: 18 });
  const model = withTail(network(g, 'end'), 'end');
  const { groups } = planQuantization(model);
  const group = groups.get('joined');
  assert.deepEqual(
    branches.map((b) => groups.get(b) === group),
    [true, true, true],
  );
  // The pool's grid is that of what it reads.
  assert.equal(groups.get('pooled'), groups.get('x'));
  assert.notEqual(groups.get('pooled'), group);
  assertSmall(await error(model, await quantize(model)));
});

/** A mean of neighbours between two convolutions, the first one's ReLU behind it. */
function pooled(pads = [1, 1, 1, 1]): OnnxModel {
  const g = new GraphBuilder();
  conv(g, 'image', 'stem', { output: 6, kernel: 3 });
  const attributes = { kernel_shape: [3, 3], strides: [1, 1], pads, count_include_pad: 0 };
  g.node('AveragePool', ['stem'], 'mean', attributes);
  g.node('Relu', ['mean'], 'x');
  conv(g, 'x', 'end', { output: 4, input: 6 });
  return withTail(network(g, 'end'), 'end');
}

test('Inception: means of neighbours are convolutions, in bytes and as near as means are', async () => {
  const model = pooled();
  const int8 = await quantize(model);
  const { AveragePool, Conv, Mul } = operatorsOf(int8);
  assert.deepEqual({ AveragePool, Conv, Mul }, { AveragePool: undefined, Conv: 3, Mul: 1 });
  const { nodes } = decodeModel('unit', await optimised(int8));
  const left = nodes.map(({ op }) => op).filter((op) => op === 'Conv' || op === 'Mul');
  // The sizes of the padded rest are not those of what was before it.
  assert.deepEqual(left, ['Conv', 'Conv', 'Mul', 'Conv']);
  const own = await error(model, int8);
  assertSmall(own);
  const unpadded = pooled([0, 0, 0, 0]);
  const asMean = await quantize(unpadded);
  assert.equal(operatorsOf(asMean).AveragePool, 1);
  assert.ok(own < 1.2 * (await error(unpadded, asMean)), `off by ${own}`);
});

test('EfficientNet: pixels in bytes, Clip, depthwise, residual, regions by a matrix product', async () => {
  const g = new GraphBuilder();
  g.constant('scale', scalar(1 / 64));
  g.constant('zero', tensorOf(Uint8Array.of(127), []));
  g.constant('low', scalar(0));
  g.constant('high', scalar(6));
  g.node('DequantizeLinear', ['image', 'scale', 'zero'], 'pixels');
  conv(g, 'pixels', 'stem', { output: 8, kernel: 3 });
  g.node('Clip', ['stem', 'low', 'high'], 'x');
  conv(g, 'x', 'depthwise', { output: 8, input: 8, group: 8, kernel: 3 });
  g.node('Clip', ['depthwise', 'low', 'high'], 'd');
  conv(g, 'd', 'project', { output: 8, input: 8 });
  g.node('Add', ['project', 'x'], 'sum');
  conv(g, 'sum', 'head', { output: 6, input: 8 });
  g.node('Clip', ['head', 'low', 'high'], 'features');
  g.constant('grid', integers(0, 6, SIDE * SIDE));
  g.node('Reshape', ['features', 'grid'], 'channels');
  g.node('Transpose', ['channels'], 'cells', { perm: [0, 2, 1] });
  g.constant('embedding', tensorOf(noise(6 * 5, 8), [6, 5]));
  g.constant('offset', tensorOf(noise(5, 6)));
  g.node('MatMul', ['cells', 'embedding'], 'embedded');
  g.node('Add', ['embedded', 'offset'], 'out');
  const pixels = { name: 'image', type: 'uint8', dims: ['N', CHANNELS, SIDE, SIDE] } as const;
  const model: OnnxModel = { ...network(g, 'out'), inputs: [pixels] };
  const feeds = [1, 2, 3].map((seed) => ({
    image: new Tensor(
      'uint8',
      Uint8Array.from(noise(CHANNELS * SIDE * SIDE, seed), (v) => 127 + 127 * v),
      [1, CHANNELS, SIDE, SIDE],
    ),
  }));
  const { nodes, measured } = planQuantization(model);
  // The sum with a constant is a bias, and what leaves the graph is not rounded.
  assert.deepEqual([...nodes].map((n) => n.name).includes('out'), false);
  assert.deepEqual(measured.includes('embedded') || measured.includes('pixels'), false);
  const int8 = await quantize(model, [], feeds);
  assert.equal(operatorsOf(int8).Clip, undefined);
  assertSmall(await error(model, int8, feeds));
  const kept = await quantize(model, ['stem', 'head'], feeds);
  assertSmall(await error(model, kept, feeds));
});

test('empty channels, dead ReLUs and constant values come through', async () => {
  const g = new GraphBuilder();
  const weights = noise(4 * CHANNELS, 2).map((w, i) => (i < CHANNELS ? 0 : w));
  conv(g, 'image', 'first', { output: 4, weights, bias: Float32Array.of(0.5, -50, 0, 2) });
  g.node('Relu', ['first'], 'a');
  conv(g, 'a', 'dead', { output: 3, weights: new Float32Array(12), bias: Float32Array.of(-1, -2, -3) });
  g.node('Relu', ['dead'], 'b');
  conv(g, 'b', 'constant', { output: 2, input: 3, bias: Float32Array.of(7, 7) });
  g.node('Concat', ['a', 'constant'], 'out', { axis: 1 });
  const model = withTail(network(g, 'out'), 'out');
  assertSmall(await error(model, await quantize(model)));
});

test('a value that was never measured is named', async () => {
  const prepared = prepareEncoder('unit', encodeModel(chain()));
  assert.throws(() => quantizeEncoder(prepared, new Map()), /image/);
});

// 127 where products of two weights never meet in 16 bits, else the sum of two that do: `numbers.ts`.
test('weights have as many bits as the kernel of their operator leaves them', async () => {
  const largestOf = async (op: (g: GraphBuilder) => void, name: string) => {
    const g = new GraphBuilder();
    op(g);
    const { constants } = decodeModel('unit', await quantize(withTail(network(g, name), name)));
    const bytes = constants.get(`${name}/weights/integers`)!.bytes();
    return Math.max(...new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length).map(Math.abs));
  };
  const apart = (size: number) => Float32Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const convolution = (output: number, group: number, kernel: number) => (g: GraphBuilder) => {
    const size = (output * CHANNELS * kernel * kernel) / group;
    conv(g, 'image', 'c', { output, group, kernel, weights: apart(size), bias: new Float32Array(output) });
  };
  assert.equal(await largestOf(convolution(CHANNELS, CHANNELS, 3), 'c'), 127, 'depthwise');
  assert.equal(
    await largestOf(convolution(2 * CHANNELS, CHANNELS, 3), 'c'),
    64,
    'one channel, two outputs each',
  );
  assert.equal(
    await largestOf(convolution(CHANNELS, 1, 1), 'c'),
    127,
    'pointwise, neighbours of other signs',
  );
  const matrix = (transB: number) => (g: GraphBuilder) => {
    g.constant('flat', integers(0, CHANNELS * SIDE * SIDE));
    g.node('Reshape', ['image', 'flat'], 'row');
    const rows = CHANNELS * SIDE * SIDE;
    const dims = transB === 1 ? [2, rows] : [rows, 2];
    const signs = Float32Array.from({ length: 2 * rows }, (_, i) =>
      (transB === 1 ? i : i >> 1) % 2 === 0 ? 1 : -1,
    );
    g.constant('w', tensorOf(signs, dims));
    g.node('Gemm', ['row', 'w'], 'c', { transB });
  };
  // Along what is summed over neighbours cancel out, so that nearly 8 bits are left.
  assert.equal(await largestOf(matrix(0), 'c'), 127);
  assert.equal(await largestOf(matrix(1), 'c'), 127);
});

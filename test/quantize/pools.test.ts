import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attribute, GraphBuilder, tensorOf } from '../../src/onnx/graph.ts';
import {
  isMeanOfNeighbours,
  movePoolsBehindConvolutions,
  neighboursAsConvolution,
} from '../../src/quantize/pools.ts';
import { CHANNELS, conv, image, network, run, SIDE } from '../import/network/small-graphs.ts';

const MEAN = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1], count_include_pad: 0 };

function pooled(output: number, attributes: Record<string, Attribute> = MEAN, kernel = 1) {
  const g = new GraphBuilder();
  g.node('AveragePool', ['image'], 'mean', attributes);
  conv(g, 'mean', 'conv', { output, kernel });
  g.node('Relu', ['conv'], 'out');
  return network(g, 'out');
}

const order = (model: ReturnType<typeof pooled>) => model.nodes.map((n) => n.op).join(' ');

test('the pool moves behind the convolution and nothing changes, the border least of all', async () => {
  const model = pooled(3);
  const moved = movePoolsBehindConvolutions(model);
  assert.equal(order(moved), 'Conv AveragePool Relu');
  const [a, b] = [await run(model, image(1)), await run(moved, image(1))];
  for (const [i, value] of a.entries()) assert.ok(Math.abs(value - b[i]!) < 1e-5);
});

test('it stays where moving it would change or cost something', () => {
  const cases = [pooled(3, { ...MEAN, count_include_pad: 1 }), pooled(3, MEAN, 3), pooled(4)];
  for (const model of cases) assert.equal(order(movePoolsBehindConvolutions(model)), order(model));
  const shared = pooled(3);
  const nodes = [
    ...shared.nodes,
    { ...shared.nodes[2]!, name: 'other', inputs: ['mean'], outputs: ['other'] },
  ];
  assert.deepEqual(movePoolsBehindConvolutions({ ...shared, nodes }).nodes, nodes);
});

/** The pooled network with attributes of its convolution changed. */
function withConv(attributes: Record<string, Attribute>) {
  const model = pooled(3);
  const nodes = model.nodes.map((node) =>
    node.op === 'Conv' ? { ...node, attributes: { ...node.attributes, ...attributes } } : node,
  );
  return { ...model, nodes };
}

test('it stays in front of convolutions that skip, pad or group, and of what is none', () => {
  const cases = [
    withConv({ strides: [1, 2] }),
    withConv({ pads: [0, 1, 0, 1] }),
    withConv({ group: 3 }),
    { ...pooled(3), constants: new Map() },
  ];
  for (const model of cases) assert.deepEqual(movePoolsBehindConvolutions(model).nodes, model.nodes);
  const max = pooled(3);
  const nodes = max.nodes.map((node) => (node.op === 'AveragePool' ? { ...node, op: 'MaxPool' } : node));
  assert.deepEqual(movePoolsBehindConvolutions({ ...max, nodes }).nodes, nodes);
  const relu = max.nodes.map((node) => (node.op === 'Conv' ? { ...node, op: 'ConvTranspose' } : node));
  assert.deepEqual(movePoolsBehindConvolutions({ ...max, nodes: relu }).nodes, relu);
});

test('it stays where the mean leaves the graph, or nobody reads it', () => {
  const model = pooled(3);
  const outputs = [...model.outputs, { name: 'mean', type: 'float32', dims: null } as const];
  assert.deepEqual(movePoolsBehindConvolutions({ ...model, outputs }).nodes, model.nodes);
  const nodes = model.nodes.slice(0, 1);
  assert.deepEqual(movePoolsBehindConvolutions({ ...model, nodes }).nodes, nodes);
});

test('moved, each takes the names of the values that the other read and made', () => {
  const { nodes } = movePoolsBehindConvolutions(pooled(3));
  assert.deepEqual(
    nodes.map(({ name, inputs, outputs }) => ({ name, inputs, outputs })),
    [
      { name: 'conv', inputs: ['image', 'conv_w', 'conv_b'], outputs: ['conv/before_pool'] },
      { name: 'mean', inputs: ['conv/before_pool'], outputs: ['conv'] },
      { name: 'out', inputs: ['conv'], outputs: ['out'] },
    ],
  );
});

test('a pool without the attribute leaves padding out', () => {
  const { count_include_pad: _, ...plain } = MEAN;
  assert.equal(order(movePoolsBehindConvolutions(pooled(3, plain))), 'Conv AveragePool Relu');
});

test('a mean of neighbours is a convolution times what its border lacks', async () => {
  const mean = new GraphBuilder();
  mean.node('AveragePool', ['image'], 'out', MEAN);
  const expected = await run(network(mean, 'out'), image(1));
  const { weights, scales, border, borderScale } = neighboursAsConvolution(CHANNELS, [SIDE, SIDE]);
  const g = new GraphBuilder();
  const kernel = Float32Array.from(weights.bytes(), (byte) => byte * scales[0]!);
  g.constant('kernel', tensorOf(kernel, weights.dims));
  g.constant(
    'factors',
    tensorOf(
      Float32Array.from(border.bytes(), (byte) => byte * borderScale),
      border.dims,
    ),
  );
  g.node('Conv', ['image', 'kernel'], 'sums', { pads: [1, 1, 1, 1], group: CHANNELS });
  g.node('Mul', ['sums', 'factors'], 'out');
  const found = await run(network(g, 'out'), image(1));
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - found[i]!) < 1e-5);
});

test('only a mean of the 3 x 3 cells around each is one of neighbours', () => {
  const changes: Record<string, Attribute>[] = [
    ...[{ kernel_shape: [5, 5] }, { strides: [2, 2] }, { pads: [0, 0, 1, 1] }, { dilations: [2, 2] }],
    ...[{ count_include_pad: 1 }, { ceil_mode: 1 }],
  ];
  const is = (attributes: Record<string, Attribute>) => isMeanOfNeighbours(pooled(3, attributes).nodes[0]!);
  assert.deepEqual(
    [is(MEAN), ...changes.map((change) => is({ ...MEAN, ...change }))],
    [true, ...changes.map(() => false)],
  );
  const { strides: _, ...plain } = MEAN;
  assert.equal(is(plain), true);
});

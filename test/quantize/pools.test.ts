import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attribute, GraphBuilder } from '../../src/onnx/graph.ts';
import { movePoolsBehindConvolutions } from '../../src/quantize/pools.ts';
import { conv, image, network, run } from '../import/network/small-graphs.ts';

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

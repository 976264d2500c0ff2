/** Which nodes work in bytes, which values share a grid, and which ReLUs rounding does the work of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attribute, GraphBuilder, type OnnxModel, scalar, tensorOf } from '../../src/onnx/graph.ts';
import { boundsOf, dataInputs, planQuantization } from '../../src/quantize/plan.ts';
import { conv, network, noise } from '../import/network/small-graphs.ts';

function planOf(model: OnnxModel, keep: readonly string[] = []) {
  const { nodes, groups, measured, absorbed } = planQuantization(model, new Set(keep));
  return {
    nodes: [...nodes].map(({ name }) => name),
    groups: Object.fromEntries(groups),
    measured: [...measured],
    absorbed: [...absorbed].map(([{ name }, value]) => [name, value]),
  };
}

test('a chain: convolutions in bytes, the ReLU between them done by rounding', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'a', { output: 4 });
  g.node('Relu', ['a'], 'ra');
  conv(g, 'ra', 'b', { output: 4 });
  g.node('Neg', ['b'], 'out');
  assert.deepEqual(planOf(network(g, 'out')), {
    nodes: ['a', 'b'],
    groups: { image: 'image', ra: 'ra', b: 'b' },
    measured: ['image', 'ra', 'b'],
    absorbed: [['ra', 'a']],
  });
  assert.deepEqual(planOf(network(g, 'out'), ['a']), {
    nodes: ['b'],
    groups: { ra: 'ra', b: 'b' },
    measured: ['ra', 'b'],
    absorbed: [],
  });
});

test('a ReLU stays where others read what is before it, or it leaves the graph', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'a', { output: 4 });
  g.node('Relu', ['a'], 'ra');
  g.node('Neg', ['a'], 'na');
  g.node('Add', ['ra', 'na'], 'out');
  assert.deepEqual(planOf(network(g, 'out')).absorbed, []);
  const one = new GraphBuilder();
  conv(one, 'image', 'a', { output: 4 });
  one.node('Relu', ['a'], 'out');
  assert.deepEqual(planOf(network(one, 'a')).absorbed, []);
  assert.deepEqual(planOf(network(one, 'out')).absorbed, [['out', 'a']]);
});

test('a ReLU behind a pool, or before any bytes, clips by itself', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'a', { output: 4 });
  g.node('MaxPool', ['a'], 'p', { kernel_shape: [1, 1] });
  g.node('Relu', ['p'], 'rp');
  g.node('Relu', ['image'], 'ri');
  g.node('Add', ['rp', 'ri'], 'out');
  assert.deepEqual(planOf(network(g, 'out')).absorbed, []);
});

test('what is only passed on shares a grid with what it comes from, and is not measured but for pools', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'a', { output: 4 });
  g.node('MaxPool', ['a'], 'p', { kernel_shape: [1, 1] });
  g.node('Transpose', ['p'], 't', { perm: [0, 1, 3, 2] });
  conv(g, 't', 'b', { output: 4 });
  g.node('Neg', ['b'], 'out');
  assert.deepEqual(planOf(network(g, 'out')), {
    nodes: ['a', 'p', 't', 'b'],
    groups: { image: 'image', a: 't', p: 't', t: 't', b: 'b' },
    measured: ['image', 'a', 'p', 'b'],
    absorbed: [],
  });
});

test('nothing is passed on in bytes that comes in floats', () => {
  const g = new GraphBuilder();
  g.node('Transpose', ['image'], 't', { perm: [0, 1, 3, 2] });
  g.node('GlobalAveragePool', ['t'], 'm');
  assert.deepEqual(planOf(network(g, 'm')), { nodes: [], groups: {}, measured: [], absorbed: [] });
});

test('branches share the grid of what joins them, unless a pool passed them on', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'stem', { output: 4 });
  conv(g, 'stem', 'a', { output: 4 });
  conv(g, 'stem', 'bb', { output: 4 });
  g.node('MaxPool', ['stem'], 'p', { kernel_shape: [1, 1] });
  g.node('Concat', ['a', 'bb', 'p'], 'joined', { axis: 1 });
  conv(g, 'joined', 'end', { output: 4, input: 12 });
  g.node('Neg', ['end'], 'out');
  const { groups } = planOf(network(g, 'out'));
  assert.equal(groups.a, groups.joined);
  assert.equal(groups.bb, groups.joined);
  assert.equal(groups.p, groups.stem);
  assert.notEqual(groups.p, groups.joined);
});

test('a sum is in bytes where one of its parts is, a constant added is a bias', () => {
  const g = new GraphBuilder();
  g.constant('c', scalar(1));
  conv(g, 'image', 'a', { output: 4 });
  g.node('Add', ['a', 'image'], 'sum');
  g.node('Add', ['sum', 'c'], 'biased');
  g.node('Add', ['image', 'image'], 'floats');
  g.node('Add', ['biased', 'floats'], 'out');
  assert.deepEqual(planOf(network(g, 'out')).nodes, ['a', 'sum']);
});

test('products that only floats read are not rounded, convolutions are', () => {
  const g = new GraphBuilder();
  g.constant('w', tensorOf(noise(81, 1), [9, 9]));
  g.node('MatMul', ['image', 'w'], 'm');
  g.node('Neg', ['m'], 'out');
  assert.deepEqual(planOf(network(g, 'out')), {
    nodes: ['m'],
    groups: { image: 'image' },
    measured: ['image'],
    absorbed: [],
  });
  g.node('MatMul', ['m', 'w'], 'again');
  assert.deepEqual(planOf(network(g, 'again')).groups, { image: 'image', m: 'm' });
});

/** One Gemm or MatMul or Conv of `image`: whether it is one that can work in bytes. */
function isInBytes(op: string, inputs: string[], attributes: Record<string, Attribute> = {}): boolean {
  const g = new GraphBuilder();
  g.constant('matrix', tensorOf(noise(81, 1), [9, 9]));
  g.constant('cube', tensorOf(noise(729, 1), [9, 9, 9]));
  g.constant('kernel', tensorOf(noise(16, 1), [4, 4, 1, 1]));
  g.constant('bytes', tensorOf(new Int8Array(81), [9, 9]));
  g.constant('row', tensorOf(noise(9, 1)));
  g.node('Neg', ['image'], 'computed');
  g.node(op, inputs, 'y', attributes);
  g.node('Neg', ['y'], 'out');
  return planOf(network(g, 'out')).nodes.includes('y');
}

test('products work in bytes with constant weights of two dimensions, and biases of one', () => {
  assert.ok(isInBytes('MatMul', ['image', 'matrix']));
  assert.ok(isInBytes('Gemm', ['image', 'matrix', 'row']));
  assert.ok(
    isInBytes('Gemm', ['image', 'matrix', ''], { alpha: { float: 1 }, beta: { float: 1 }, transA: 0 }),
  );
  assert.ok(isInBytes('Conv', ['image', 'kernel', 'row']));
  assert.ok(isInBytes('Conv', ['image', 'kernel']));
  assert.ok(!isInBytes('MatMul', ['image', 'cube']));
  assert.ok(!isInBytes('MatMul', ['image', 'computed']));
  assert.ok(!isInBytes('MatMul', ['image', 'bytes']));
  assert.ok(!isInBytes('MatMul', ['matrix', 'matrix']));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix', 'matrix']));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix', 'computed']));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix'], { alpha: { float: 2 } }));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix'], { beta: { float: 0.5 } }));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix'], { transA: 1 }));
  assert.ok(!isInBytes('Gemm', ['image', 'matrix'], { alpha: 1 }));
  assert.ok(!isInBytes('Mul', ['image', 'matrix']));
});

test('bounds of a Clip are its constants, or none', () => {
  const g = new GraphBuilder();
  g.constant('low', scalar(-1));
  g.constant('high', scalar(6));
  g.node('Clip', ['image', 'low', 'high'], 'both');
  g.node('Clip', ['image', '', 'high'], 'upper');
  g.node('Clip', ['image'], 'neither');
  g.node('Relu', ['image'], 'relu');
  const model = network(g, 'both');
  const bounds = Object.fromEntries(model.nodes.map((node) => [node.name, boundsOf(node, model)]));
  assert.deepEqual(bounds, {
    both: { low: -1, high: 6 },
    upper: { low: -Infinity, high: 6 },
    neither: { low: -Infinity, high: Infinity },
    relu: { low: 0, high: Infinity },
  });
  assert.deepEqual(
    model.nodes.map((node) => dataInputs(node, model)),
    [['image'], ['image'], ['image'], ['image']],
  );
});

test('a Clip whose bounds are computed is not done by rounding', () => {
  const clipped = (bound: 'high' | 'computed' | '') => {
    const g = new GraphBuilder();
    g.constant('high', scalar(6));
    g.node('ReduceMax', ['image'], 'computed');
    conv(g, 'image', 'a', { output: 4 });
    g.node('Clip', ['a', '', bound], 'c');
    conv(g, 'c', 'b', { output: 4 });
    return planOf(network(g, 'b')).absorbed;
  };
  assert.deepEqual(clipped('high'), [['c', 'a']]);
  assert.deepEqual(clipped(''), [['c', 'a']]);
  assert.deepEqual(clipped('computed'), []);
});

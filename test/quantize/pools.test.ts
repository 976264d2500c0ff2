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

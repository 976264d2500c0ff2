import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../src/onnx/graph.ts';
import { sensitiveNodes } from '../../src/quantize/sensitive.ts';
import { conv, network } from '../import/network/small-graphs.ts';

test('the first three convolutions, unless they have many weights', () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'a', { output: 27, kernel: 3 });
  conv(g, 'a', 'b', { output: 40, input: 27 });
  conv(g, 'b', 'c', { output: 16, input: 40 });
  conv(g, 'c', 'd', { output: 4, input: 16 });
  assert.deepEqual([...sensitiveNodes(network(g, 'd'))], ['a', 'c']);
});

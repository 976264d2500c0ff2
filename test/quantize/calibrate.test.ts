import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../src/onnx/graph.ts';
import { measureValues } from '../../src/quantize/calibrate.ts';
import { conv, image, network, noise, run } from '../import/network/small-graphs.ts';

test('every value that may be rounded is measured, after its ReLU, on every image', async () => {
  const g = new GraphBuilder();
  conv(g, 'image', 'first', { output: 8 });
  g.node('Relu', ['first'], 'active');
  conv(g, 'active', 'second', { output: 4, input: 8 });
  g.node('Neg', ['second'], 'out');
  const model = network(g, 'out');
  async function* images() {
    yield image(1);
    yield image(2);
  }
  const histograms = await measureValues(model, images(), 1);
  assert.deepEqual([...histograms.keys()].sort(), ['active', 'image', 'second']);
  const pixels = [...noise(324, 1), ...noise(324, 2)];
  const input = histograms.get('image')!;
  assert.deepEqual([input.low, input.high], [Math.min(...pixels), Math.max(...pixels)]);
  assert.equal(input.total, 2 * 324);
  assert.equal(histograms.get('active')!.low, 0);
  const results = [await run(model, image(1)), await run(model, image(2))].flatMap((r) =>
    [...r].map((v) => -v),
  );
  const { low, high } = histograms.get('second')!;
  assert.ok(Math.abs(low - Math.min(...results)) < 1e-5 && Math.abs(high - Math.max(...results)) < 1e-5);
});

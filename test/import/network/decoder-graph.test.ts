import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { decoderGraph } from '../../../src/import/network/decoder-graph.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { goldenWeights, readGolden } from './golden-network.ts';
import { assertClose, checkTeacherForcing, type Network, open, openNetwork, step } from './golden-parity.ts';

const golden = readGolden();
let network: Network;
before(async () => {
  network = await openNetwork(golden);
});

test('widths come from the tensors, names from what it is', () => {
  const { embeddingWidth, stateWidth, logits } = network.decoder;
  assert.deepEqual(
    { embeddingWidth, stateWidth, logits },
    { embeddingWidth: 32, stateWidth: 64, logits: 64 },
  );
  const { name, inputs, outputs } = network.decoder.model;
  assert.equal(name, 'decoder');
  assert.deepEqual(
    [...inputs, ...outputs],
    [
      { name: 'word', type: 'int64', dims: ['B'] },
      { name: 'image_embedding', type: 'float32', dims: ['B', 32] },
      { name: 'state', type: 'float32', dims: ['B', 64] },
      { name: 'k', type: 'int64', dims: [1] },
      { name: 'next_state', type: 'float32', dims: ['B', 64] },
      { name: 'top_log_probabilities', type: 'float32', dims: ['B', 'K'] },
      { name: 'top_ids', type: 'int64', dims: ['B', 'K'] },
      { name: 'log_probabilities', type: 'float32', dims: ['B', 64] },
    ],
  );
});

for (const { file } of golden.images) {
  test(`${file}: every word's probability and state are TensorFlow's`, () =>
    checkTeacherForcing(network, file));
}

test('rows of a batch do not touch each other, images and words mixed', async () => {
  const first = Float32Array.from(golden.images[0]!.default.initial_state);
  const state = Float32Array.from([...first, ...new Float32Array(64), ...first]);
  const embeddings = Float32Array.from({ length: 3 * 32 }, (_, i) => Math.sin(i));
  const all = await step(network.decode, [7, -1, 63], state, 32, embeddings);
  for (const [row, word] of [7, -1, 63].entries()) {
    const alone = await step(
      network.decode,
      [word],
      state.slice(64 * row, 64 * row + 64),
      32,
      embeddings.slice(32 * row, 32 * row + 32),
    );
    assertClose(all.state.slice(64 * row, 64 * row + 64), alone.state, 1e-6, `state of row ${row}`);
    assertClose(all.logProbabilities.slice(64 * row, 64 * row + 64), alone.logProbabilities, 1e-5, 'row');
  }
});

test('equal words come by rising id, and k is obeyed', async () => {
  const weights = goldenWeights(golden);
  weights.logitsWeights.data.fill(0);
  weights.logitsBiases.fill(0);
  weights.logitsBiases.set([2, 2], 40);
  const decode = await open(encodeModel(decoderGraph(weights).model));
  const found = await step(decode, [3], new Float32Array(64), 32, undefined, 4);
  assert.deepEqual(found.topIds, [40, 41, 0, 1]);
  const whole = await step(decode, [3], new Float32Array(64), 32, undefined, 64);
  const total = whole.logProbabilities.reduce((sum, p) => sum + Math.exp(p), 0);
  assert.ok(Math.abs(total - 1) < 1e-5);
  assert.equal(new Set(whole.topIds).size, 64);
});

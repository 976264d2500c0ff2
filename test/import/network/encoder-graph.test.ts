import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Tensor } from 'onnxruntime-node';
import type { NetworkImage } from '../../../src/caption/ports.ts';
import { CONVOLUTION_SCOPES } from '../../../src/import/network/inception-scopes.ts';
import type { ValueInfo } from '../../../src/onnx/graph.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { goldenImage, goldenInput, readGolden } from './golden-network.ts';
import {
  assertClose,
  checkImage,
  checkPreparedImage,
  feedsOf,
  type Network,
  open,
  openNetwork,
  pick,
} from './golden-parity.ts';

const golden = readGolden();
let network: Network;
before(async () => {
  network = await openNetwork(golden);
});

test('every convolution of the checkpoint is in the graph, once', () => {
  const names = network.encoder.model.nodes.filter((n) => n.op === 'Conv').map((n) => n.inputs[1]!);
  assert.deepEqual(names.sort(), CONVOLUTION_SCOPES.map((scope) => `${scope}/weights`).sort());
});

test('widths come from the tensors, names from what it is', () => {
  const { embeddingWidth, regions } = network.encoder;
  assert.deepEqual({ embeddingWidth, regions }, { embeddingWidth: 32, regions: 64 });
  const { name, inputs, outputs } = network.encoder.model;
  assert.equal(name, 'encoder');
  assert.deepEqual(
    [...inputs, ...outputs],
    [
      { name: 'pixels', type: 'uint8', dims: ['N', 'H', 'W', 3] },
      { name: 'sizes', type: 'int64', dims: ['N', 2] },
      { name: 'image_embedding', type: 'float32', dims: ['N', 32] },
      { name: 'region_embeddings', type: 'float32', dims: ['N', 64, 32] },
    ],
  );
});

for (const { file } of golden.images) {
  test(`${file}: embedding and LSTM state are TensorFlow's`, () => checkImage(network, file));
}

test("TensorFlow's own pixels give its state and every word's probability", () =>
  checkPreparedImage(network));

test('the image embedding is the mean of the regions, also in a batch', async () => {
  const files = ['astronaut.jpg', 'chelsea.jpg'];
  const images = await Promise.all(files.map((f) => goldenInput(goldenImage(f))));
  const both = await network.encode.run(feedsOf(...images));
  assert.deepEqual(both.region_embeddings!.dims, [2, 64, 32]);
  const regions = both.region_embeddings!.data as Float32Array;
  const means = Array.from({ length: 2 * 32 }, (_, i) => {
    const at = Math.floor(i / 32) * 64 * 32 + (i % 32);
    return Array.from({ length: 64 }, (_, cell) => regions[at + 32 * cell]!).reduce((a, b) => a + b) / 64;
  });
  assertClose(both.image_embedding!.data as Float32Array, means, 1e-5, 'means');
  const alone = await network.encode.run(feedsOf(images[1]!));
  assertClose(
    alone.image_embedding!.data as Float32Array,
    (both.image_embedding!.data as Float32Array).slice(32),
    1e-5,
    'second image',
  );
});

/** The golden layers were recorded with TensorFlow's fast JPEG decoder; ours differs by up to 6 of 255 levels. */
const OTHER_DECODER = 0.02;

test('every layer has the statistics that TensorFlow recorded', async () => {
  const { layers } = golden.images.find((i) => i.file === 'astronaut.jpg')!;
  const names = Object.keys(layers!).filter((name) => name.startsWith('InceptionV3/InceptionV3/'));
  assert.equal(names.length, 122);
  const found = await layersOf(names.map(endpointOf), await goldenInput(goldenImage('astronaut.jpg')));
  for (const name of names) {
    const expected = layers![name]!;
    const tensor = found[endpointOf(name)]!;
    const [n, channels, height, width] = tensor.dims as [number, number, number, number];
    assert.deepEqual([n, height, width, channels], expected.shape, name);
    const values = tensor.data as Float32Array;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    assert.ok(Math.abs(mean - expected.mean) < OTHER_DECODER * expected.max, `${name}: mean ${mean}`);
    // Sampled where TensorFlow's layout has them: index = (y * width + x) * channels + channel.
    const at = expected.sample.index.map((i) => (i % channels) * height * width + Math.floor(i / channels));
    const errors = pick(values, at).map((v, i) => Math.abs(v - expected.sample.value[i]!));
    const error = errors.reduce((a, b) => a + b) / errors.length;
    assert.ok(error < OTHER_DECODER * expected.max, `${name}: samples off by ${error}`);
  }
});

/** `InceptionV3/InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1/Relu` and its like to our names. */
function endpointOf(name: string): string {
  return name.replace('InceptionV3/InceptionV3/', '').replace(/\/(Relu|MaxPool|AvgPool)$/, '');
}

async function layersOf(names: readonly string[], image: NetworkImage): Promise<Record<string, Tensor>> {
  const outputs = names.map((name): ValueInfo => ({ name, type: 'float32', dims: ['N', 'C', 'H', 'W'] }));
  const session = await open(encodeModel({ ...network.encoder.model, outputs }));
  return await session.run(feedsOf(image));
}

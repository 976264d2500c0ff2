/** From the bytes of an image file to what the network reads, beside transformers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tensor } from 'onnxruntime-node';
import { pixelValues } from '../../../src/import/captioner/pixels-graph.ts';
import { readProcessor } from '../../../src/import/captioner/processor.ts';
import { GraphBuilder } from '../../../src/onnx/graph.ts';
import { DATA_TYPES } from '../../../src/onnx/schema.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { ROOT } from '../../support/samples.ts';
import { open } from '../network/golden-parity.ts';
import { compareAll, readGoldens } from './pixels-goldens.ts';

const GOLDENS = fileURLToPath(new URL('../../fixtures/pixels', import.meta.url));

test('thirty images are to each bit what the processors of transformers make of them', async () => {
  const found = await compareAll(GOLDENS, ROOT);
  assert.equal(new Set(found.map(({ case: { image } }) => image)).size, 30);
  assert.ok(new Set(found.map(({ case: { processor } }) => processor)).size >= 14);
  assert.deepEqual(
    found.filter(({ different }) => different > 0),
    [],
  );
});

test('what a file does not say is what the processor says of itself', () => {
  const { defaults } = readGoldens(GOLDENS);
  for (const said of defaults) {
    const read = (settings: object) => readProcessor('said.json', JSON.stringify(settings));
    const { image_processor_type } = said;
    assert.deepEqual(read({ image_processor_type }), read(said), `${image_processor_type}`);
  }
  assert.equal(defaults.length, 9);
});

test('a network of half precision reads the same numbers, rounded once', async () => {
  const g = new GraphBuilder();
  const normalize = { scale: 1 / 255, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], channels: 'bgr' } as const;
  const half = pixelValues(g, 'image', normalize, 'float16');
  const output = g.node('Cast', [half], 'numbers', { to: DATA_TYPES.float32 });
  const model = g.model(
    'pixels',
    [{ name: 'image', type: 'uint8', dims: ['N', 'H', 'W', 3] }],
    [{ name: output, type: 'float32', dims: ['N', 3, 'H', 'W'] }],
  );
  const session = await open(encodeModel(model), 1);
  // Two images of a pixel each.
  const image = new Tensor('uint8', Uint8Array.of(1, 128, 255, 200, 100, 50), [2, 1, 1, 3]);
  const { numbers } = await session.run({ image });
  const values = [255, 128, 1, 50, 100, 200].map((sample, i) => {
    const float = Math.fround;
    const centred = float(float(sample / 255) - float(normalize.mean[i % 3]!));
    return new Float16Array([float(centred / float(normalize.std[i % 3]!))])[0]!;
  });
  assert.deepEqual([...(numbers!.data as Float32Array)], values);
  assert.deepEqual(numbers!.dims, [2, 3, 1, 1]);
});

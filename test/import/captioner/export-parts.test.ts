/** Which graphs an export needs, and how its encoder is measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExportParts, measureEncoder, openParts } from '../../../src/import/captioner/export-parts.ts';
import { GraphBuilder, integers } from '../../../src/onnx/graph.ts';

/** An encoder that gives its pixels in another shape, under a name. */
function encoderOf(output: string, dims: number[], op = 'Reshape'): ExportParts {
  const g = new GraphBuilder();
  g.constant('dims', integers(...dims));
  g.node(op, ['pixel_values', 'dims'], output);
  const encoder = g.model(
    'encoder',
    [{ name: 'pixel_values', type: 'float32', dims: ['N', 3, 'H', 'W'] }],
    [{ name: output, type: 'float32', dims: dims.map((_, i) => `d${i}`) }],
  );
  return { encoder, encoderFile: 'x/encoder.onnx' } as Partial<ExportParts> as ExportParts;
}

test('an encoder says how many regions an image has, and how wide they are', async () => {
  const size = { width: 4, height: 2 };
  for (const output of ['last_hidden_state', 'another']) {
    const measured = await measureEncoder(encoderOf(output, [1, 6, 4]), size);
    assert.deepEqual(measured, { regions: 6, embeddingWidth: 4 });
  }
});

test('an encoder of anything else than a row of regions is refused', async () => {
  const size = { width: 4, height: 2 };
  for (const [output, dims] of [
    ['last_hidden_state', [1, 6, 2, 2]],
    ['another', [2, 3, 4]],
    ['last_hidden_state', [24]],
  ] as const) {
    await assert.rejects(measureEncoder(encoderOf(output, [...dims]), size), {
      code: 'SourceUnsupported',
      problem: {
        file: 'x/encoder.onnx',
        expected: 'an encoder of images of 4 x 2 that onnxruntime runs',
        actual: `an output of ${dims.join(' x ')}`,
        remedy: 'Is preprocessor_config.json that of these graphs?',
      },
    });
  }
  // It does not run, or does not open.
  for (const broken of [encoderOf('last_hidden_state', [1, 7, 4]), encoderOf('out', [1], 'NoSuchThing')]) {
    await assert.rejects(measureEncoder(broken, size), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SourceUnsupported');
      assert.match(error.message, /encoder\.onnx.*that onnxruntime runs, found ./);
      assert.ok(error.cause instanceof Error);
      return true;
    });
  }
});

test('a graph that is not there is named', async () => {
  const files = { directory: 'export', path: () => null };
  for (const [prompt, expected] of [
    [null, 'encoder_model.onnx'],
    [[1], 'embed_tokens.onnx'],
  ] as const) {
    await assert.rejects(openParts(files, prompt), {
      code: 'SourceUnsupported',
      problem: { file: 'export', expected, actual: 'none' },
    });
  }
});

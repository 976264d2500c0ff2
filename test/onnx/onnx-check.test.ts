/**
 * The standard's own checker and shape inference, from the PyPI package onnx, over the graphs written here. Skipped
 * where no Python has it; what it printed, for the full network too, is in `fixtures/onnx-check.txt`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decoderGraph } from '../../src/import/network/decoder-graph.ts';
import { encoderGraph } from '../../src/import/network/encoder-graph.ts';
import { encodeModel } from '../../src/onnx/write.ts';
import { measureValues } from '../../src/quantize/calibrate.ts';
import { prepareEncoder, quantizeEncoder } from '../../src/quantize/quantize-encoder.ts';
import { quantizeProducts } from '../../src/quantize/quantize-products.ts';
import { rangesOf } from '../../src/quantize/ranges.ts';
import { goldenImage, goldenInput, goldenWeights, readGolden } from '../import/network/golden-network.ts';
import { feedsOf } from '../import/network/golden-parity.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const SCRIPT = fileURLToPath(new URL('onnx-check.py', import.meta.url));
const PYTHON = process.env.SHOW_AND_TELL_PYTHON ?? 'python3';

const hasOnnx = spawnSync(PYTHON, ['-c', 'import onnx']).status === 0;
const skip = hasOnnx ? false : `${PYTHON} has no package onnx (SHOW_AND_TELL_PYTHON may name another one)`;

test('the onnx package accepts all graphs and infers every shape', { skip }, async () => {
  const place = temporaryDirectory();
  try {
    const files = Object.entries(await graphs()).map(([name, bytes]) => {
      const file = join(place.path, `${name}.onnx`);
      writeFileSync(file, bytes);
      return file;
    });
    const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, ...files], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(
      stdout.match(/: checked; opset 21, IR 10, by show-and-tell$/gm)?.length,
      files.length,
      stdout,
    );
    assert.equal(stdout.match(/not inferred: none$/gm)?.length, files.length, stdout);
  } finally {
    place.dispose();
  }
});

async function graphs(): Promise<Record<string, Uint8Array>> {
  const weights = goldenWeights(readGolden());
  const encoder = encodeModel(encoderGraph(weights).model);
  const decoder = encodeModel(decoderGraph(weights).model);
  const prepared = prepareEncoder('encoder', encoder);
  const feeds = feedsOf(await goldenInput(goldenImage('astronaut.jpg')));
  const ranges = rangesOf(await measureValues(prepared, [feeds], 2), { method: 'minmax' });
  return {
    'tiny-encoder': encoder,
    'tiny-decoder': decoder,
    'tiny-encoder-int8': quantizeEncoder(prepared, ranges),
    'tiny-decoder-int8': quantizeProducts('decoder', decoder, 'digits'),
  };
}

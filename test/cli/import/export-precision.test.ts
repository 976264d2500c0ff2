/** Whole numbers from an export: those that its owner made, or those that are measured here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Manifest } from '../../../src/model/manifest.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';

const { path: place, dispose } = temporaryDirectory();
after(dispose);

test('INT8 is made of the fp32 files where photographs are there to measure with', async () => {
  const out = join(place, 'measured');
  const directory = join(ROOT, 'test/fixtures/captioners/vit-gpt2-merged');
  const { status, stderr, stdout } = await runCli([
    ...['import', directory, '--precision', 'int8', '--calibrate', COFFEE, '--out', out],
  ]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /INT8 beside fp32 on 1 images/);
  const { precision, provenance } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as Manifest;
  assert.equal(precision, 'int8');
  assert.match(provenance[0]!.what, /onnx\/encoder_model\.onnx$/);
});

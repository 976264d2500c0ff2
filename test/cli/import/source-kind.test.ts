import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sourceKind, theSource } from '../../../src/cli/import/source-kind.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { path, dispose } = temporaryDirectory();
const before_ = process.cwd();
before(() => {
  for (const file of [
    'owner/file',
    'owner/model.ckpt-3.index',
    'owner/export/config.json',
    'owner/export/onnx/encoder_model.onnx',
    'flat/decoder_model.onnx',
    'torch/config.json',
    'torch/model-00001-of-00002.safetensors',
    'weights/config.json',
    'weights/im2txt.pb',
  ]) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), '');
  }
  process.chdir(path);
});
after(() => {
  process.chdir(before_);
  dispose();
});

for (const [source, kind] of [
  ['https://a.example/x', 'address'],
  ['HTTP://a.example/x', 'address'],
  ['owner/name', 'hub'],
  ['Owner-1/na.me_2', 'hub'],
  ['owner/file', 'weights'],
  ['owner/model.ckpt-3', 'weights'],
  ['owner/export', 'export'],
  ['flat', 'export'],
  ['torch', 'export'],
  ['weights', 'weights'],
  ['name', 'weights'],
  ['./owner/name', 'weights'],
  ['/owner/name', 'weights'],
  ['owner/name/', 'weights'],
  ['owner/name/more', 'weights'],
  ['../name', 'weights'],
  ['owner/../name', 'weights'],
  ['owner/-name', 'weights'],
  ['owner/na me', 'weights'],
] as const) {
  test(`${source} is ${kind}`, async () => assert.equal(await sourceKind(source), kind));
}

test('a source is named once', () => {
  assert.equal(theSource('a', undefined), 'a');
  assert.equal(theSource(undefined, 'b'), 'b');
  for (const [positional, from] of [
    ['a', 'b'],
    [undefined, undefined],
  ]) {
    assert.throws(() => theSource(positional, from), { code: 'InvalidRequest' });
  }
});

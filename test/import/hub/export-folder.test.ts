import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { SourceError } from '../../../src/errors.ts';
import { holdsExport, requireGraphs } from '../../../src/import/hub/export-folder.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);
let folders = 0;

function folderOf(...files: string[]): string {
  const directory = make(`folder-${++folders}`);
  for (const file of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), '');
  }
  return directory;
}

test('a folder is an export by its graphs, or by weights beside a configuration', async () => {
  const exports = [
    ['encoder_model.onnx'],
    ['onnx/decoder_model_merged.onnx'],
    ['config.json', 'model.safetensors'],
    ['config.json', 'pytorch_model-00001-of-00002.bin'],
    ['config.json', 'flax_model.msgpack'],
  ];
  for (const files of exports) assert.equal(await holdsExport(folderOf(...files)), true, files.join(' '));
  const others = [
    [],
    ['config.json'],
    ['model.safetensors'],
    ['config.json', 'my-model.safetensors'],
    ['config.json', 'model.txt'],
    ['config.json', 'model.safetensors.index.json'],
    ['deeper/encoder_model.onnx'],
    ['model.ckpt.index', 'word_counts.txt'],
  ];
  for (const files of others) assert.equal(await holdsExport(folderOf(...files)), false, files.join(' '));
  assert.equal(await holdsExport(join(folderOf(), 'gone')), false);
});

test('weights that have to be exported yet are refused with how', async () => {
  await requireGraphs(folderOf('onnx/encoder_model.onnx'));
  const directory = folderOf('config.json', 'model.safetensors');
  await assert.rejects(requireGraphs(directory), (error: SourceError) => {
    const { file, expected, actual, remedy = '' } = error.problem;
    assert.deepEqual(
      [error.code, file, expected, actual],
      ['SourceUnsupported', directory, 'ONNX files, at the top or in onnx/', 'none'],
    );
    assert.ok(remedy.includes(`optimum-cli export onnx --model ${directory} `), remedy);
    return true;
  });
});

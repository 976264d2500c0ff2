/** The graphs of an export, and weights beside them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findExport, openGraph } from '../../../src/import/captioner/export-files.ts';
import { type ModelMessage, messages } from '../../../src/onnx/schema.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const { make, dispose } = temporaryDirectory();
after(dispose);

/** A graph with one weight of two numbers, which lies at byte 4 of a file. */
function graphWith(directory: string, location: string): string {
  const external_data = [
    { key: 'location', value: location },
    { key: 'offset', value: '4' },
    { key: 'length', value: '8' },
  ];
  const weight = { name: 'weight', dims: [2], data_type: 1, data_location: 1, external_data };
  const message = { graph: { initializer: [weight] }, opset_import: [{ version: 18 }] };
  const file = join(directory, 'graph.onnx');
  const model = messages.Model.fromObject(message) as unknown as ModelMessage;
  writeFileSync(file, messages.Model.encode(model).finish());
  return file;
}

test('of several precisions one is taken, the most exact where nobody says which', async () => {
  const found = async (name: string, files: string[], wanted?: 'fp32' | 'fp16' | 'int8') => {
    const directory = make(name);
    for (const file of files) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), '');
    }
    const { path } = await findExport(directory, wanted, 'encoder_model');
    return ['encoder_model', 'decoder_model', 'decoder_model_merged', 'other'].map(path);
  };
  const of = (suffix: string) => [`encoder_model${suffix}.onnx`, `decoder_model${suffix}.onnx`];
  const none = [null, null];
  const all = [...of('_int8'), ...of('_fp16'), ...of('')];
  assert.deepEqual(await found('all', all), [...of(''), ...none]);
  assert.deepEqual(await found('halves', all, 'fp16'), [...of('_fp16'), ...none]);
  assert.deepEqual(await found('int8', all, 'int8'), [...of('_int8'), ...none]);
  assert.deepEqual(await found('quantized', [...all, ...of('_quantized')], 'int8'), [
    ...of('_quantized'),
    ...none,
  ]);
  // Not of two precisions, whatever has more of it.
  const [encoder16, decoder16] = of('_fp16') as [string, string];
  for (const [i, file] of of('').entries()) {
    const mixed = await found(`mixed-${i}`, [file, encoder16, decoder16]);
    assert.deepEqual(mixed, [encoder16, decoder16, null, null]);
  }
  // In the folder before those at the top; with the merged decoder alone.
  const merged = ['onnx/encoder_model.onnx', 'encoder_model.onnx', 'onnx/decoder_model_merged.onnx'];
  assert.deepEqual(await found('merged', merged), [merged[0], null, merged[2], null]);

  await assert.rejects(found('no-encoder', ['decoder_model.onnx', 'encoder_model.txt']), {
    code: 'SourceUnsupported',
    message: /encoder_model_fp16\.onnx or .*at the top or in onnx\/, found decoder_model\.onnx\.$/,
  });
  await assert.rejects(found('no-graph', []), {
    code: 'SourceUnsupported',
    message: /found no ONNX files\.$/,
  });
  await assert.rejects(found('no-half', of(''), 'fp16'), {
    code: 'SourceUnsupported',
    message: /expected encoder_model_fp16\.onnx and .*found .*coder_model\.onnx\. Ask for/,
  });
  await assert.rejects(findExport(join(make('gone'), 'x'), undefined, 'encoder_model'), {
    code: 'SourceUnreadable',
  });
});

test('what is no graph is an error of its file', async () => {
  const file = join(make('no-graph-at-all'), 'graph.onnx');
  writeFileSync(file, 'no graph');
  await assert.rejects(openGraph(file), { code: 'SourceUnsupported', message: /graph\.onnx/ });
  await assert.rejects(openGraph(`${file}.gone`), { code: 'SourceUnreadable', message: /graph\.onnx\.gone/ });
});

test('weights are read by their place', async () => {
  const directory = make('beside');
  mkdirSync(join(directory, 'deeper'));
  for (const location of ['weights', 'deeper/weights']) {
    writeFileSync(join(directory, location), Float32Array.of(1, 2, 3));
    const { constants } = await openGraph(graphWith(directory, location));
    assert.deepEqual([...constants.get('weight')!.bytes()], [0, 0, 0, 64, 0, 0, 64, 64]);
  }
});

test('weights are read of no other folder', async () => {
  const directory = join(make('outside'), 'folder');
  mkdirSync(directory);
  writeFileSync(join(directory, '../weights'), Float32Array.of(1, 2, 3));
  for (const location of ['../weights', join(directory, '../weights'), '.', '', 'deeper/../../weights']) {
    await assert.rejects(openGraph(graphWith(directory, location)), { code: 'SourceUnsupported' }, location);
  }
});

test('weights that are not there, or end early, are an error of that file', async () => {
  const directory = make('missing');
  const { constants } = await openGraph(graphWith(directory, 'weights'));
  const read = () => constants.get('weight')!.bytes();
  assert.throws(read, { code: 'SourceUnreadable', message: /weights/ });
  writeFileSync(join(directory, 'weights'), Float32Array.of(1, 2));
  assert.throws(read, { code: 'SourceDamaged', message: /weights.*8 bytes from byte 4, found 4/ });
});

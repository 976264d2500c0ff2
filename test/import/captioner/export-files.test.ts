/** Weights beside a graph. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openGraph } from '../../../src/import/captioner/export-files.ts';
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

test('are read by their place', async () => {
  const directory = make('beside');
  mkdirSync(join(directory, 'deeper'));
  for (const location of ['weights', 'deeper/weights']) {
    writeFileSync(join(directory, location), Float32Array.of(1, 2, 3));
    const { constants } = await openGraph(graphWith(directory, location));
    assert.deepEqual([...constants.get('weight')!.bytes()], [0, 0, 0, 64, 0, 0, 64, 64]);
  }
});

test('are read of no other folder', async () => {
  const directory = join(make('outside'), 'folder');
  mkdirSync(directory);
  writeFileSync(join(directory, '../weights'), Float32Array.of(1, 2, 3));
  for (const location of ['../weights', join(directory, '../weights'), '.', '', 'deeper/../../weights']) {
    await assert.rejects(openGraph(graphWith(directory, location)), { code: 'SourceUnsupported' }, location);
  }
});

test('that are not there, or end early, are an error of that file', async () => {
  const directory = make('missing');
  const { constants } = await openGraph(graphWith(directory, 'weights'));
  const read = () => constants.get('weight')!.bytes();
  assert.throws(read, { code: 'SourceUnreadable', message: /weights/ });
  writeFileSync(join(directory, 'weights'), Float32Array.of(1, 2));
  assert.throws(read, { code: 'SourceDamaged', message: /weights.*8 bytes from byte 4/ });
});

import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fitToModel } from '../../infra/model-size.ts';
import { readSettings } from '../../infra/read-settings.ts';
import { ENVIRONMENTS, settingsOf } from '../../infra/settings.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const place = temporaryDirectory();
after(() => place.dispose());

/** Settings for a model of so many megabytes that nobody gave other numbers for. */
function readFor(megabytes: number, others: object = {}) {
  const modelDirectory = place.make(`model-${megabytes}-${Object.keys(others).join()}`);
  writeFileSync(join(modelDirectory, 'decoder.onnx'), '');
  // Has a size and takes no room.
  truncateSync(join(modelDirectory, 'decoder.onnx'), megabytes * 1e6);
  const overrides = join(modelDirectory, 'settings.json');
  writeFileSync(overrides, JSON.stringify({ modelDirectory, ...others }));
  return readSettings('prod', overrides);
}

describe('the size of a model', () => {
  it('changes nothing for the default one, and for one of im2txt', () => {
    for (const environment of ENVIRONMENTS) {
      assert.deepEqual(settingsOf(environment, {}, 150e6), settingsOf(environment));
    }
    assert.deepEqual(readSettings('prod', undefined), settingsOf('prod'));
  });

  it('sets memory, time-outs and batches of the functions that load it', () => {
    const { functions, queue, workflow, packaging } = readFor(980);
    const { memory } = functions.http;
    assert.ok(memory > 980 * 2 && memory < 4096, `${memory} MB`);
    assert.deepEqual([functions.queue.memory, functions.workflow.memory], [memory, memory]);
    assert.deepEqual(functions.summary, settingsOf('prod').functions.summary);
    assert.deepEqual(
      [functions.http.timeout, functions.queue.timeout, functions.workflow.timeout],
      [29, 240, 240],
    );
    assert.equal(functions.http.reservedConcurrency, settingsOf('prod').functions.http.reservedConcurrency);
    assert.ok(workflow.batchSize < 100 && workflow.batchSize >= queue.batchSize, `${workflow.batchSize}`);
    assert.equal(packaging, 'container');
  });

  it('asks for a container only where a zip would not hold it', () => {
    assert.equal(readFor(170).packaging, 'zip');
    assert.equal(readFor(200).packaging, 'container');
    // Whoever says zip is told when it is packed that it does not fit.
    assert.equal(readFor(200, { packaging: 'zip' }).packaging, 'zip');
  });

  it('asks for no more memory than there is, and gives way to what is set', () => {
    assert.equal(readFor(9_000).functions.queue.memory, 10_240);
    const { functions } = settingsOf('dev');
    assert.deepEqual(readFor(980, { functions }).functions, functions);
  });

  it('grows memory with it, never below what a small one has', () => {
    const environment = settingsOf('dev');
    const memories = [200, 400, 800, 1600].map(
      (mb) => fitToModel(environment, mb * 1e6).functions.http.memory,
    );
    assert.deepEqual(
      memories,
      memories.toSorted((a, b) => a - b),
    );
    assert.ok(memories[0]! >= environment.functions.http.memory);
  });
});

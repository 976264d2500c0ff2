import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { sharp } from '../../../src/model/native/native-parts.ts';

/** libvips has one cache for all threads, and sharp turns it on wherever it is loaded. */
it('keeps no operations, in whatever thread sharp is loaded', async () => {
  const off = { memory: 0, files: 0, items: 0 };
  const limits = () => {
    const { memory, files, items } = sharp().cache();
    return { memory: memory.max, files: files.max, items: items.max };
  };
  assert.deepEqual(limits(), off);
  const url = new URL('../../../src/model/native/native-parts.ts', import.meta.url);
  const worker = new Worker(`import(${JSON.stringify(url)}).then(({ sharp }) => sharp());`, { eval: true });
  await once(worker, 'exit');
  assert.deepEqual(limits(), off);
});

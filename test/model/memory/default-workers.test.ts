/** How many threads there are where nobody says so. */
import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { defaultWorkers } from '../../../src/model/execution-provider.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { temporaryDirectory } from '../../support/bundles.ts';

const MEBIBYTE = 2 ** 20;
const place = temporaryDirectory();
after(place.dispose);

/** A bundle of so many bytes, none of them on the disk. */
function bundleOf(bytes: number): string {
  const directory = place.make(`bundle-${bytes}`);
  const file = join(directory, 'encoder.onnx');
  writeFileSync(file, '');
  truncateSync(file, bytes);
  return directory;
}

describe('workers of a server', () => {
  const large = bundleOf(1000 * MEBIBYTE);
  /** Twice its files, a thread, and three images more in a batch. */
  const WORKER = (2 * 1000 + 40 + 3 * 16) * MEBIBYTE;
  /** Of which three quarters hold so many workers beside the program. */
  const memoryFor = (workers: number) => 160 * MEBIBYTE + (workers * WORKER) / 0.75;
  const most = Math.min(8, availableParallelism());

  it('are as many as the processors where memory is no matter', () => {
    assert.equal(defaultWorkers(large, 'cpu', memoryFor(8)), most);
    assert.equal(defaultWorkers(DEFAULT_BUNDLE), most);
    assert.equal(defaultWorkers('/nowhere', 'cpu', memoryFor(8)), most);
  });

  it('are as many as there is memory for, and one at least', () => {
    for (const workers of [1, 2, 3]) {
      assert.equal(defaultWorkers(large, 'cpu', memoryFor(workers)), Math.min(most, workers));
      assert.equal(
        defaultWorkers(large, 'cpu', memoryFor(workers) - MEBIBYTE),
        Math.min(most, Math.max(1, workers - 1)),
      );
    }
    assert.equal(defaultWorkers(large, 'cpu', 100 * MEBIBYTE), 1);
  });

  it('are two on a graphics processor', () => {
    const batched = (2 * 1000 + 40 + 31 * 16) * MEBIBYTE;
    assert.equal(defaultWorkers(large, 'cuda', 64 * 1024 * MEBIBYTE), 2);
    assert.equal(defaultWorkers(large, 'cuda', 160 * MEBIBYTE + (2 * batched) / 0.75 - MEBIBYTE), 1);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { warmUp } from '../../src/model/warm-up.ts';

test('every size of batch that a worker may get was run before', async () => {
  for (const [batch, expected] of [
    [1, [1]],
    [4, [1, 2, 4]],
    [7, [1, 2, 4]],
  ] as const) {
    const sizes: number[] = [];
    const loaded = await loadCaptioner(DEFAULT_BUNDLE, {
      threads: 1,
      observe: (parts) => ({
        ...parts,
        encode: (images) => {
          sizes.push(images.length);
          return parts.encode(images);
        },
      }),
    });
    await warmUp(loaded, batch);
    assert.deepEqual(sizes, expected);
    await loaded.close();
  }
});

test('a network that fails is no ready one', async () => {
  const loaded = await loadCaptioner(DEFAULT_BUNDLE, {
    threads: 1,
    observe: (parts) => ({ ...parts, step: () => Promise.reject(new Error('no device')) }),
  });
  await assert.rejects(warmUp(loaded, 2), { message: 'no device' });
  await loaded.close();
});

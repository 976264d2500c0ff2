import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { it } from 'node:test';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { createDecodeMemory, defaultDecodeMemory } from '../../../src/model/memory/decode-memory.ts';

const MEBIBYTE = 2 ** 20;
const memoryOf = (limit: number, workers: number) =>
  defaultDecodeMemory({ directory: DEFAULT_BUNDLE, workers, limit: limit * MEBIBYTE }) / MEBIBYTE;

it('leaves to decoding most of what a process may have, less what its models take', () => {
  assert.ok(memoryOf(1769, 1) > 1300 && memoryOf(1769, 1) < 1500);
  assert.ok(memoryOf(512, 1) > 200 && memoryOf(512, 1) < 300);
  const worker = memoryOf(4096, 1) - memoryOf(4096, 2);
  assert.ok(worker > 40 && worker < 70, 'a worker takes its model and its thread');
});

it('leaves enough for an ordinary photograph however little there is', () => {
  assert.equal(memoryOf(128, 8), 64);
});

it('is something where nobody says a limit, and where there is no bundle', () => {
  assert.ok(defaultDecodeMemory({ directory: DEFAULT_BUNDLE }) >= 64 * MEBIBYTE);
  // Nine tenths of what the program and one worker leave, to the byte.
  assert.equal(
    defaultDecodeMemory({ directory: '/nowhere', limit: 1024 * MEBIBYTE }),
    Math.floor(741.6 * MEBIBYTE),
  );
  // Three images more in the batches of two workers.
  assert.equal(
    defaultDecodeMemory({ directory: '/nowhere', workers: 2, batch: 4, limit: 1024 * MEBIBYTE }),
    Math.floor(0.9 * (1024 - 160 - 2 * (40 + 3 * 16)) * MEBIBYTE),
  );
});

it('goes by the limit of the control group, and by half of the machine where that has none', (t) => {
  const memory = () => defaultDecodeMemory({ directory: '/nowhere' });
  const limit = t.mock.method(process, 'constrainedMemory', () => 1024 * MEBIBYTE);
  assert.equal(memory(), defaultDecodeMemory({ directory: '/nowhere', limit: 1024 * MEBIBYTE }));
  // What systems say that have no limit: nothing, or more than there is.
  for (const none of [0, totalmem(), 2 ** 64]) {
    limit.mock.mockImplementation(() => none);
    assert.equal(memory(), defaultDecodeMemory({ directory: '/nowhere', limit: totalmem() / 2 }), `${none}`);
  }
});

it('is what somebody says, where somebody does', async () => {
  const take = createDecodeMemory({ directory: DEFAULT_BUNDLE, decodeMemory: 1000 });
  (await take(1000))();
  await assert.rejects(take(1001), { code: 'ImageTooLarge' });
  const byDefault = defaultDecodeMemory({ directory: DEFAULT_BUNDLE, workers: 2 });
  const takeDefault = createDecodeMemory({ directory: DEFAULT_BUNDLE, workers: 2 });
  (await takeDefault(byDefault))();
  await assert.rejects(takeDefault(byDefault + 1), { code: 'ImageTooLarge' });
});

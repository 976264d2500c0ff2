import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineExceeded, ImageTooLarge, reportOf } from '../../../src/errors.ts';
import { createBudget } from '../../../src/model/memory/budget.ts';
import { createSharesOfPool, createThreadShares } from '../../../src/model/memory/shares.ts';

const settled = () => new Promise(setImmediate);

/** Both sides of one thread, its messages as they would cross: cloned, and later. */
function threadOf(take: ReturnType<typeof createBudget>) {
  const waits: boolean[] = [];
  const crossed = <M>(deliver: (message: M) => void) => {
    return (message: M) => {
      const copy = structuredClone(message);
      queueMicrotask(() => deliver(copy));
    };
  };
  const pool = createThreadShares(
    take,
    crossed((answer) => thread.onAnswer(answer)),
    (waiting) => waits.push(waiting),
  );
  const thread = createSharesOfPool(crossed((request) => pool.onRequest(request)));
  return { pool, thread, waits };
}

describe('memory of a thread', () => {
  it('is the pool’s: it waits for what other threads have, and says while it does', async () => {
    const take = createBudget(100);
    const one = threadOf(take);
    const other = threadOf(take);
    const release = await one.thread.take(80);
    const second = other.thread.take(40);
    await settled();
    assert.deepEqual(other.waits, [true]);
    release();
    await second;
    assert.deepEqual(other.waits, [true, false]);
  });

  it('is free again when the thread has ended, held or waited for', async () => {
    const take = createBudget(100);
    const lost = threadOf(take);
    await lost.thread.take(70);
    void lost.thread.take(70);
    const next = take(100);
    await settled();
    lost.pool.end();
    (await next)();
    (await take(100))();
  });

  it('is not waited for any more when the image is not wanted', async () => {
    const take = createBudget(100);
    const release = await take(100);
    const { pool, thread } = threadOf(take);
    const waiting = assert.rejects(thread.take(10), /not wanted/);
    await settled();
    pool.withdraw(new Error('not wanted'));
    await waiting;
    release();
    await (await thread.take(100))();
  });

  it('is refused with the class and text that this thread would see', async () => {
    const take = createBudget(100);
    const { thread } = threadOf(take);
    const crossed = await thread.take(200).catch((error: unknown) => error);
    assert.ok(crossed instanceof ImageTooLarge);
    assert.deepEqual(reportOf(crossed), reportOf(await take(200).catch((error: unknown) => error)));
    await take(100);
    await assert.rejects(thread.take(1, { deadline: Date.now() + 5 }), DeadlineExceeded);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineExceeded, ImageTooLarge } from '../../../src/errors.ts';
import { createBudget } from '../../../src/model/memory/budget.ts';

/** Who got a share, in the order of getting it. */
function record() {
  const served: string[] = [];
  const releases = new Map<string, () => void>();
  const as = (name: string, share: Promise<() => void>) =>
    share.then((release) => {
      served.push(name);
      releases.set(name, release);
    });
  return { served, as, release: (name: string) => releases.get(name)!() };
}

/** All that can happen without a timer has happened. */
const settled = () => new Promise(setImmediate);

describe('a budget of memory', () => {
  it('serves in the order of asking: what is small does not pass what is large', async () => {
    const take = createBudget(100);
    const { served, as, release } = record();
    void as('first', take(60));
    void as('large', take(80));
    void as('small', take(10));
    await settled();
    assert.deepEqual(served, ['first']);
    release('first');
    await settled();
    assert.deepEqual(served, ['first', 'large', 'small']);
  });

  it('never has more taken than there is', async () => {
    const take = createBudget(100);
    let held = 0;
    let most = 0;
    const needs = Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 100));
    await Promise.all(
      needs.map(async (need) => {
        const release = await take(need);
        held += need;
        most = Math.max(most, held);
        await settled();
        held -= need;
        release();
      }),
    );
    assert.ok(most <= 100 && most > 50, String(most));
  });

  it('takes a share back once, however often it is given', async () => {
    const take = createBudget(100);
    const release = await take(100);
    release();
    release();
    const { served, as } = record();
    void as('one', take(100));
    void as('two', take(1));
    await settled();
    assert.deepEqual(served, ['one']);
  });

  it('refuses at once what it could never have, and says what to do', async () => {
    const take = createBudget(64 << 20);
    await take(64 << 20);
    const error = await take((64 << 20) + 1).catch((e: unknown) => e);
    assert.ok(error instanceof ImageTooLarge);
    assert.match(error.message, /about 65 MiB.* 64 MiB .*--decode-memory/);
  });

  it('lets a deadline and a signal end the wait, and the next one go on', async () => {
    const take = createBudget(100);
    const release = await take(50);
    const gone = new AbortController();
    const late = assert.rejects(take(100, { deadline: Date.now() + 30 }), DeadlineExceeded);
    const reason = new Error('gone');
    const aborted = assert.rejects(take(90, { signal: gone.signal }), reason);
    const { served, as } = record();
    void as('small', take(50));
    await settled();
    assert.deepEqual(served, []);
    await late;
    gone.abort(reason);
    await aborted;
    await settled();
    assert.deepEqual(served, ['small']);
    release();
    await assert.rejects(take(1, { deadline: Date.now() - 1 }), DeadlineExceeded);
    await assert.rejects(take(1, { signal: gone.signal }), reason);
  });

  it('keeps a share that was granted when the signal comes after it', async () => {
    const take = createBudget(100);
    const gone = new AbortController();
    const release = await take(100, { signal: gone.signal, deadline: Date.now() + 5 });
    gone.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { served, as } = record();
    void as('next', take(100));
    await settled();
    assert.deepEqual(served, []);
    release();
    await settled();
    assert.deepEqual(served, ['next']);
  });
});

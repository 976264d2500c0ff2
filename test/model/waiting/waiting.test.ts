import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { untilAborted } from '../../../src/model/waiting/abort.ts';
import { atDeadline, MAX_TIMER_MS } from '../../../src/model/waiting/timer.ts';

const REASON = new Error('not wanted');

describe('work that a signal can end', () => {
  it('is not begun for a signal that was aborted before', async () => {
    const begun = untilAborted(AbortSignal.abort(REASON), () => assert.fail('begun'));
    await assert.rejects(begun, REASON);
  });

  it('ends with the signal’s reason, and is told so once', async () => {
    const controller = new AbortController();
    const told: string[] = [];
    const work = untilAborted(controller.signal, () => () => told.push('given up'));
    controller.abort(REASON);
    await assert.rejects(work, REASON);
    assert.deepEqual(told, ['given up']);
  });

  for (const [how, end] of [
    ['has a result', (resolve: (value: string) => void) => resolve('done')],
    ['fails', (_: unknown, reject: (reason: Error) => void) => reject(new Error('failed'))],
  ] as const) {
    it(`lets go of the signal when it ${how}, and is not told of what comes later`, async () => {
      for (const signal of [new AbortController().signal, undefined]) {
        const work = untilAborted<string>(signal, (resolve, reject) => {
          end(resolve, reject);
          return () => assert.fail('given up');
        });
        const listening = () => (signal === undefined ? 0 : getEventListeners(signal, 'abort').length);
        assert.equal(listening(), signal === undefined ? 0 : 1);
        const outcome = await work.catch((error: Error) => error.message);
        assert.equal(outcome, how === 'fails' ? 'failed' : 'done');
        assert.equal(listening(), 0);
      }
    });
  }
});

describe('a deadline', () => {
  it('is told when it passes, not before, at once where it has', (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000_000 });
    const passed: string[] = [];
    atDeadline(1_000_050, () => passed.push('later'));
    atDeadline(999_000, () => passed.push('before'));
    t.mock.timers.tick(0);
    assert.deepEqual(passed, ['before']);
    t.mock.timers.tick(49);
    assert.deepEqual(passed, ['before']);
    t.mock.timers.tick(1);
    assert.deepEqual(passed, ['before', 'later']);
  });

  it('that no timer can wait for takes none', (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000_000 });
    assert.equal(MAX_TIMER_MS, 2_147_483_647);
    assert.equal(atDeadline(undefined, assert.fail), undefined);
    assert.equal(atDeadline(1_000_001 + MAX_TIMER_MS, assert.fail), undefined);
    assert.notEqual(
      atDeadline(1_000_000 + MAX_TIMER_MS, () => undefined),
      undefined,
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDeadline } from '../../src/caption/deadline.ts';

test('a call without limits goes on, and so does one whose deadline is yet to come', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  checkDeadline({});
  checkDeadline({ deadline: undefined, signal: new AbortController().signal });
  checkDeadline({ deadline: 1001 });
});

test('from its deadline on a call ends', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  for (const deadline of [1000, 999, 0]) {
    assert.throws(() => checkDeadline({ deadline }), {
      code: 'DeadlineExceeded',
      message: /no time is left/,
    });
  }
});

test('a call that was given up ends for the reason that was given, late or not', () => {
  const reason = new Error('the client left');
  const signal = AbortSignal.abort(reason);
  for (const deadline of [undefined, 0]) assert.throws(() => checkDeadline({ deadline, signal }), reason);
});

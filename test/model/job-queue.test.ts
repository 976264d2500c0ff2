import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadlineExceeded } from '../../src/errors.ts';
import { createJobQueue, type Job } from '../../src/model/job-queue.ts';

/** A job, and what became of it. */
function jobOf(name: string, ended: string[], deadline?: number): Job {
  return {
    bytes: new Uint8Array(),
    plan: undefined,
    call: deadline === undefined ? undefined : { deadline },
    resolve: () => assert.fail('nobody captions it here'),
    reject: (error) => {
      ended.push(`${name}: ${error instanceof DeadlineExceeded ? 'late' : error.message}`);
    },
  };
}

describe('jobs that wait', () => {
  it('come out in the order in which they came, and then there is none', () => {
    const queue = createJobQueue();
    const jobs = ['a', 'b', 'c'].map((name) => jobOf(name, []));
    jobs.forEach(queue.push);
    assert.equal(queue.length, 3);
    assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [...jobs, undefined]);
    assert.equal(queue.length, 0);
  });

  it('leave it when they are not wanted any more; others stay', () => {
    const queue = createJobQueue();
    const ended: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => jobOf(name, ended)) as [Job, Job, Job];
    queue.push(a);
    queue.push(b);
    queue.remove(a);
    queue.remove(c);
    assert.equal(queue.length, 1);
    assert.equal(queue.shift(), b);
    assert.deepEqual(ended, []);
  });

  it('are late at their deadline, and only while they wait', (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000 });
    const queue = createJobQueue();
    const ended: string[] = [];
    const jobs = [1_100, 1_200, 1_300, undefined].map((deadline) =>
      jobOf(String(deadline), ended, deadline),
    ) as [Job, Job, Job, Job];
    jobs.forEach(queue.push);
    assert.equal(queue.shift(), jobs[0]);
    queue.remove(jobs[1]);
    t.mock.timers.tick(299);
    assert.deepEqual(ended, []);
    t.mock.timers.tick(1);
    assert.deepEqual(ended, ['1300: late']);
    assert.equal(queue.length, 1);
    assert.equal(queue.shift(), jobs[3]);
  });

  it('are all rejected with what nobody can help, once', (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000 });
    const queue = createJobQueue();
    const ended: string[] = [];
    for (const name of ['a', 'b']) queue.push(jobOf(name, ended, 1_500));
    queue.rejectAll(new Error('closed'));
    t.mock.timers.tick(1_000);
    queue.rejectAll(new Error('closed again'));
    assert.deepEqual(ended, ['a: closed', 'b: closed']);
    assert.equal(queue.length, 0);
  });
});

/** Jobs that wait for a thread: first come, first served. */
import type { CaptionResult } from '../caption/result.ts';
import { DeadlineExceeded } from '../errors.ts';
import { atDeadline } from './waiting/timer.ts';
import type { WorkerJob } from './worker-messages.ts';

export interface Job extends WorkerJob {
  resolve(result: CaptionResult): void;
  reject(error: Error): void;
}

export interface JobQueue {
  readonly length: number;
  /** A job whose deadline passes while it waits is rejected then, `DeadlineExceeded`. */
  push(job: Job): void;
  shift(): Job | undefined;
  /** Takes a job out that is not wanted any more; one that does not wait stays where it is. */
  remove(job: Job): void;
  /** Rejects and removes all. */
  rejectAll(cause: Error): void;
}

export function createJobQueue(): JobQueue {
  /** In the order they came; the timer is that of the deadline. */
  const waiting = new Map<Job, ReturnType<typeof atDeadline>>();
  const remove = (job: Job): void => {
    clearTimeout(waiting.get(job));
    waiting.delete(job);
  };
  const expire = (job: Job): void => {
    remove(job);
    job.reject(new DeadlineExceeded('the deadline passed while the image waited for a free captioner'));
  };
  return {
    get length() {
      return waiting.size;
    },
    push: (job) => {
      waiting.set(
        job,
        atDeadline(job.call?.deadline, () => expire(job)),
      );
    },
    shift: () => {
      const [first] = waiting.keys();
      if (first !== undefined) remove(first);
      return first;
    },
    remove,
    rejectAll: (cause) => {
      for (const job of [...waiting.keys()]) {
        remove(job);
        job.reject(cause);
      }
    },
  };
}

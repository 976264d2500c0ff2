/** Several captioners in worker threads: `session.run` blocks its thread, so only threads caption at the same time. */
import type { Captioner } from '../caption/captioner.ts';
import { CaptionerHung, errorOf, ModelUnusable, Overloaded } from '../errors.ts';
import { type CaptionerThread, lossOf, startThread } from './captioner-thread.ts';
import { createJobQueue, type Job } from './job-queue.ts';
import type { TakeMemory } from './memory/budget.ts';
import { createDecodeMemory } from './memory/decode-memory.ts';
import { untilAborted } from './waiting/abort.ts';
import type { WorkerMessage, WorkerSettings } from './worker-messages.ts';

/**
 * A job that takes longer hangs. The slowest ones take 2 s for 60 words from an Inception v3, and up to 20 s to decode the
 * image; the rest is for machines with far more threads than processors.
 */
const HANG_MS = 60_000;
/** Threads in a row that end before they have loaded: what keeps them from starting will not go away. */
const MAX_FAILED_STARTS = 3;
/** Before a thread is started again after a failed start, times the failures so far: memory may be free by then. */
const RESTART_DELAY_MS = 500;

/** Beside this file: TypeScript in the sources, JavaScript in the published package. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export interface PoolOptions {
  /** Jobs that may wait for a thread; one more is rejected, `Overloaded`. @default no limit */
  queueLength?: number | undefined;
  /** Milliseconds after which a job is given up, `CaptionerHung`, and its thread replaced. @default 60,000 */
  hangMs?: number;
  /** Called once when no thread is left and none will be started. @default nothing */
  onLost?: (cause: Error) => void;
  /** Where the images of all threads have their memory from. @default a budget of their own: see `memory/decode-memory.ts` */
  takeMemory?: TakeMemory;
  /** What runs in each thread. @default worker.ts beside this file, or what it was built to */
  module?: URL;
}

/** What a pool has to do, and to do it with. */
export interface PoolLoad {
  /** Images that wait for a thread. */
  waiting: number;
  /** Threads that have an image. */
  busy: number;
  /** Threads that have loaded their model. */
  alive: number;
}

export interface CaptionerPool {
  /**
   * @throws Overloaded when the queue is full or memory runs out; DeadlineExceeded also while waiting; CaptionerHung also
   * when its thread ended amid the image; the reason of `signal` at once when that is aborted
   */
  caption: Captioner['caption'];
  /** Settles when every thread has loaded its model, or one never will. */
  ready: Promise<void>;
  /** True while another caption would be rejected for want of a place in the queue. */
  readonly full: boolean;
  readonly load: PoolLoad;
  /** Ends the threads as soon as each has finished what it is at; all jobs without an answer are rejected. */
  close(): Promise<void>;
}

interface Member {
  thread: CaptionerThread;
  loaded: boolean;
  job: Job | null;
  hang: NodeJS.Timeout | undefined;
}

/**
 * Starts `workers` threads, each with its own copy of the model in memory. A thread that crashes or hangs is replaced.
 */
export function createPool(
  workers: number,
  settings: WorkerSettings,
  options: PoolOptions = {},
): CaptionerPool {
  const { queueLength = Number.POSITIVE_INFINITY, hangMs = HANG_MS } = options;
  const module = options.module ?? WORKER;
  const takeMemory = options.takeMemory ?? createDecodeMemory({ directory: settings.directory, workers });
  const queue = createJobQueue();
  const members = new Set<Member>();
  const idle: Member[] = [];
  const ready = Promise.withResolvers<void>();
  // Without a handler a rejection nobody awaits would end the process; every caption rejects with the same error.
  ready.promise.catch(() => undefined);
  let loaded = 0;
  /** Threads that hang and have not ended yet. */
  let abandoned = 0;
  let failedStarts = 0;
  /** Threads that run, start, or are to be started. */
  let hoped = workers;
  let end: Error | null = null;

  const dispatch = (): void => {
    while (idle.length > 0) {
      const job = queue.shift();
      if (job === undefined) return;
      const member = idle.pop()!;
      member.job = job;
      watch(member);
      member.thread.run(job);
    }
  };

  const watch = (member: Member): void => {
    member.hang = setTimeout(onHang, hangMs, member);
  };

  const start = (): void => {
    if (end !== null) return;
    const member: Member = {
      thread: startThread(
        { settings, takeMemory, module },
        {
          onMessage: (message) => onMessage(member, message),
          onWaiting: (waiting) => {
            clearTimeout(member.hang);
            if (!waiting && member.job !== null) watch(member);
          },
          onExit: (cause) => onEnd(member, cause),
        },
      ),
      loaded: false,
      job: null,
      hang: undefined,
    };
    members.add(member);
  };

  const onMessage = (member: Member, message: WorkerMessage): void => {
    if ('unusable' in message) {
      onEnd(member, errorOf(message.unusable));
      return;
    }
    if ('ready' in message) {
      member.loaded = true;
      failedStarts = 0;
      if (++loaded === workers) ready.resolve();
    } else if ('result' in message) settle(member)?.resolve(message.result);
    else settle(member)?.reject(errorOf(message.error));
    if (!members.has(member)) return;
    idle.push(member);
    dispatch();
  };

  /** Its job, which it has no more. */
  const settle = (member: Member): Job | null => {
    const { job } = member;
    clearTimeout(member.hang);
    member.job = null;
    return job;
  };

  const remove = (member: Member, cause: Error): boolean => {
    settle(member)?.reject(cause);
    if (idle.includes(member)) idle.splice(idle.indexOf(member), 1);
    return members.delete(member);
  };

  const onHang = (member: Member): void => {
    const gone = member.thread.abandon();
    remove(member, new CaptionerHung(`the image took longer than ${hangMs / 1000} s and was given up`));
    abandoned++;
    void gone.then(() => {
      abandoned--;
    });
    // At most as many hung threads as working ones run at the same time, since each keeps its memory and a processor.
    if (abandoned <= workers) start();
    else void gone.then(start);
  };

  const onEnd = (member: Member, cause: Error): void => {
    if (!remove(member, end ?? lossOf(cause)) || end !== null) return;
    if (member.loaded) start();
    else if (cause instanceof ModelUnusable || ++failedStarts >= MAX_FAILED_STARTS) giveUp(cause);
    else setTimeout(start, RESTART_DELAY_MS * failedStarts);
  };

  const giveUp = (cause: Error): void => {
    ready.reject(cause);
    if (--hoped > 0) return;
    end = cause;
    queue.rejectAll(cause);
    options.onLost?.(cause);
  };

  for (let i = 0; i < workers; i++) start();

  const isFull = () => idle.length === 0 && queue.length >= queueLength;

  return {
    ready: ready.promise,
    get full() {
      return isFull();
    },
    get load() {
      const all = [...members];
      return {
        waiting: queue.length,
        busy: all.filter(({ job }) => job !== null).length,
        alive: all.filter((member) => member.loaded).length,
      };
    },
    caption: (bytes, plan, { signal, ...call } = {}) =>
      untilAborted(signal, (resolve, reject) => {
        const job: Job = { bytes, plan, call, resolve, reject };
        if (end !== null) reject(end);
        else if (isFull()) {
          reject(new Overloaded(`${queue.length} images wait for a free captioner already`));
        } else {
          queue.push(job);
          dispatch();
        }
        // A thread that decodes it already finishes it: that takes no longer than starting another thread.
        return () => {
          queue.remove(job);
          for (const member of members) if (member.job === job) member.thread.withdraw();
        };
      }),
    close: async () => {
      end ??= new Error('the captioner pool is closed');
      queue.rejectAll(end);
      await Promise.all([...members].map(({ thread }) => thread.stop()));
    },
  };
}

/** The life of one worker thread, seen from the pool. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { type CaptionError, CaptionerHung } from '../errors.ts';
import { limitLoaders } from './image.ts';
import type { TakeMemory } from './memory/budget.ts';
import { isOutOfMemory, outOfMemory } from './memory/out-of-memory.ts';
import { createThreadShares } from './memory/shares.ts';
import { onnxruntime } from './native/native-parts.ts';
import { condemn, createGate } from './native-gate.ts';
import {
  type PoolMessage,
  STOP,
  type ThreadMessage,
  type WorkerData,
  type WorkerJob,
  type WorkerMessage,
  type WorkerSettings,
} from './worker-messages.ts';

/** How often an abandoned thread is looked at: soon enough to give its memory back, rarely enough to cost nothing. */
const ABANDONED_CHECK_MS = 100;

export interface ThreadEvents {
  onMessage(message: WorkerMessage): void;
  /** `true` when its image begins to wait for memory, which is no hanging; `false` when it goes on. */
  onWaiting(waiting: boolean): void;
  /** Once, last of all. */
  onExit(cause: Error): void;
}

export interface CaptionerThread {
  /** The caller's bytes stay as they are. */
  run(job: WorkerJob): void;
  /** Nobody wants its image any more: if that waits for memory it does not begin. */
  withdraw(): void;
  /**
   * Asks it to end when it has finished what it is at; settles when it has. Not `terminate`: a thread that is ended
   * amid a network run makes onnxruntime abort the whole process.
   */
  stop(): Promise<void>;
  /**
   * For a thread that hangs: ends it as soon as it is out of native code; settles then. It no longer keeps the process
   * alive.
   */
  abandon(): Promise<void>;
}

/** What an image failed for whose thread ended. */
export function lossOf(cause: Error): CaptionError {
  if (isOutOfMemory(cause)) return outOfMemory(cause);
  return new CaptionerHung('the captioner ended amid the image, and was replaced', { cause });
}

/** What a thread is started with. */
export interface ThreadParts {
  settings: WorkerSettings;
  /** For decoding; what a thread holds when it ends is given back. */
  takeMemory: TakeMemory;
  /** What runs in the thread: `worker.ts` */
  module: URL;
}

/** @throws ModelUnusable where a native part is missing */
export function startThread(
  { settings, takeMemory, module }: ThreadParts,
  events: ThreadEvents,
): CaptionerThread {
  limitLoaders();
  // Held here, it is not unloaded with the last thread that uses it; what is wrong with it is said before any starts.
  onnxruntime();
  const gate = createGate();
  const worker = new Worker(module, {
    workerData: { ...settings, gate } satisfies WorkerData,
    // A copied environment would not reach onnxruntime: see `refuseTelemetry`.
    env: SHARE_ENV,
  });
  const post = (message: PoolMessage, transfer: ArrayBuffer[] = []) => worker.postMessage(message, transfer);
  const shares = createThreadShares(takeMemory, post, events.onWaiting);
  let cause: Error | null = null;
  worker.on('message', (message: ThreadMessage) => {
    if ('take' in message || 'free' in message) shares.onRequest(message);
    else events.onMessage(message);
  });
  worker.on('error', (error: Error) => {
    cause = error;
  });
  worker.once('exit', (code) => {
    shares.end();
    events.onExit(cause ?? new Error(`a captioner thread ended with code ${code}`));
  });
  return {
    run({ bytes, plan, call }) {
      // Exactly these bytes, moved: a view would be cloned twice, and with all of the buffer that it looks into.
      const copy = new Uint8Array(bytes);
      post({ bytes: copy, plan, call }, [copy.buffer]);
    },
    withdraw: () => shares.withdraw(new Error('the image is not wanted any more')),
    stop: () =>
      new Promise((resolve) => {
        worker.once('exit', () => resolve());
        post(STOP);
      }),
    abandon: () =>
      new Promise((resolve) => {
        worker.unref();
        const check = setInterval(() => {
          if (condemn(gate)) void worker.terminate();
        }, ABANDONED_CHECK_MS).unref();
        worker.once('exit', () => {
          clearInterval(check);
          resolve();
        });
      }),
  };
}

/** The life of one worker thread, seen from its crew. */
import { isMarkedAsUntransferable, SHARE_ENV, Worker } from 'node:worker_threads';
import { type CaptionError, CaptionerHung } from '../errors.ts';
import { limitLoaders } from './image.ts';
import { isOutOfMemory, outOfMemory } from './memory/out-of-memory.ts';
import { onnxruntime } from './native/native-parts.ts';
import { condemn, createGate } from './native-gate.ts';
import {
  type CrewMessage,
  STOP,
  type WorkerData,
  type WorkerJob,
  type WorkerMessage,
  type WorkerSettings,
} from './worker-messages.ts';

/** How often an abandoned thread is looked at: soon enough to give its memory back, rarely enough to cost nothing. */
const ABANDONED_CHECK_MS = 100;

export interface ThreadEvents {
  onMessage(message: WorkerMessage): void;
  /** Once, last of all. */
  onExit(cause: Error): void;
}

export interface CaptionerThread {
  /** Pixels are moved to it, where they can be. */
  run(batch: readonly WorkerJob[]): void;
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
  /** Images of the largest batch. */
  batch: number;
  /** What runs in the thread: `worker.ts` */
  module: URL;
}

/** What sharp made cannot be moved, and is copied; it is small, or copied already. */
function movable({ buffer }: Uint8Array | Float32Array): ArrayBuffer[] {
  return isMarkedAsUntransferable(buffer) ? [] : [buffer as ArrayBuffer];
}

/** @throws ModelUnusable where a native part is missing */
export function startThread({ settings, batch, module }: ThreadParts, events: ThreadEvents): CaptionerThread {
  limitLoaders();
  // Held here, it is not unloaded with the last thread that uses it; what is wrong with it is said before any starts.
  onnxruntime();
  const gate = createGate();
  const worker = new Worker(module, {
    workerData: { ...settings, batch, gate } satisfies WorkerData,
    // A copied environment would not reach onnxruntime: see `refuseTelemetry`.
    env: SHARE_ENV,
  });
  const post = (message: CrewMessage, transfer: ArrayBuffer[] = []) => worker.postMessage(message, transfer);
  let cause: Error | null = null;
  worker.on('message', (message: WorkerMessage) => events.onMessage(message));
  worker.on('error', (error: Error) => {
    cause = error;
  });
  worker.once('exit', (code) => {
    events.onExit(cause ?? new Error(`a captioner thread ended with code ${code}`));
  });
  return {
    run: (batch) =>
      post(
        [...batch],
        batch.flatMap(({ image }) => movable(image.input.pixels)),
      ),
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

/** The life of one worker thread, seen from the pool. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { limitLoaders } from './image.ts';
import { onnxruntime } from './native/native-parts.ts';
import { condemn, createGate } from './native-gate.ts';
import {
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
  /** The caller's bytes stay as they are. */
  run(job: WorkerJob): void;
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

/**
 * @param module what runs in the thread: `worker.ts`
 * @throws ModelUnusable where a native part is missing
 */
export function startThread(settings: WorkerSettings, events: ThreadEvents, module: URL): CaptionerThread {
  limitLoaders();
  // Held here, it is not unloaded with the last thread that uses it; what is wrong with it is said before any starts.
  onnxruntime();
  const gate = createGate();
  const worker = new Worker(module, {
    workerData: { ...settings, gate } satisfies WorkerData,
    // A copied environment would not reach onnxruntime: see `refuseTelemetry`.
    env: SHARE_ENV,
  });
  let cause: Error | null = null;
  worker.on('message', events.onMessage);
  worker.on('error', (error: Error) => {
    cause = error;
  });
  worker.once('exit', (code) =>
    events.onExit(cause ?? new Error(`a captioner thread ended with code ${code}`)),
  );
  return {
    run({ bytes, plan, call }) {
      // Exactly these bytes, moved: a view would be cloned twice, and with all of the buffer that it looks into.
      const copy = new Uint8Array(bytes);
      worker.postMessage({ bytes: copy, plan, call } satisfies WorkerJob, [copy.buffer]);
    },
    stop: () =>
      new Promise((resolve) => {
        worker.once('exit', () => resolve());
        worker.postMessage(STOP);
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

/** Several captioners in worker threads: `session.run` blocks its thread, so only threads caption at the same time. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Captioner, CaptionResult } from '../caption/captioner.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';
import { type ErrorReport, errorOf } from '../errors.ts';

export interface WorkerSettings {
  directory: string;
  options: { threads: number };
}

export interface WorkerJob {
  bytes: Uint8Array;
  options: CaptionOptionsInput | undefined;
}

/** In place of a job: finish what is at work, take no more. */
export const STOP = 'stop';

export type WorkerAnswer = { result: CaptionResult } | { error: ErrorReport };

export interface CaptionerPool {
  caption: Captioner['caption'];
  /** Ends the threads as soon as each has finished what it is at; all jobs without an answer are rejected. */
  close(): Promise<void>;
}

interface Pending extends WorkerJob {
  resolve(result: CaptionResult): void;
  reject(error: Error): void;
}

/**
 * Starts `workers` threads, each with its own copy of the model in memory.
 * @param settings for each worker; one thread inside a worker is best, since the workers share the processors
 */
export function createPool(workers: number, settings: WorkerSettings): CaptionerPool {
  const queue: Pending[] = [];
  const idle: Worker[] = [];
  const running = new Map<Worker, Pending | null>();

  const next = (worker: Worker): void => {
    const job = queue.shift();
    running.set(worker, job ?? null);
    if (job === undefined) idle.push(worker);
    else worker.postMessage({ bytes: job.bytes, options: job.options } satisfies WorkerJob);
  };

  const onAnswer = (worker: Worker, answer: WorkerAnswer): void => {
    const job = running.get(worker);
    if ('result' in answer) job?.resolve(answer.result);
    else job?.reject(errorOf(answer.error));
    next(worker);
  };

  const onDeath = (worker: Worker, cause: Error): void => {
    running.get(worker)?.reject(cause);
    running.delete(worker);
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    if (running.size > 0) return;
    for (const job of queue.splice(0)) job.reject(cause);
  };

  for (let i = 0; i < workers; i++) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: settings,
      // A copied environment would not reach onnxruntime: see `refuseTelemetry`.
      env: SHARE_ENV,
    });
    running.set(worker, null);
    idle.push(worker);
    worker.on('message', (answer: WorkerAnswer) => onAnswer(worker, answer));
    worker.on('error', (error: Error) => onDeath(worker, error));
    worker.on('exit', (code) => onDeath(worker, new Error(`a captioner thread ended with code ${code}`)));
  }

  return {
    caption: (bytes, options) =>
      new Promise<CaptionResult>((resolve, reject) => {
        if (running.size === 0) return reject(new Error('every captioner thread has ended'));
        queue.push({ bytes, options, resolve, reject });
        const worker = idle.pop();
        if (worker !== undefined) next(worker);
      }),
    close: async () => {
      await Promise.all([...running.keys()].map(end));
    },
  };
}

/** Not `terminate`: a thread that is ended amid a network run makes onnxruntime abort the whole process. */
function end(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.postMessage(STOP);
  });
}

/** What a pool and its worker threads say to each other. */
import type { CaptionCall } from '../caption/captioner.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import type { CaptionResult } from '../caption/result.ts';
import type { ErrorReport } from '../errors.ts';
import type { ExecutionProvider } from './execution-provider.ts';
import type { MemoryAnswer, MemoryRequest } from './memory/shares.ts';

export interface WorkerSettings {
  /** Of the bundle. */
  directory: string;
  options: {
    /** Inside one network run; one is best, since the workers share the processors. */
    threads: number;
    /** @default cpu */
    executionProvider?: ExecutionProvider | undefined;
    /** Largest image, pixels. @default by its kind */
    maxPixels?: number | undefined;
  };
}

export interface WorkerData extends WorkerSettings {
  /** See `native-gate.ts`. */
  gate: SharedArrayBuffer;
}

export interface WorkerJob {
  bytes: Uint8Array;
  plan: CaptionPlan | undefined;
  /** Plain data: a signal stays with the pool. */
  call: Omit<CaptionCall, 'signal'> | undefined;
}

/** In place of a job: finish what is at work, take no more. */
export const STOP = 'stop';

/** To the thread: one job after the other, and meanwhile what it asked memory for. */
export type PoolMessage = WorkerJob | MemoryAnswer | typeof STOP;

/** From the thread: first `ready` or `unusable`, then one `result` or `error` for each job. */
export type WorkerMessage =
  | { ready: true }
  | { unusable: ErrorReport }
  | { result: CaptionResult }
  | { error: ErrorReport };

/** And from the thread, too, while it has a job. */
export type ThreadMessage = WorkerMessage | MemoryRequest;

/** What a crew and its worker threads say to each other. */
import type { DescribeJob } from '../caption/describe.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import type { CaptionResult } from '../caption/result.ts';
import type { ErrorReport } from '../errors.ts';
import type { ExecutionProvider } from './execution-provider.ts';

export interface WorkerSettings {
  /** Of the bundle. */
  directory: string;
  /** Inside one network run; one is best, since the workers share the processors. */
  threads: number;
  /** @default cpu */
  executionProvider?: ExecutionProvider | undefined;
}

export interface WorkerData extends WorkerSettings {
  /** See `native-gate.ts`. */
  gate: SharedArrayBuffer;
  /** Images of the largest batch. */
  batch: number;
}

/** Plain data: signals stay with the pool. */
export interface WorkerJob extends Omit<DescribeJob, 'plan'> {
  /** @default the model's own options */
  plan: CaptionPlan | undefined;
}

/** In place of a batch: finish what is at work, take no more. */
export const STOP = 'stop';

/** To the thread: one batch after the other. */
export type CrewMessage = WorkerJob[] | typeof STOP;

/** What became of one image of a batch. */
export type WorkerAnswer = { result: CaptionResult } | { error: ErrorReport };

/** From the thread: first `ready` or `unusable`, then for each batch what became of its images, or `failed` of all. */
export type WorkerMessage =
  | { ready: true }
  | { unusable: ErrorReport }
  | { answers: WorkerAnswer[] }
  | { failed: ErrorReport };

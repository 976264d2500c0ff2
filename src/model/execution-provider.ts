import { availableParallelism } from 'node:os';

/** What runs the networks. In a file of its own, so that declarations which name it bring nothing native along. */
export type ExecutionProvider = 'cpu' | 'cuda';

/**
 * Images that a worker describes at once where nobody says how many, and time is short for none (`BATCH_MS` of `pool.ts`). On the
 * processor eight bring no more than four (`npm run bench -- throughput`). A graphics processor is idle most of the time with less
 * than some dozens.
 */
export function defaultBatch(provider: ExecutionProvider = 'cpu'): number {
  return provider === 'cuda' ? 32 : 4;
}

/** Larger ones bring nothing more, and take memory. */
export const MAX_BATCH = 256;

/** Memory runs out before processors do. */
const MAX_DEFAULT_WORKERS = 8;
/** Each has a copy of the model on the device, which two keep busy: one decodes words while the other one encodes. */
const CUDA_WORKERS = 2;

/** Threads that describe images where nobody says how many. */
export function defaultWorkers(provider: ExecutionProvider = 'cpu'): number {
  return provider === 'cuda' ? CUDA_WORKERS : Math.min(MAX_DEFAULT_WORKERS, availableParallelism());
}

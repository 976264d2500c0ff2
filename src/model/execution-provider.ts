import { availableParallelism } from 'node:os';
import { memoryLimit, PROCESS_BYTES, workerBytes } from './memory/process-memory.ts';

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

/** More gain little, and each has a copy of the model. */
const MAX_DEFAULT_WORKERS = 8;
/** Each has a copy of the model on the device, which two keep busy: one decodes words while the other one encodes. */
const CUDA_WORKERS = 2;

/** Threads that describe images, as many as keep the machine busy. */
export function mostWorkers(provider: ExecutionProvider = 'cpu'): number {
  return provider === 'cuda' ? CUDA_WORKERS : Math.min(MAX_DEFAULT_WORKERS, availableParallelism());
}

/** Of what a process may have; decoding takes the rest. */
const SHARE_OF_MODELS = 0.75;

/**
 * Threads that describe images where nobody says how many: what keeps the processors busy, and fewer where the copies of a
 * large model would take too much memory.
 * @param directory of the bundle
 * @param limit bytes that the process may have
 */
export function defaultWorkers(
  directory: string,
  provider: ExecutionProvider = 'cpu',
  limit = memoryLimit(),
): number {
  const bytes = SHARE_OF_MODELS * (limit - PROCESS_BYTES);
  const fit = Math.floor(bytes / workerBytes(directory, defaultBatch(provider)));
  return Math.max(1, Math.min(mostWorkers(provider), fit));
}

/** How much memory there is to decode images in. */
import { createBudget, type TakeMemory } from './budget.ts';
import { MEBIBYTE, memoryLimit, PROCESS_BYTES, workerBytes } from './process-memory.ts';

/** Of what the models leave, since allocators keep some of what was freed. */
const USED = 0.9;
/** Enough for photographs of 12 megapixels that are not decoded whole, wherever the program runs at all. */
const LEAST_BYTES = 64 * MEBIBYTE;

export interface MemoryOptions {
  /** Of the bundle. */
  directory: string;
  /** Threads that have a model each. @default 1 */
  workers?: number;
  /** Images that each of them describes at once, at most. @default 1 */
  batch?: number | undefined;
  /** Bytes. @default what the process may have, less what these workers take */
  decodeMemory?: number | undefined;
  /** Bytes that the process may have. @default the limit of its control group, or half of the machine's memory */
  limit?: number;
}

/** The budget of all captioners of a process that use one bundle. */
export function createDecodeMemory(options: MemoryOptions): TakeMemory {
  return createBudget(options.decodeMemory ?? defaultDecodeMemory(options));
}

/** @returns bytes */
export function defaultDecodeMemory({
  directory,
  workers = 1,
  batch = 1,
  limit = memoryLimit(),
}: MemoryOptions): number {
  const taken = PROCESS_BYTES + workers * workerBytes(directory, batch);
  return Math.floor(Math.max(LEAST_BYTES, USED * (limit - taken)));
}

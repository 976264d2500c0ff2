/** How much memory there is to decode images in. */
import { readdirSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createBudget, type TakeMemory } from './budget.ts';

const MEBIBYTE = 2 ** 20;
/** Node with this program, its native libraries, and requests at work, before any model. */
const PROCESS_BYTES = 160 * MEBIBYTE;
/** A thread's JavaScript, and what a network holds between its layers. */
const WORKER_BYTES = 40 * MEBIBYTE;
/** What each further image of a batch adds to that: 13 to 15 MiB in the default bundle (RSS of `npm run bench -- hostile` before its images). */
const BATCHED_BYTES = 16 * MEBIBYTE;
/** A loaded model for each byte of its files. */
const MODEL_GROWTH = 2;
/** Of a machine without a limit, which has other programs as well. */
const SHARE_OF_MACHINE = 0.5;
/** Of what is left then, since allocators keep some of what was freed. */
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
  const worker = WORKER_BYTES + (batch - 1) * BATCHED_BYTES + MODEL_GROWTH * bytesOf(directory);
  const taken = PROCESS_BYTES + workers * worker;
  return Math.floor(Math.max(LEAST_BYTES, USED * (limit - taken)));
}

function memoryLimit(): number {
  const machine = totalmem();
  const limit = process.constrainedMemory();
  return limit > 0 && limit < machine ? limit : machine * SHARE_OF_MACHINE;
}

/** Of all files: a bundle that cannot be read is refused by whoever loads it. */
function bytesOf(directory: string): number {
  try {
    return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  } catch {
    return 0;
  }
}

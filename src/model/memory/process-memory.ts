/** How much memory a process may have, and what its models take of it. */
import { readdirSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';

export const MEBIBYTE = 2 ** 20;
/** Node with this program, its native libraries, and requests at work, before any model. */
export const PROCESS_BYTES = 160 * MEBIBYTE;
/** A thread's JavaScript, and what a network holds between its layers. */
const WORKER_BYTES = 40 * MEBIBYTE;
/** What each further image of a batch adds to that: 13 to 15 MiB in the default bundle (RSS of `npm run bench -- hostile` before its images). */
const BATCHED_BYTES = 16 * MEBIBYTE;
/** A loaded model for each byte of its files. */
const MODEL_GROWTH = 2;
/** Of a machine without a limit, which has other programs as well. */
const SHARE_OF_MACHINE = 0.5;

/** @returns bytes: the limit of the control group, or half of the machine's memory */
export function memoryLimit(): number {
  const machine = totalmem();
  const limit = process.constrainedMemory();
  return limit > 0 && limit < machine ? limit : machine * SHARE_OF_MACHINE;
}

/**
 * @param directory of the bundle; one that cannot be read is refused by whoever loads it
 * @param batch images that a thread describes at once
 * @returns bytes of a thread with its model
 */
export function workerBytes(directory: string, batch: number): number {
  return WORKER_BYTES + (batch - 1) * BATCHED_BYTES + MODEL_GROWTH * bytesOf(directory);
}

function bytesOf(directory: string): number {
  try {
    return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  } catch {
    return 0;
  }
}

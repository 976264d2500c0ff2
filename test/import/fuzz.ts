/** Reading damaged copies of a file, again and again, within bounds. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { ShowAndTellWeights } from '../../src/import/network/weights.ts';
import { readWeights } from '../../src/import/read-weights.ts';
import { failureOf } from './source/source-failures.ts';

/** The golden files are read in 40 ms; a loaded machine may need ten times that, a hang any time. */
const MAX_MS = 5000;
/** Reading one adds some MB to the 120 MB of Node and the tests; all of that many times over is a leak or a bomb. */
const MAX_RESIDENT_KB = 600 << 10;

export interface Outcome {
  /** What was refused, and where; null when the file was read. */
  problem: { file: string; offset?: number; message: string } | null;
  weights: ShowAndTellWeights | null;
}

/** Writes `bytes` to `file` and reads `path` (the same file, or the prefix it belongs to). */
export async function readDamaged(path: string, file: string, bytes: Uint8Array): Promise<Outcome> {
  await writeFile(file, bytes);
  const started = performance.now();
  let weights: ShowAndTellWeights | null = null;
  const error = await failureOf(
    readWeights(path).then(async (read) => {
      weights = read.weights;
      await read.dispose();
    }),
  );
  assert.ok(performance.now() - started < MAX_MS, 'too slow');
  return { weights, problem: error && { ...error.problem, message: error.message } };
}

/** At the end of all: the most memory that this process ever had. */
export function assertMemoryBounded(): void {
  const { maxRSS } = process.resourceUsage();
  assert.ok(maxRSS < MAX_RESIDENT_KB, `${maxRSS} kB resident`);
}

/** Lengths to cut a file to: its first bytes one by one, then evenly, then its last ones. */
export function truncations(size: number, evenly: number): number[] {
  const cuts = Array.from({ length: evenly }, (_, i) => Math.floor((size * i) / evenly));
  return [...new Set([1, 2, 3, 7, ...cuts, size - 48, size - 8, size - 1])].filter((cut) => cut > 0);
}

import * as z from 'zod';
import { type Architecture, PRICE_TABLE, type Prices } from './prices.ts';

/** What a run over a bucket did, or will do. */
export interface RunWork {
  /** Images that were captioned, or whose failure was recorded. */
  processed: number;
  /** Images whose result was there before. */
  skipped: number;
  batches: number;
  /** Of the function, all batches together. */
  milliseconds: number;
  /** Of the function, MB. */
  memory: number;
  architecture: Architecture;
}

/** US dollars. */
export const runCostSchema = z.object({
  lambda: z.number(),
  stepFunctions: z.number(),
  s3: z.number(),
  total: z.number(),
  /** Whose prices these are, and of when. */
  region: z.string(),
  date: z.string(),
});
export type RunCost = z.output<typeof runCostSchema>;

/** Every run: the choice of the list, the map, the summary, the end. */
const FIXED_TRANSITIONS = 4;
/** Express workflows are charged by 64 MB and by 100 ms; a batch's input and answer need no more memory than that. */
const EXPRESS_GB = 64 / 1024;
const EXPRESS_ROUNDING_MS = 100;
const KEYS_PER_LIST = 1000;
/** An image is described, its result looked for, the image read. */
const READS_PER_IMAGE = 3;
/** The first two of them. */
const READS_PER_SKIPPED_IMAGE = 2;

/** Storage and data transfer are not in it: a region's own services pay nothing for what they read from its S3. */
export function costOf(work: RunWork): RunCost {
  const { prices, region, date } = PRICE_TABLE;
  const lambda = lambdaCost(work, prices);
  const stepFunctions = stepFunctionsCost(work, prices);
  const s3 = s3Cost(work, prices);
  return { lambda, stepFunctions, s3, total: lambda + stepFunctions + s3, region, date };
}

function lambdaCost({ milliseconds, memory, architecture, batches }: RunWork, prices: Prices): number {
  const gbSeconds = (memory / 1024) * (milliseconds / 1000);
  return gbSeconds * prices.lambdaGbSecond[architecture] + batches * prices.lambdaRequest;
}

/** A batch is one transition of the map, and one Express workflow as long as its function runs. */
function stepFunctionsCost({ milliseconds, batches }: RunWork, prices: Prices): number {
  const gbSeconds = (EXPRESS_GB * (milliseconds + batches * EXPRESS_ROUNDING_MS)) / 1000;
  return (
    (FIXED_TRANSITIONS + batches) * prices.transition +
    batches * prices.expressRequest +
    gbSeconds * prices.expressGbSecond
  );
}

function s3Cost({ processed, skipped }: RunWork, prices: Prices): number {
  const lists = Math.ceil((processed + skipped) / KEYS_PER_LIST);
  const reads = processed * READS_PER_IMAGE + skipped * READS_PER_SKIPPED_IMAGE;
  return (processed + lists) * prices.s3Write + reads * prices.s3Read;
}

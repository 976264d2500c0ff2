/** What commands over many images share: a captioner for one or several jobs, and results in order. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Captioner } from '../../caption/captioner.ts';
import type { CaptionCall } from '../../caption/describe.ts';
import { type CaptionPlan, planCaptions } from '../../caption/plan.ts';
import { InvalidRequest } from '../../errors.ts';
import { plannedModel, readBundle } from '../../model/bundle.ts';
import { defaultBatch } from '../../model/execution-provider.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../model/load.ts';
import type { TakeMemory } from '../../model/memory/budget.ts';
import { createDecodeMemory } from '../../model/memory/decode-memory.ts';
import { createPool } from '../../model/pool.ts';
import { type DecodingFlags, decodingOptions, numberOf } from './decoding-flags.ts';
import { sizeOf } from './units.ts';

/** Each worker holds a model of its own; more than this is a mistyped number. */
const MAX_JOBS = 64;

export interface CaptionerFlags extends DecodingFlags {
  model?: string;
  threads?: number;
  maxPixels?: number;
  decodeMemory?: number;
  jobs: number;
}

export function addCaptionerFlags(command: Command): Command {
  return command
    .option('--model <dir>', 'bundle to use (default: the one that comes with the program, models/everyday)')
    .option('--threads <n>', 'threads inside one network run (default: the processors, at most 4)', numberOf)
    .option('--jobs <n>', 'images captioned at the same time, each with its own copy of the model', Number, 1)
    .option(
      '--max-pixels <n>',
      'largest image (default: 256 million for JPEG and WebP, 128 million for others, 50 million for AVIF)',
      numberOf,
    )
    .option(
      '--decode-memory <size>',
      'memory that all images may take to decode, such as 1gib; they wait for it (default: what the models leave)',
      sizeOf,
    );
}

export interface RunningCaptioner {
  caption: Captioner['caption'];
  model: { name: string; hash: string };
  /** Of which `caption` has its memory, too. */
  takeMemory: TakeMemory;
  /** Of the flags. */
  plan: CaptionPlan;
  /** Captions to ask for at the same time, so that the captioner never waits for work. */
  inFlight: number;
  close(): Promise<void>;
}

/**
 * One job runs in this thread; more run in worker threads.
 * @param beside what is asked for beside captions
 * @throws InvalidRequest before anything is captioned; ModelUnusable
 */
export async function startCaptioner(
  flags: CaptionerFlags,
  beside: Pick<CaptionCall, 'explain'> = {},
): Promise<RunningCaptioner> {
  checkCount('--jobs', flags.jobs, MAX_JOBS);
  if (flags.threads !== undefined) checkCount('--threads', flags.threads, 2 * availableParallelism());
  if (flags.maxPixels !== undefined) checkCount('--max-pixels', flags.maxPixels, Number.MAX_SAFE_INTEGER);
  if (flags.decodeMemory !== undefined) {
    checkCount('--decode-memory', flags.decodeMemory, Number.MAX_SAFE_INTEGER);
  }
  const directory = flags.model ?? DEFAULT_BUNDLE;
  const { jobs: workers, decodeMemory } = flags;
  const batch = workers > 1 ? defaultBatch() : 1;
  const takeMemory = createDecodeMemory({ directory, workers, batch, decodeMemory });
  const start = workers > 1 ? startPool : startHere;
  return start(directory, { ...flags, beside }, takeMemory);
}

function checkCount(flag: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? 'from 1 on' : `from 1 to ${max}`;
  throw new InvalidRequest(`${flag}: expected a whole number ${range}`);
}

type Asked = CaptionerFlags & { beside: Pick<CaptionCall, 'explain'> };

async function startHere(directory: string, flags: Asked, takeMemory: TakeMemory): Promise<RunningCaptioner> {
  const { threads, maxPixels } = flags;
  const {
    caption,
    model,
    plan: planOf,
  } = await loadCaptioner(directory, {
    ...(threads !== undefined && { threads }),
    ...(maxPixels !== undefined && { maxPixels }),
    takeMemory,
  });
  const plan = planOf(decodingOptions(flags), flags.beside);
  return { caption, model, takeMemory, plan, inFlight: 1, close: async () => undefined };
}

async function startPool(directory: string, flags: Asked, takeMemory: TakeMemory): Promise<RunningCaptioner> {
  // Only manifest and word list are read here, to refuse wrong options before any thread starts.
  const bundle = await readBundle(directory);
  const plan = planCaptions(decodingOptions(flags), plannedModel(bundle), flags.beside);
  const { threads = 1, maxPixels } = flags;
  const { image } = bundle.manifest;
  const { caption, inFlight, close } = createPool(
    flags.jobs,
    { directory, image, threads, maxPixels },
    { takeMemory },
  );
  return {
    caption,
    model: { name: bundle.manifest.name, hash: bundle.hash },
    takeMemory,
    plan,
    inFlight,
    close,
  };
}

/** Runs at most `limit` at a time and yields the results in the order of the items. */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  for await (const item of items) {
    pending.push(run(item));
    if (pending.length >= limit) yield await pending.shift()!;
  }
  for (const result of pending) yield await result;
}

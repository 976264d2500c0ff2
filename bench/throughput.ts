/**
 * What workers and batches bring: images a second, and how long one waits, alone and among many. All settings take turns, round
 * after round, so that a slow moment of the machine meets all of them.
 */
import type { Caption, CaptionResult } from '../src/caption/result.ts';
import { readBundle } from '../src/model/bundle.ts';
import type { ExecutionProvider } from '../src/model/execution-provider.ts';
import { loadCaptioner } from '../src/model/load.ts';
import { createPool } from '../src/model/pool.ts';
import { startServer } from './served.ts';
import { closedLoop, openLoop, poissonArrivals } from './shared/loops.ts';
import { post } from './shared/post.ts';
import { median, percentile } from './shared/statistics.ts';

const ROUND_SECONDS = 2;
/** Natural logarithms: between a batch and an image alone, and between a graphics processor and this one. */
const TOLERANCE = 1e-4;
/** Of the server: more images than arrive while one round lasts. */
const QUEUE = 10_000;

export interface ThroughputOptions {
  directories: readonly string[];
  workers: readonly number[];
  /** What the others of as many workers are compared with comes first. */
  batches: readonly number[];
  threads: number;
  executionProvider: ExecutionProvider;
  /** Of each setting under full load, and of each other load. */
  seconds: number;
}

export interface Setting {
  directory: string;
  workers: number;
  batch: number;
  /** Over HTTP, from a server of its own, or from a pool in this process. */
  http: boolean;
}

/** Milliseconds of all answers of all rounds. */
export interface Latency {
  p50: number;
  p99: number;
}

export interface ThroughputRow {
  setting: Setting;
  /** Largest difference of a log-probability to that of one image alone on the processor. */
  difference: number;
  /** Images a second, median of the rounds. */
  rate: number;
  /** Medians of ratios of the same rounds: to the first batch limit, to the first bundle, of the server to its pool. */
  toFirstBatch: number;
  toFirstBundle: number;
  toPool: number;
  /** One image at a time, when nothing else is at work. */
  alone: Latency;
  /** Images arrive at half the rate, whether or not others are answered. */
  half: Latency;
  /** At all of it: the queue grows with the square root of the time, so this is what a burst of `ROUND_SECONDS` meets. */
  full: Latency;
  /** At the rate of the first batch limit of as many workers: the same arrivals for all. */
  same: Latency;
}

/** Of one setting. */
interface Round {
  rate: number;
  alone: number[];
  half: number[];
  full: number[];
  same: number[];
}

type Captions = Pick<CaptionResult, 'captions'>;

interface Target {
  caption(image: Uint8Array): Promise<Captions>;
  inFlight: number;
  close(): Promise<void>;
}

/** @throws Error when a caption differs from that of one image alone on the processor */
export async function throughputOf(
  images: readonly Buffer[],
  options: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const settings = settingsOf(options);
  const targets: Target[] = [];
  try {
    const expected = new Map<string, Caption[][]>();
    for (const directory of options.directories) {
      expected.set(directory, await captionsAlone(directory, images));
    }
    const differences: number[] = [];
    for (const setting of settings) {
      const target = await start(setting, options);
      targets.push(target);
      differences.push(await check(setting, target, images, expected.get(setting.directory)!));
    }
    const each = Math.min(ROUND_SECONDS, options.seconds);
    const rounds: Round[][] = [];
    for (let done = 0; done < options.seconds; done += each) {
      rounds.push(await measure(settings, targets, images, { seconds: each, seed: rounds.length + 1 }));
    }
    return settings.map((setting, i) => rowOf(setting, differences[i]!, settings, rounds));
  } finally {
    await Promise.all(targets.map((target) => target.close()));
  }
}

/** The last one of each bundle also over HTTP. */
function settingsOf({ directories, workers, batches }: ThroughputOptions): Setting[] {
  return directories.flatMap((directory) => {
    const pools = workers.flatMap((n) =>
      batches.map((batch) => ({ directory, workers: n, batch, http: false })),
    );
    return [...pools, { ...pools.at(-1)!, http: true }];
  });
}

function start(setting: Setting, options: ThroughputOptions): Promise<Target> {
  return setting.http ? startHttp(setting, options) : startPool(setting, options);
}

async function startPool(
  { directory, workers, batch }: Setting,
  { threads, executionProvider }: ThroughputOptions,
): Promise<Target> {
  const { image } = (await readBundle(directory)).manifest;
  const pool = createPool(workers, { directory, image, threads, executionProvider }, { batch });
  await pool.ready;
  return pool;
}

async function startHttp(
  { directory, workers, batch }: Setting,
  { threads, executionProvider }: ThroughputOptions,
): Promise<Target> {
  const flags = Object.entries({ batch, threads, 'execution-provider': executionProvider, queue: QUEUE });
  const { url, stop } = await startServer({
    directory,
    workers,
    flags: flags.flatMap(([name, value]) => [`--${name}`, String(value)]),
  });
  const caption = async (image: Uint8Array): Promise<Captions> =>
    JSON.parse(await post(`${url}/captions`, 'image/jpeg', image));
  return { caption, inFlight: 2 * workers * batch, close: stop };
}

/** Of each image, on the processor. */
async function captionsAlone(directory: string, images: readonly Buffer[]): Promise<Caption[][]> {
  const alone = await loadCaptioner(directory, { threads: 1 });
  const captions: Caption[][] = [];
  for (const image of images) captions.push((await alone.caption(image)).captions);
  await alone.close();
  return captions;
}

/**
 * Asks for so many captions at once that batches are full.
 * @returns the largest difference of a log-probability
 * @throws Error when that is above the tolerance, or a sentence is another
 */
async function check(
  { directory, workers, batch, http }: Setting,
  { caption, inFlight }: Target,
  images: readonly Buffer[],
  expected: readonly Caption[][],
): Promise<number> {
  const asked = Array.from({ length: Math.max(inFlight, images.length) }, (_, i) => i % images.length);
  const found = await Promise.all(asked.map((i) => caption(images[i]!)));
  const differences = found.map(({ captions }, i) => differenceOf(captions, expected[asked[i]!]!));
  const wrong = differences.findIndex((difference) => !(difference <= TOLERANCE));
  if (wrong < 0) return Math.max(...differences);
  const shown = (captions: readonly Caption[]) =>
    captions.map(({ text, logProbability }) => `"${text}" ${logProbability}`).join(', ');
  throw new Error(
    `${directory}, ${workers} workers, batch ${batch}${http ? ', over HTTP' : ''}: expected what the processor says of the ` +
      `image alone, within ${TOLERANCE}, ${shown(expected[asked[wrong]!]!)}; found ${shown(found[wrong]!.captions)}`,
  );
}

/** Of log-probabilities, the largest; infinity where a sentence is another. */
export function differenceOf(found: readonly Caption[], expected: readonly Caption[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(
    ...found.map(({ text, logProbability }, i) =>
      text === expected[i]!.text
        ? Math.abs(logProbability - expected[i]!.logProbability)
        : Number.POSITIVE_INFINITY,
    ),
  );
}

/** One round of all settings. */
async function measure(
  settings: readonly Setting[],
  targets: readonly Target[],
  images: readonly Buffer[],
  { seconds, seed }: { seconds: number; seed: number },
): Promise<Round[]> {
  const asks = targets.map((target) => (n: number) => target.caption(images[n % images.length]!));
  const rates: number[] = [];
  for (const [i, { inFlight }] of targets.entries()) {
    rates.push((await closedLoop(asks[i]!, { inFlight, seconds })).rate);
  }
  const rounds: Round[] = [];
  for (const [i, ask] of asks.entries()) {
    const rate = rates[i]!;
    const first = rates[settings.findIndex((other) => isFirstBatchOf(settings[i]!, other))]!;
    const { latencies: alone } = await closedLoop(ask, { inFlight: 1, seconds });
    const at = (perSecond: number) => openLoop(ask, poissonArrivals(perSecond, seconds, seed));
    const [half, full] = [await at(rate / 2), await at(rate)];
    rounds.push({ rate, alone, half, full, same: first === rate ? full : await at(first) });
  }
  return rounds;
}

/** The first of those with as many workers stands first among them. */
function isFirstBatchOf(setting: Setting, other: Setting): boolean {
  return other.directory === setting.directory && other.workers === setting.workers;
}

function rowOf(
  setting: Setting,
  difference: number,
  settings: readonly Setting[],
  rounds: readonly Round[][],
): ThroughputRow {
  const own = settings.indexOf(setting);
  const ratioTo = (isOther: (other: Setting) => boolean) => {
    const other = settings.findIndex(isOther);
    return median(rounds.map((round) => round[own]!.rate / round[other]!.rate));
  };
  const isSame = ({ workers, batch }: Setting) => workers === setting.workers && batch === setting.batch;
  const latency = (load: 'alone' | 'half' | 'full' | 'same'): Latency => {
    const all = rounds.flatMap((round) => round[own]![load]);
    return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
  };
  return {
    setting,
    difference,
    rate: median(rounds.map((round) => round[own]!.rate)),
    toFirstBatch: ratioTo((other) => isFirstBatchOf(setting, other)),
    toFirstBundle: ratioTo((other) => isSame(other) && other.http === setting.http),
    toPool: ratioTo((other) => isSame(other) && other.directory === setting.directory),
    alone: latency('alone'),
    half: latency('half'),
    full: latency('full'),
    same: latency('same'),
  };
}

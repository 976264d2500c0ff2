/**
 * Many files through the command line, against the same images from memory through the pool, and its memory meanwhile:
 * `npx node bench/many.ts [--images 10000] [--jobs 2] [--rounds 9]`. The files are crops of the samples in a temporary
 * directory: so small that reading, hashing and printing weigh more than they do with photographs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readBundle } from '../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../src/model/load.ts';
import { createPool } from '../src/model/pool.ts';
import { memoryOf, processorMilliseconds } from './shared/proc.ts';
import { report } from './shared/report.ts';
import { median } from './shared/statistics.ts';
import { throughput } from './warm.ts';

const CLI = fileURLToPath(new URL('../src/cli/launch.js', import.meta.url));
const SAMPLES = ['astronaut', 'chelsea', 'coffee', 'hopper', 'raccoon', 'rocket', 'stairs', 'temple'];
const CROP = { width: 160, height: 120 };
/** In one directory. */
const ALBUM = 500;
/** Of one round of the comparison. */
const COMPARED = 500;
/** Images after which every worker runs at full speed. */
const WARM = 100;
/** Waiting beside those at work, so that no worker does. */
const WAITING = 4;

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '9' },
  },
});
const images = Number(values.images);
const jobs = Number(values.jobs);

const directory = mkdtempSync(join(tmpdir(), 'show-and-tell-bench-'));
try {
  const files = await writeCrops(directory, images);
  await compare(files.slice(0, COMPARED), Number(values.rounds));
  await memoryCurve(files.length);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Different crops, in albums of `ALBUM`. */
async function writeCrops(root: string, count: number): Promise<string[]> {
  const sources = await Promise.all(SAMPLES.map(decode));
  const files: string[] = [];
  for (let i = 0; i < count; i++) {
    const file = join(
      root,
      String(Math.floor(i / ALBUM)).padStart(4, '0'),
      `${String(i).padStart(6, '0')}.jpg`,
    );
    mkdirSync(dirname(file), { recursive: true });
    const { data, info } = sources[i % sources.length]!;
    const turn = Math.floor(i / sources.length);
    // Steps that have no factor in common with the range visit every place.
    const left = (turn * 37) % (info.width - CROP.width);
    const top = (turn * 23) % (info.height - CROP.height);
    const crop = sharp(data, { raw: info })
      .extract({ ...CROP, left, top })
      .jpeg();
    await writeFile(file, await crop.toBuffer());
    files.push(file);
  }
  return files;
}

function decode(name: string) {
  const file = fileURLToPath(new URL(`../samples/${name}.jpg`, import.meta.url));
  return sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

/** Of one round: images a second, and milliseconds of all processors an image. */
interface Round {
  rate: number;
  processor: number;
}

/** Round after round in turns, so that a slow moment of the machine meets both. */
async function compare(files: string[], rounds: number): Promise<void> {
  const bytes = await Promise.all(files.map((file) => readFile(file)));
  const albums = [...new Set(files.map(dirname))];
  const rows: Record<'alone' | 'files' | 'ratio', Round>[] = [];
  for (let round = 0; round < rounds; round++) {
    const alone = await poolRound(bytes);
    const files = await cliRound(albums, bytes.length);
    const ratio = { rate: files.rate / alone.rate, processor: files.processor / alone.processor };
    rows.push({ alone, files, ratio });
  }
  const of = (row: 'alone' | 'files' | 'ratio', field: keyof Round) => median(rows.map((r) => r[row][field]));
  const at = `many, ${jobs} jobs`;
  report({ measure: `${at}: workers alone`, value: of('alone', 'rate'), unit: 'images/s' });
  report({ measure: `${at}: files`, value: of('files', 'rate'), unit: 'images/s' });
  report({ measure: `${at}: files / alone`, value: of('ratio', 'rate'), unit: 'ratio', target: '>= 0.90' });
  report({ measure: `${at}: processor, workers alone`, value: of('alone', 'processor'), unit: 'ms' });
  report({ measure: `${at}: processor, files`, value: of('files', 'processor'), unit: 'ms' });
  report({ measure: `${at}: processor, files / alone`, value: of('ratio', 'processor'), unit: 'ratio' });
}

async function poolRound(bytes: readonly Uint8Array[]): Promise<Round> {
  const { image } = (await readBundle(DEFAULT_BUNDLE)).manifest;
  const pool = createPool(jobs, { directory: DEFAULT_BUNDLE, image, threads: 1 });
  await throughput(pool.caption, bytes.slice(0, WARM), jobs + WAITING, 1);
  const before = processorMilliseconds(process.pid);
  const rate = await throughput(pool.caption, bytes, jobs + WAITING, 1);
  const processor = (processorMilliseconds(process.pid) - before) / bytes.length;
  await pool.close();
  return { rate, processor };
}

/** From the first `WARM` lines on: start and loading are measured elsewhere. */
async function cliRound(albums: string[], count: number): Promise<Round> {
  const readings: { at: number; processor: number }[] = [];
  await runCli(albums, (lines, pid) => {
    if (lines !== WARM && lines !== count) return;
    readings.push({ at: performance.now(), processor: processorMilliseconds(pid) });
  });
  const [warm, last] = readings as [(typeof readings)[0], (typeof readings)[0]];
  const done = count - WARM;
  return {
    rate: (done / (last.at - warm.at)) * 1000,
    processor: (last.processor - warm.processor) / done,
  };
}

async function memoryCurve(count: number): Promise<void> {
  const places = [count / 10, count / 2, count].map(Math.floor);
  const rss: number[] = [];
  const start = performance.now();
  await runCli([directory], (lines, pid) => {
    if (places.includes(lines)) rss.push(memoryOf(pid).rssMiB);
  });
  const seconds = (performance.now() - start) / 1000;
  for (const [i, lines] of places.entries()) {
    report({ measure: `many, ${jobs} jobs: RSS after ${lines} images`, value: rss[i]!, unit: 'MiB' });
  }
  const growth = rss.at(-1)! / rss[0]! - 1;
  report({
    measure: `many, ${jobs} jobs: growth meanwhile`,
    value: growth,
    unit: 'ratio',
    target: '<= 0.10',
  });
  report({ measure: `many, ${jobs} jobs: whole run`, value: count / seconds, unit: 'images/s' });
}

/** Calls `onLine` for each line while the process is still there. */
async function runCli(args: string[], onLine: (lines: number, pid: number) => void): Promise<void> {
  const child = spawn(process.execPath, [CLI, 'caption', '--json', '--jobs', String(jobs), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) onLine(++lines, child.pid!);
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`the command line ended with ${status} after ${lines} images`);
}

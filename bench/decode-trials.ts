/**
 * What each setting of sharp and libvips brings to decoding: `npx node bench/decode-trials.ts [--rounds 16]`. A trial does what
 * the program does for the default bundle but for one thing, image by image in turns with the program; ratios are medians
 * of these pairs. It says, too, how far pixels lie from the program's, and how many samples get another caption.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp, { type ResizeOptions, type Sharp, type SharpOptions } from 'sharp';
import { decodeImage } from '../src/model/image.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../src/model/load.ts';
import { report } from './shared/report.ts';
import { median, medians } from './shared/statistics.ts';
import { throughput } from './warm.ts';

const SAMPLES = fileURLToPath(new URL('../samples/', import.meta.url));
/** Has a profile that says sRGB; no other sample has any. */
const WITH_PROFILE = 'temple.jpg';
/** 12 megapixels, as of telephones. */
const LARGE: ResizeOptions = { width: 4000, height: 3000, fit: 'fill' };
const AT_ONCE_ROUNDS = 9;

interface Picture {
  bytes: Buffer;
  /** The same as a file: libvips reads from its name what sharp has no option for. */
  path: string;
  /** The largest shrink-on-load of JPEG that leaves no side too small. */
  shrink: number;
}

interface Trial {
  name: string;
  decode: (picture: Picture) => Promise<Uint8Array>;
  /** What it is held against. @default the program */
  beside?: Trial['decode'];
  /** Turns a setting of the process on and off. */
  set?: (on: boolean) => unknown;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '16' } } });
const directory = mkdtempSync(join(tmpdir(), 'decode-trials-'));
let replaced: (() => Promise<Uint8Array>) | null = null;
const captioner = await loadCaptioner(DEFAULT_BUNDLE, {
  threads: 1,
  observe: (native) => ({
    ...native,
    decode: async (...args) => {
      const decoded = await native.decode(...args);
      return replaced === null ? decoded : { ...decoded, pixels: await replaced() };
    },
  }),
});
const input = captioner.bundle.manifest.image;
if (input.resampling !== 'antialiased') throw new Error('the default bundle wants all pixels');
const squash: ResizeOptions = { width: input.width, height: input.height, fit: 'fill' };

const program: Trial['decode'] = async ({ bytes }) => (await decodeImage(bytes, input)).pixels;

/** What the program does with images without a profile, but for these options. */
async function read(from: Buffer | string, options?: SharpOptions, resize?: ResizeOptions): Promise<Buffer> {
  const image = sharp(from, {
    autoOrient: true,
    failOn: 'error',
    sequentialRead: true,
    limitInputPixels: false,
    ...options,
  });
  await image.metadata();
  const small = image.timeout({ seconds: 20 }).resize({ ...squash, ...resize });
  return small.toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' }).toBuffer();
}

const PROFILES: Trial[] = [
  { name: 'every profile converted', decode: ({ bytes }) => read(bytes) },
  { name: 'no profile converted', decode: ({ bytes }) => read(bytes, { ignoreIcc: true }) },
];

const SETTINGS: Trial[] = [
  { name: 'no change', decode: ({ bytes }) => read(bytes) },
  { name: 'sequentialRead off', decode: ({ bytes }) => read(bytes, { sequentialRead: false }) },
  { name: 'failOn none', decode: ({ bytes }) => read(bytes, { failOn: 'none' }) },
  { name: 'autoOrient off', decode: ({ bytes }) => read(bytes, { autoOrient: false }) },
  { name: '2 threads of libvips', decode: program, set: (on) => sharp.concurrency(on ? 2 : 1) },
  { name: 'no vector instructions', decode: program, set: (on) => sharp.simd(!on) },
  { name: 'fastShrinkOnLoad off', decode: ({ bytes }) => read(bytes, {}, { fastShrinkOnLoad: false }) },
  { name: 'cubic, not Lanczos', decode: ({ bytes }) => read(bytes, {}, { kernel: 'cubic' }) },
];
const NEXT_SIZE: Trial = {
  name: 'next size of shrink-on-load',
  decode: ({ path, shrink }) => read(`${path}[shrink=${shrink}]`),
  beside: ({ path }) => read(path),
};

try {
  await reportAll();
} finally {
  rmSync(directory, { recursive: true });
}

async function reportAll(): Promise<void> {
  const names = readdirSync(SAMPLES).filter((name) => name.endsWith('.jpg'));
  const samples: Picture[] = [];
  for (const name of names.filter((name) => name !== WITH_PROFILE)) samples.push(await sampleOf(name));
  const temple = await sampleOf(WITH_PROFILE);
  // Which lets nothing be read from files, until the next line does.
  await program(temple);
  sharp.unblock({ operation: ['VipsForeignLoadJpegFile'] });

  const large = sharp(samples[0]!.bytes).resize(LARGE);
  await reportTrials('samples', samples, [...SETTINGS, NEXT_SIZE]);
  await reportTrials('12 MP JPEG', [await pictureOf(large.clone().jpeg())], SETTINGS);
  await reportTrials('12 MP PNG', [await pictureOf(large.clone().png({ compressionLevel: 3 }))], SETTINGS);
  await reportTrials('12 MP WebP', [await pictureOf(large.clone().webp({ effort: 0 }))], SETTINGS);

  await reportTrials(`sRGB, ${WITH_PROFILE}`, [temple], PROFILES);
  const srgb = sharp(temple.bytes).keepIccProfile().resize(LARGE);
  await reportTrials('sRGB, 12 MP JPEG', [await pictureOf(srgb.clone().jpeg())], PROFILES);
  await reportTrials('sRGB, 12 MP TIFF', [await pictureOf(srgb.clone().tiff())], PROFILES);
  const p3 = large.clone().withIccProfile('p3').jpeg();
  await reportTrials('Display P3, 12 MP JPEG', [await pictureOf(p3)], PROFILES);

  await reportAtOnce(samples.map(({ bytes }) => bytes));
}

function sampleOf(name: string): Promise<Picture> {
  return pictureOf(readFileSync(join(SAMPLES, name)));
}

async function pictureOf(image: Buffer | Sharp): Promise<Picture> {
  const bytes = Buffer.isBuffer(image) ? image : await image.toBuffer();
  const path = join(directory, `${readdirSync(directory).length}.jpg`);
  writeFileSync(path, bytes);
  const { width, height } = await sharp(bytes).metadata();
  const most = Math.min(width / squash.width!, height / squash.height!);
  return { bytes, path, shrink: [8, 4, 2].find((size) => size <= most) ?? 1 };
}

async function reportTrials(set: string, pictures: Picture[], trials: Trial[]): Promise<void> {
  const header = async ({ bytes }: Picture) => {
    await sharp(bytes).metadata();
    return new Uint8Array();
  };
  const ofHeader = await inTurns(pictures, { name: 'header', decode: header });
  report({ measure: `${set}: the program`, value: ofHeader.beside, unit: 'ms' });
  report({ measure: `${set}: of that the header`, value: ofHeader.ratio, unit: 'ratio' });
  for (const trial of trials) {
    const { trial: milliseconds, ratio } = await inTurns(pictures, trial);
    report({ measure: `${set}: ${trial.name}`, value: milliseconds, unit: 'ms' });
    report({ measure: `${set}: ${trial.name}, ratio`, value: ratio, unit: 'ratio' });
    await reportDifference(`${set}: ${trial.name}`, pictures, trial);
  }
}

/** Medians, milliseconds; the ratio is that of pairs. */
async function inTurns(pictures: Picture[], { decode, beside = program, set }: Trial) {
  const changed = async (picture: Picture) => {
    set?.(true);
    const milliseconds = await timed(() => decode(picture));
    set?.(false);
    return milliseconds;
  };
  const pairs: { trial: number; beside: number; ratio: number }[] = [];
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const picture of pictures) {
      // Whoever comes second finds the file in the processor's cache: each is that as often.
      const early = round % 2 === 0 ? await changed(picture) : null;
      const other = await timed(() => beside(picture));
      const trial = early ?? (await changed(picture));
      // The first round warms up.
      if (round >= 0) pairs.push({ trial, beside: other, ratio: trial / other });
    }
  }
  return medians(pairs);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Of a trial that changes pixels. */
async function reportDifference(at: string, pictures: Picture[], { decode }: Trial): Promise<void> {
  const differences: number[] = [];
  let otherCaptions = 0;
  for (const picture of pictures) {
    const [ours, theirs] = [await program(picture), await decode(picture)];
    for (const [i, level] of ours.entries()) differences.push(Math.abs(level - theirs[i]!));
    const before = await captionOf(picture);
    replaced = () => decode(picture);
    if ((await captionOf(picture)) !== before) otherCaptions += 1;
    replaced = null;
  }
  const largest = differences.reduce((a, b) => Math.max(a, b), 0);
  if (largest === 0) return;
  const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
  report({ measure: `${at}, largest difference`, value: largest, unit: 'levels' });
  report({ measure: `${at}, mean difference`, value: mean, unit: 'levels' });
  report({ measure: `${at}, other captions`, value: otherCaptions, unit: 'images' });
}

async function captionOf({ bytes }: Picture): Promise<string | undefined> {
  const { captions } = await captioner.caption(bytes);
  return captions[0]?.text;
}

/** Images a second, of one thread of JavaScript; the settings take turns. */
async function reportAtOnce(images: readonly Buffer[]): Promise<void> {
  const many = Array.from({ length: 10 }, () => images).flat();
  const settings = [1, 2].flatMap((threads) => [1, 2, 4, 8].map((atOnce) => ({ threads, atOnce })));
  const rates = settings.map((): number[] => []);
  for (let round = 0; round < AT_ONCE_ROUNDS; round++) {
    for (const [i, { threads, atOnce }] of settings.entries()) {
      sharp.concurrency(threads);
      rates[i]!.push(await throughput((bytes) => decodeImage(bytes, input), many, atOnce, 1));
    }
  }
  for (const [i, { threads, atOnce }] of settings.entries()) {
    const measure = `samples: ${atOnce} at once, libvips' threads: ${threads}`;
    report({ measure, value: median(rates[i]!), unit: 'images/s' });
  }
}

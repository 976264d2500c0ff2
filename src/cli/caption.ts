import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Captioner, CaptionResult } from '../caption/captioner.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';
import { type ErrorReport, InvalidRequest, reportOf } from '../errors.ts';
import { readBundle } from '../model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../model/load.ts';
import { createPool } from '../model/pool.ts';
import { addDecodingFlags, type DecodingFlags, decodingOptions } from './decoding-flags.ts';
import { EXIT_CODES, EXIT_INTERRUPTED, EXIT_OK, EXIT_SOME_IMAGE_FAILED } from './exit.ts';
import { expandInputs, readImage } from './inputs.ts';
import { startProgress } from './progress.ts';

/** Each worker holds a model of its own; more than this is a mistyped number. */
const MAX_JOBS = 64;

interface CaptionFlags extends DecodingFlags {
  model: string;
  threads?: number;
  jobs: number;
  json?: boolean;
}

type Outcome = { image: string; result: CaptionResult } | { image: string; error: ErrorReport };

const EXAMPLES = `
Examples:
  $ show-and-tell caption photo.jpg
  $ show-and-tell caption --top 1 --json holiday/ > captions.jsonl
  $ show-and-tell caption --jobs 4 'photos/**/*.jpg'
  $ curl -s https://example.com/photo.jpg | show-and-tell caption -

Exit status: 0 all captioned, 2 wrong usage, 3 some image failed, 4 the model is unusable, 70 a bug.`;

export function addCaptionCommand(program: Command): void {
  const command = program
    .command('caption')
    .description('print ranked captions of images')
    .argument('<images...>', 'image files, directories, glob patterns, or - for standard input')
    .option('--json', 'one JSON object a line instead of text')
    .option('--model <dir>', 'bundle to use', DEFAULT_BUNDLE)
    .option('--threads <n>', 'threads inside one network run (default: the processors, at most 4)', Number)
    .option(
      '--jobs <n>',
      'images captioned at the same time, each with its own copy of the model',
      Number,
      1,
    );
  addDecodingFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (images: string[], flags: CaptionFlags) => {
      process.exitCode = await captionImages(images, flags);
    });
}

async function captionImages(args: string[], flags: CaptionFlags): Promise<number> {
  checkCount('--jobs', flags.jobs, MAX_JOBS);
  if (flags.threads !== undefined) checkCount('--threads', flags.threads, 2 * availableParallelism());
  const images = await expandInputs(args);
  const { caption, options, close } = await startCaptioner(flags);
  const progress = startProgress(images.length, 'images');
  const interrupted = onInterrupt();
  let status = EXIT_OK;
  try {
    for await (const outcome of inOrder(images, flags.jobs, (image) =>
      captionFile(image, caption, options),
    )) {
      progress.hide();
      if ('result' in outcome) printResult(outcome, flags.json);
      else {
        printFailure(outcome, flags.json);
        status = Math.max(status, severity(outcome.error));
        if (status > EXIT_SOME_IMAGE_FAILED) break;
      }
      progress.tick();
      if (interrupted()) return EXIT_INTERRUPTED;
    }
  } finally {
    progress.stop();
    await close();
  }
  return status;
}

function checkCount(flag: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new InvalidRequest(`${flag}: expected a whole number from 1 to ${max}`);
}

/** One job runs here; more run in worker threads. */
async function startCaptioner(flags: CaptionFlags) {
  const pooled = flags.jobs > 1;
  const threads = flags.threads ?? (pooled ? 1 : undefined);
  if (!pooled) {
    const captioner = await loadCaptioner(flags.model, threads === undefined ? {} : { threads });
    const options = decodingOptions(flags, captioner.defaults);
    return { caption: captioner.caption, options, close: async () => undefined };
  }
  // Only its manifest and word list are read here, to refuse wrong options before any thread starts.
  const { manifest } = await readBundle(flags.model);
  const options = decodingOptions(flags, manifest.decoding);
  const pool = createPool(flags.jobs, { directory: flags.model, options: { threads: threads ?? 1 } });
  return { caption: pool.caption, options, close: pool.close };
}

async function captionFile(
  image: string,
  caption: Captioner['caption'],
  options: CaptionOptionsInput,
): Promise<Outcome> {
  try {
    return { image, result: await caption(await readImage(image), options) };
  } catch (error) {
    return { image, error: reportOf(error) };
  }
}

/** Runs at most `limit` at a time and yields the results in the order of the items. */
async function* inOrder<T, R>(
  items: readonly T[],
  limit: number,
  run: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  for (const item of items) {
    pending.push(run(item));
    if (pending.length >= limit) yield await pending.shift()!;
  }
  for (const result of pending) yield await result;
}

/** An image's own fault lets the others go on; anything worse ends the run. */
function severity(error: ErrorReport): number {
  return error.code === 'InvalidRequest' ? EXIT_SOME_IMAGE_FAILED : EXIT_CODES[error.code];
}

function printResult({ image, result }: { image: string; result: CaptionResult }, json = false): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ image, ...result })}\n`);
    return;
  }
  const lines = result.captions.map((c, i) => `  ${i}) ${c.text} (p=${c.probability.toFixed(6)})\n`);
  process.stdout.write(`Captions for image ${image}:\n${lines.join('')}`);
}

function printFailure({ image, error }: { image: string; error: ErrorReport }, json = false): void {
  const { code, message } = error;
  if (json) process.stdout.write(`${JSON.stringify({ image, error: { code, message } })}\n`);
  else process.stderr.write(`show-and-tell: ${image}: ${code}: ${message}\n`);
}

/** First Ctrl-C: the image at work is finished and printed, then the program ends. A second one ends it at once. */
function onInterrupt(): () => boolean {
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
  });
  return () => interrupted;
}

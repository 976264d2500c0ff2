import type { Command } from 'commander';
import type { CaptionCall, CaptionResult } from '../caption/captioner.ts';
import { type ErrorReport, reportOf } from '../errors.ts';
import { captionLines } from './caption-lines.ts';
import { addDecodingFlags } from './decoding-flags.ts';
import { EXIT_CODES, EXIT_INTERRUPTED, EXIT_OK, EXIT_SOME_IMAGE_FAILED } from './exit.ts';
import { expandInputs, readImage } from './inputs.ts';
import { addPictureFlags, type PictureFlags, pictureCall, writePictures } from './pictures.ts';
import { startProgress } from './progress.ts';
import {
  addCaptionerFlags,
  type CaptionerFlags,
  inOrder,
  onInterrupt,
  type RunningCaptioner,
  startCaptioner,
} from './run-images.ts';

type CaptionFlags = CaptionerFlags & PictureFlags;

type Outcome =
  | { image: string; bytes: Uint8Array; result: CaptionResult }
  | { image: string; error: ErrorReport };

const EXAMPLES = `
Examples:
  $ show-and-tell caption photo.jpg
  $ show-and-tell caption --top 1 --json holiday/ > captions.jsonl
  $ show-and-tell caption --jobs 4 'photos/**/*.jpg'
  $ show-and-tell caption --explain-to maps --trace-to trees photo.jpg
  $ show-and-tell caption --gender-neutral --require 'red ball' photo.jpg
  $ curl -s https://example.com/photo.jpg | show-and-tell caption -

Exit status: 0 all captioned, 2 wrong usage, 3 some image failed, 4 the model is unusable, 70 a bug.`;

export function addCaptionCommand(program: Command): void {
  const command = program
    .command('caption')
    .description('print ranked captions of images')
    .argument('<images...>', 'image files, directories, glob patterns, or - for standard input')
    .option('--json', 'one JSON object a line instead of text');
  addPictureFlags(addDecodingFlags(addCaptionerFlags(command)))
    .addHelpText('after', EXAMPLES)
    .action(async (images: string[], flags: CaptionFlags) => {
      process.exitCode = await captionImages(images, flags);
    });
}

async function captionImages(args: string[], flags: CaptionFlags): Promise<number> {
  const call = pictureCall(flags);
  const captioner = await startCaptioner(flags);
  const images = await expandInputs(args);
  const progress = startProgress(images.length, 'images');
  const interrupted = onInterrupt();
  let status = EXIT_OK;
  let done = 0;
  try {
    for await (const outcome of inOrder(images, flags.jobs, (image) => captionFile(image, captioner, call))) {
      if (interrupted() && 'error' in outcome) return EXIT_INTERRUPTED;
      progress.hide();
      if ('result' in outcome) {
        printResult(outcome, flags);
        await writePictures({ ...outcome, at: done }, flags);
      } else {
        printFailure(outcome, flags.json);
        status = Math.max(status, severity(outcome.error));
        if (status > EXIT_SOME_IMAGE_FAILED) break;
      }
      done++;
      progress.tick();
      if (interrupted()) return EXIT_INTERRUPTED;
    }
  } finally {
    progress.stop();
    await captioner.close();
  }
  return status;
}

async function captionFile(
  image: string,
  { caption, options }: RunningCaptioner,
  call: CaptionCall,
): Promise<Outcome> {
  try {
    const bytes = await readImage(image);
    return { image, bytes, result: await caption(bytes, options, call) };
  } catch (error) {
    return { image, error: reportOf(error) };
  }
}

/** An image's own fault lets the others go on; anything worse ends the run. */
function severity(error: ErrorReport): number {
  return error.code === 'InvalidRequest' ? EXIT_SOME_IMAGE_FAILED : EXIT_CODES[error.code];
}

function printResult(
  { image, result }: { image: string; result: CaptionResult },
  { json, explain, trace, minConfidence }: CaptionFlags,
): void {
  if (json) {
    const { explanation, trace: words, ...rest } = result;
    const asked = { ...(explain && { explanation }), ...(trace && { trace: words }) };
    process.stdout.write(`${JSON.stringify({ image, ...rest, ...asked })}\n`);
    return;
  }
  process.stdout.write(`Captions for image ${image}:\n${captionLines(result.captions)}`);
  if (minConfidence !== undefined && result.needsReview) {
    process.stdout.write(`  needs review: confidence ${result.confidence?.toFixed(2)}\n`);
  }
}

function printFailure({ image, error }: { image: string; error: ErrorReport }, json = false): void {
  const { code, message } = error;
  if (json) process.stdout.write(`${JSON.stringify({ image, error: { code, message } })}\n`);
  else process.stderr.write(`show-and-tell: ${image}: ${code}: ${message}\n`);
}

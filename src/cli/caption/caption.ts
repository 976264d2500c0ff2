import type { Command } from 'commander';
import { printable } from '../../printable.ts';
import { laterIsLikelier } from '../shared/caption-lines.ts';
import { addDecodingFlags } from '../shared/decoding-flags.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { countInputs, walkInputs } from '../shared/inputs.ts';
import { startProgress } from '../shared/progress.ts';
import {
  addCaptionerFlags,
  type CaptionerFlags,
  inOrder,
  type RunningCaptioner,
  startCaptioner,
} from '../shared/run-images.ts';
import { listenForStop, type Stop } from '../shared/stop.ts';
import { type CaptionOneParts, createCaptionOne, readInput } from './caption-one.ts';
import { jsonOutput, type Output, resultsOutput, textOutput } from './caption-output.ts';
import { startTally } from './caption-tally.ts';
import { addPictureFlags, type PictureFlags, pictureCall, writePictures } from './pictures.ts';
import { openResults, type Recipe, type ResultsFile } from './resume.ts';

type CaptionFlags = CaptionerFlags & PictureFlags & { resume?: string; skipDuplicates?: boolean };

/** Files in memory before their turn comes: a disk answers far sooner than a network. */
const READ_AHEAD = 4;

const ORDER_NOTE =
  'Captions rank by probability evened out for length, so a later one may have the larger p (--length-normalization 0 ranks by p).';

const EXAMPLES = `
Captions rank by log-probability / length^X of --length-normalization, and those that say a thing twice come last. p is the
probability of the whole sentence, so a later caption may have the larger one.

A directory stands for all pictures below it, through links too, each directory once; one that cannot be read (HEIC, raw
formats) fails by name. Hidden directories, ._ files of macOS, @eaDir and the like are left out unless they are named.

--resume FILE writes the lines of --json into FILE, each with the SHA-256 of the image and all options, and prints only
a summary. Whatever FILE holds already is skipped: the same content, captioned by the same model with the same options.
A renamed or copied image gets a line of its own without being captioned again. Images that failed are tried again, and
a failure is recorded once. A line that was cut off when a run was killed is dropped. One run at a time writes FILE, which
FILE.lock beside it says; after a kill that is in nobody's way. --explain-to and --trace-to write nothing for images that
are skipped.

--skip-duplicates compares what images look like: copies in another format, quality or size are mostly found, rotated,
mirrored or much cropped ones are not. The first is captioned; the line of each other says "duplicateOf" instead.

Examples:
  $ show-and-tell caption photo.jpg
  $ show-and-tell caption --top 1 --json holiday/ > captions.jsonl
  $ show-and-tell caption --jobs 4 'photos/**/*.jpg'
  $ show-and-tell caption --jobs 4 --resume captions.jsonl --skip-duplicates photos/
  $ show-and-tell caption --explain-to maps --trace-to trees photo.jpg
  $ show-and-tell caption --gender-neutral --require 'red ball' photo.jpg
  $ curl -s https://example.com/photo.jpg | show-and-tell caption -

Exit status: 0 all captioned, 2 wrong usage or FILE is another run's, 3 some image failed, 4 the model is unusable, 70 a bug,
74 the output cannot be written; ended by a signal: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.`;

export function addCaptionCommand(program: Command): void {
  const command = program
    .command('caption')
    .description('print ranked captions of images')
    .argument('<images...>', 'image files, directories, glob patterns, or - for standard input')
    .option('--json', 'one JSON object a line instead of text')
    .option('--resume <file>', 'append the results to this file, and skip the images that it has already')
    .option('--skip-duplicates', 'caption images that look the same once');
  addPictureFlags(addDecodingFlags(addCaptionerFlags(command)))
    .addHelpText('after', EXAMPLES)
    .action(async (images: string[], flags: CaptionFlags) => {
      const json = flags.json || flags.resume !== undefined;
      process.exitCode = await captionImages(images, { ...flags, ...(json && { json }) });
    });
}

async function captionImages(args: string[], flags: CaptionFlags): Promise<number> {
  const call = pictureCall(flags);
  const stop = listenForStop();
  const captioner = await startCaptioner(flags, call);
  let results: ResultsFile | null = null;
  try {
    if (flags.resume !== undefined) results = openResults(flags.resume, recipeOf(captioner, flags));
    return await captionAll(args, { ...captioner, call, results, stop }, flags);
  } finally {
    results?.close();
    await captioner.close();
  }
}

/** What a line of an earlier run must have been made with to count as done. */
export function recipeOf(
  { model, plan }: Pick<RunningCaptioner, 'model' | 'plan'>,
  { explain, trace, skipDuplicates }: Pick<CaptionFlags, 'explain' | 'trace' | 'skipDuplicates'>,
): Recipe {
  const asked = { ...(explain && { explain }), ...(trace && { trace }) };
  return {
    model,
    options: { ...plan.options, ...asked },
    duplicatesCount: skipDuplicates === true,
  };
}

async function captionAll(
  args: string[],
  parts: CaptionOneParts & Pick<RunningCaptioner, 'inFlight' | 'takeMemory'> & { stop: Stop },
  flags: CaptionFlags,
): Promise<number> {
  const { results, stop, takeMemory } = parts;
  const recognise = {
    content: results !== null,
    look: flags.skipDuplicates === true ? { maxPixels: flags.maxPixels, takeMemory } : null,
  };
  const files = inOrder(walkInputs(args), READ_AHEAD, (image) => readInput(image, recognise));
  const put = results === null ? printer(flags) : resultsOutput(results, flags);
  const tally = startTally();
  const progress = startProgress(process.stderr.isTTY ? await countInputs(args) : null, 'images');
  let status = EXIT_OK;
  let at = 0;
  let unlikeP = false;
  try {
    for await (const outcome of inOrder(files, parts.inFlight, createCaptionOne(parts))) {
      if (stop.status !== null && outcome.kind === 'failed') return stop.status;
      if (outcome.kind === 'failed' || (results === null && process.stdout.isTTY)) progress.hide();
      if (outcome.kind === 'captioned') await writePictures({ ...outcome, at }, flags);
      if (outcome.kind === 'failed') status = Math.max(status, severity(outcome.error));
      put(outcome);
      if (outcome.kind === 'captioned') unlikeP ||= laterIsLikelier(outcome.result.captions);
      if (status > EXIT_SOME_IMAGE_FAILED) return status;
      at++;
      tally.count(outcome);
      progress.tick(tally.note());
      if (stop.status !== null) return stop.status;
    }
  } finally {
    progress.stop();
    if (unlikeP && !flags.json && process.stderr.isTTY) process.stderr.write(`${ORDER_NOTE}\n`);
    if (results !== null) process.stdout.write(`${printable(flags.resume!)}: ${tally.summary()}\n`);
  }
  return status;
}

function printer(flags: CaptionFlags): Output {
  return flags.json ? jsonOutput(flags) : textOutput(flags);
}

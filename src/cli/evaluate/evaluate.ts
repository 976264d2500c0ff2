import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import * as z from 'zod';
import { type ErrorReport, InvalidRequest, reportOf } from '../../errors.ts';
import type { CaptionedImage } from '../../evaluate/report.ts';
import { DEFAULT_BUNDLE } from '../../model/load.ts';
import { complain } from '../shared/complain.ts';
import { addDecodingFlags } from '../shared/decoding-flags.ts';
import { EXIT_INTERRUPTED, EXIT_OK, EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { startProgress } from '../shared/progress.ts';
import {
  addCaptionerFlags,
  type CaptionerFlags,
  inOrder,
  onInterrupt,
  type RunningCaptioner,
  startCaptioner,
} from '../shared/run-images.ts';
import type { ImageSet } from './image-set.ts';

interface EvaluateFlags extends CaptionerFlags {
  images: string;
  captions: string;
  split: string;
  json?: boolean;
  save?: boolean;
}

const EXAMPLES = `
The captions file is JSON: {"dev": {"photo.jpg": ["a dog runs .", "..."]}}, one object a split.

Examples:
  $ show-and-tell evaluate --images dev.zip --captions captions.json
  $ show-and-tell evaluate --images photos/ --captions captions.json --split test --jobs 2 --json`;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('caption images that people captioned, and score with BLEU, ROUGE-L and CIDEr-D')
    .requiredOption('--images <dir|zip>', 'directory or zip archive of the images')
    .requiredOption('--captions <file>', 'captions that people wrote, by split and image')
    .option('--split <name>', 'part of the captions file', 'dev')
    .option('--json', 'one JSON object with every image instead of the tables')
    .option('--save', 'write the scores and the calibration of the confidence into the bundle’s manifest');
  addDecodingFlags(addCaptionerFlags(command))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: EvaluateFlags) => {
      process.exitCode = await evaluate(flags);
    });
}

type Outcome = CaptionedImage | { image: string; error: ErrorReport };

async function evaluate(flags: EvaluateFlags): Promise<number> {
  const references = await readCaptions(flags.captions, flags.split);
  const captioner = await startCaptioner(flags);
  if (flags.save && Object.keys(captioner.plan.asked).length > 0) {
    throw new InvalidRequest(
      '--save: scores in a manifest are those of its own decoding options; leave yours out',
    );
  }
  const { openImageSet } = await import('./image-set.ts');
  const images = await openImageSet(flags.images);
  const interrupted = onInterrupt();
  const progress = startProgress(references.length, 'images');
  const captioned: CaptionedImage[] = [];
  let status = EXIT_OK;
  try {
    const work = ([image, written]: [string, string[]]) => captionOne(image, written, images, captioner);
    for await (const outcome of inOrder(references, flags.jobs, work)) {
      progress.tick();
      if (interrupted()) return EXIT_INTERRUPTED;
      if ('result' in outcome) captioned.push(outcome);
      else {
        complain(outcome.image, outcome.error);
        status = severity(outcome.error);
        if (status > EXIT_SOME_IMAGE_FAILED) return status;
      }
    }
  } finally {
    progress.stop();
    images.close();
    await captioner.close();
  }
  if (captioned.length === 0) throw new InvalidRequest(`${flags.images}: none of the split's images is here`);
  const { buildReport, reportTable } = await import('../../evaluate/report.ts');
  const report = buildReport(captioned, {
    split: flags.split,
    model: captioner.model,
    options: captioner.plan.asked,
  });
  if (flags.save && status !== EXIT_OK) {
    process.stderr.write(
      'show-and-tell: --save: nothing was saved, for not every image of the split was scored\n',
    );
  } else if (flags.save) {
    const { saveMeasured } = await import('../../model/write-bundle.ts');
    const { metrics, confidence } = report;
    await saveMeasured(flags.model ?? DEFAULT_BUNDLE, { metrics, confidence: confidence?.model });
  }
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : reportTable(report));
  return status;
}

async function captionOne(
  image: string,
  references: string[],
  images: ImageSet,
  { caption, plan }: RunningCaptioner,
): Promise<Outcome> {
  try {
    return { image, references, result: await caption(await images.read(image), plan) };
  } catch (error) {
    return { image, error: reportOf(error) };
  }
}

const captionsSchema = z.record(z.string(), z.record(z.string(), z.array(z.string()).min(1)));

async function readCaptions(file: string, split: string): Promise<[string, string[]][]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new InvalidRequest(`${file}: no readable captions file`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InvalidRequest(`${file}: not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const parsed = captionsSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new InvalidRequest(
      `${file}: expected {"split": {"image": ["caption", …]}}; ${path.join('.')}: ${message}`,
    );
  }
  const captions = parsed.data[split];
  if (captions === undefined) {
    throw new InvalidRequest(`${file}: no split "${split}"; it has ${Object.keys(parsed.data).join(', ')}`);
  }
  return Object.entries(captions);
}

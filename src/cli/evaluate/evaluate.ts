import type { Command } from 'commander';
import { type ErrorReport, InvalidRequest, reportOf } from '../../errors.ts';
import type { CaptionedImage, EvaluationReport } from '../../evaluate/report.ts';
import { DEFAULT_BUNDLE } from '../../model/load.ts';
import { printableJson, printableLines } from '../../printable.ts';
import { complain } from '../shared/complain.ts';
import { addDecodingFlags } from '../shared/decoding-flags.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { startProgress } from '../shared/progress.ts';
import {
  addCaptionerFlags,
  type CaptionerFlags,
  inOrder,
  type RunningCaptioner,
  startCaptioner,
} from '../shared/run-images.ts';
import { listenForStop, type Stop } from '../shared/stop.ts';
import { type EvaluatedImage, openSets, parseSet, type SetFlags, setsOf } from './labelled-sets.ts';

interface EvaluateFlags extends CaptionerFlags, SetFlags {
  json?: boolean;
  save?: boolean;
}

const EXAMPLES = `
The captions file is JSON: {"dev": {"photo.jpg": ["a dog runs .", "..."]}}, one object a split; or COCO's annotations
(captions_val2017.json, one split each), or Karpathy's dataset_*.json, as they are. An image is found by its path in the
directory or archive, or by the end of its path; a name that could mean two images is refused.

Several --set are several kinds of photograph: each is scored for itself, with document frequencies of its own, and
counts as much as every other in the confidence. --not-photographs are documents, drawings, noise and the like: whatever
is said of them is wrong, and the confidence is fitted to fall there.

Examples:
  $ show-and-tell evaluate --images dev.zip --captions captions.json
  $ show-and-tell evaluate --images photos/ --captions captions.json --split test --jobs 2 --json
  $ show-and-tell evaluate --images val2017.zip --captions captions_val2017.json
  $ show-and-tell evaluate --images val2014/ --captions dataset_coco.json --split test
  $ show-and-tell evaluate --set streets=streets.zip,streets.json --set dogs=dogs.zip,dogs.json,test \\
      --not-photographs oddities/ --save

Exit status: 0 all scored, 2 wrong usage, 3 some image failed, 4 the model is unusable, 70 a bug, 74 the output cannot be
written, 130 interrupted.`;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('caption images that people captioned, and score with BLEU, ROUGE-L and CIDEr-D')
    .option('--images <dir|zip>', 'directory or zip archive of the images')
    .option('--captions <file>', 'captions that people wrote, by split and image')
    .option('--split <name>', 'part of the captions file (default: dev, or val)')
    .option(
      '--set <name=images,captions[,split]>',
      'one kind of photograph, in place of the three above; may be given several times',
      parseSet,
    )
    .option(
      '--not-photographs <dir|zip>',
      'images that show no everyday scene; the confidence is fitted on them, too',
    )
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
  const sources = setsOf(flags);
  const stop = listenForStop();
  const { items, sets, close } = await openSets(sources, flags.notPhotographs);
  const captioner = await startCaptioner(flags);
  try {
    if (flags.save && Object.keys(captioner.plan.asked).length > 0) {
      throw new InvalidRequest(
        '--save: scores in a manifest are those of its own decoding options; leave yours out',
      );
    }
    const { captioned, status } = await captionSets(items, flags.jobs, captioner, stop);
    if (status > EXIT_SOME_IMAGE_FAILED) return status;
    for (const { name, images } of sources) {
      if (captioned.some(({ set }) => set === name)) continue;
      throw new InvalidRequest(`${images}: none of the split's images is here`);
    }
    const { buildReport, reportTable } = await import('../../evaluate/report.ts');
    const { model, plan } = captioner;
    const report = buildReport(captioned, sets, { model, options: plan.asked });
    if (flags.save) await save(flags.model ?? DEFAULT_BUNDLE, report, status);
    process.stdout.write(flags.json ? `${printableJson(report)}\n` : printableLines(reportTable(report)));
    return status;
  } finally {
    close();
    await captioner.close();
  }
}

/** @returns what could be captioned; the status of the worst failure, or that of a signal */
async function captionSets(
  items: readonly EvaluatedImage[],
  jobs: number,
  captioner: RunningCaptioner,
  stop: Stop,
): Promise<{ captioned: CaptionedImage[]; status: number }> {
  const progress = startProgress(items.length, 'images');
  const captioned: CaptionedImage[] = [];
  let status = EXIT_OK;
  try {
    for await (const outcome of inOrder(items, jobs, (item) => captionOne(item, captioner))) {
      progress.tick();
      if (stop.status !== null) return { captioned, status: stop.status };
      if ('result' in outcome) captioned.push(outcome);
      else {
        complain(outcome.image, outcome.error);
        status = severity(outcome.error);
        if (status > EXIT_SOME_IMAGE_FAILED) break;
      }
    }
  } finally {
    progress.stop();
  }
  return { captioned, status };
}

async function captionOne(
  { set, image, path, references, images }: EvaluatedImage,
  { caption, plan }: RunningCaptioner,
): Promise<Outcome> {
  try {
    const result = await caption(await images.read(path), plan, { features: true });
    return { set, image, references, result };
  } catch (error) {
    return { image, error: reportOf(error) };
  }
}

async function save(directory: string, { metrics, sets, confidence }: EvaluationReport, status: number) {
  if (status !== EXIT_OK) {
    process.stderr.write(
      'show-and-tell: --save: nothing was saved, for not every image of the split was scored\n',
    );
    return;
  }
  const { saveMeasured } = await import('../../model/write-bundle.ts');
  const ofSets = sets && Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, set.metrics]));
  await saveMeasured(directory, { metrics: metrics ?? ofSets, confidence: confidence?.model });
}

import { setTimeout as pause } from 'node:timers/promises';
import { type AltText, fillAlt } from '../../alt/page/fill-alt.ts';
import { type LocalImage, localImage, type PagePlace, pagePlace } from '../../alt/page/local-image.ts';
import {
  type BareImage,
  type FillableImage,
  type FillableImages,
  imagesWithoutAlt,
} from '../../alt/page/page-images.ts';
import { type ErrorReport, OutputFailed, reportOf } from '../../errors.ts';
import { ChangedMeanwhile, replaceFile } from '../../files/replace-file.ts';
import { printable, printableJson } from '../../printable.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { type Progress, startProgress } from '../shared/progress.ts';
import { inOrder, type RunningCaptioner, startCaptioner } from '../shared/run-images.ts';
import { listenForStop, type Stop } from '../shared/stop.ts';
import type { AltLine } from './alt-line.ts';
import type { AltFlags } from './flags.ts';
import { expandPages, readPage, shownSource } from './pages.ts';
import { type AltOutcome, altTextOf, MOST_TRIES, objection, RETRY_MS } from './text-of.ts';

/** Why an image is left as it is. */
type Left = Extract<FillableImage['picture'], { left: unknown }>['left'];
type Skipped = Extract<LocalImage, { skipped: unknown }> | { skipped: Left };

const WHY_LEFT: Partial<Record<Skipped['skipped'], string>> = {
  template: 'left to the template that makes this tag; write alt there',
  placeholder: 'a placeholder, and the page does not name the picture that takes its place',
  spacer: 'a spacer; alt="" would say so',
  'blank alt': 'its alt is blank; write a text, or alt="" for decoration',
};

/** An image file itself is not kept. */
type KnownText =
  | Pick<Extract<AltOutcome, { line: unknown }>, 'line'>
  | { error: ErrorReport }
  | { skipped: 'spacer' };

interface Run {
  flags: AltFlags;
  captioner: RunningCaptioner;
  progress: Progress;
  stop: Stop;
  /** Each file is captioned once, however often pages show it. */
  known: Map<string, Promise<KnownText>>;
  done: number;
  total: number;
}

/**
 * Fills in missing `alt` attributes, page after page; a page is written when all of its images are captioned.
 * @returns exit code
 */
export async function fillPages(args: string[], flags: AltFlags): Promise<number> {
  const stop = listenForStop();
  const captioner = await startCaptioner(flags);
  const progress = startProgress(null, 'images');
  const run: Run = {
    flags,
    captioner,
    progress,
    stop,
    known: new Map(),
    done: 0,
    total: 0,
  };
  let status = EXIT_OK;
  try {
    for (const page of await expandPages(args)) {
      status = Math.max(status, await fillPage(page, run));
      if (stop.status !== null) return stop.status;
      if (status > EXIT_SOME_IMAGE_FAILED) break;
    }
  } finally {
    progress.stop();
    await captioner.close();
  }
  return status;
}

/** What somebody else writes meanwhile is read anew; nothing is captioned or told twice for that. */
async function fillPage(path: string, run: Run): Promise<number> {
  const told = new Set<string>();
  for (let tries = 1; ; tries++) {
    try {
      return await fillOnce(path, run, told);
    } catch (error) {
      if (error instanceof OutputFailed) throw error;
      if (error instanceof ChangedMeanwhile && tries < MOST_TRIES) {
        await pause(RETRY_MS * tries);
        continue;
      }
      const report = reportOf(error);
      run.progress.hide();
      complain(path, report);
      return severity(report);
    }
  }
}

/** @param told addresses of images that something was said of; those of this try are added */
async function fillOnce(path: string, run: Run, told: Set<string>): Promise<number> {
  const page = await readPage(path);
  const { images, base } = imagesWithoutAlt(page.text);
  const news = images.filter(({ src }) => !told.has(src));
  run.total += news.length;
  const { texts, status } = await textsOf(path, { images, base }, run, new Set(news));
  for (const { src } of news) told.add(src);
  if (status > EXIT_SOME_IMAGE_FAILED || run.stop.status !== null) return status;
  if (texts.length > 0) await replaceFile(path, page.file, fillAlt(page.text, texts));
  return status;
}

async function textsOf(
  path: string,
  { images, base }: FillableImages,
  run: Run,
  news: ReadonlySet<FillableImage>,
): Promise<{ texts: AltText[]; status: number }> {
  const place = await pagePlace(path, base, run.flags.root);
  const work = async (image: FillableImage) => {
    const found = await fileOf(image, place);
    return { image, outcome: 'skipped' in found ? found : await altOnce(found.file, run) };
  };
  const texts: AltText[] = [];
  let status = EXIT_OK;
  for await (const { image, outcome } of inOrder(images, run.captioner.inFlight, work)) {
    if (news.has(image)) {
      run.progress.hide();
      print(path, image, outcome, run.flags);
      run.progress.set(++run.done, run.total);
    }
    if ('line' in outcome && objection(outcome.line, run.flags) === null) {
      texts.push({ at: image.at, text: outcome.line.alt });
    }
    if ('error' in outcome) status = Math.max(status, severity(outcome.error));
    if (status > EXIT_SOME_IMAGE_FAILED || run.stop.status !== null) break;
  }
  return { texts, status };
}

/** The first address that has a file; where none has, the first one says why. */
async function fileOf({ picture }: FillableImage, place: PagePlace): Promise<{ file: string } | Skipped> {
  if ('left' in picture) return { skipped: picture.left };
  let first: LocalImage | null = null;
  for (const address of picture.addresses) {
    const found = await localImage(address, place);
    if ('file' in found) return found;
    first ??= found;
  }
  return first!;
}

function altOnce(file: string, { known, captioner }: Run): Promise<KnownText> {
  const outcome = known.get(file) ?? altTextOf(file, captioner).then(withoutBytes);
  known.set(file, outcome);
  return outcome;
}

function withoutBytes(outcome: AltOutcome): KnownText {
  if ('error' in outcome) return outcome;
  return outcome.isSpacer ? { skipped: 'spacer' } : { line: outcome.line };
}

function print(page: string, { line, src }: BareImage, outcome: KnownText | Skipped, flags: AltFlags): void {
  if (flags.json) {
    const said: Partial<AltLine> & { error?: ErrorReport; skipped?: string } =
      'line' in outcome ? outcome.line : outcome;
    process.stdout.write(`${printableJson({ page, line, src, ...said })}\n`);
    return;
  }
  const place = `${page}:${line}: ${shownSource(src)}`;
  if ('line' in outcome) process.stdout.write(`${printable(`${place}: ${outcome.line.alt}`)}\n`);
  const note = noteOn(outcome, flags);
  if (note !== null) complain(place, note);
}

function noteOn(outcome: KnownText | Skipped, flags: AltFlags): ErrorReport | string | null {
  if ('skipped' in outcome) return WHY_LEFT[outcome.skipped] ?? outcome.skipped;
  if ('error' in outcome) return outcome.error;
  return objection(outcome.line, flags);
}

import { extname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describeImage } from '../../alt/describe-image.ts';
import { isRawOriginal } from '../../alt/raw-original.ts';
import { describeSidecar, sidecarOf } from '../../alt/sidecar.ts';
import { isRawEnding } from '../../caption/image-input.ts';
import { type ErrorReport, OutputFailed, reportOf, UnsupportedImage } from '../../errors.ts';
import { ChangedMeanwhile, replaceFile } from '../../files/replace-file.ts';
import { printable, printableJson } from '../../printable.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { countInputs, walkInputs } from '../shared/inputs.ts';
import { startProgress } from '../shared/progress.ts';
import { inOrder, type RunningCaptioner, startCaptioner } from '../shared/run-images.ts';
import { listenForStop } from '../shared/stop.ts';
import { ALT_CSV } from './alt-csv.ts';
import type { AltLine, ImageLine } from './alt-line.ts';
import type { AltFlags } from './flags.ts';
import { type AltOutcome, altTextOf, MOST_TRIES, objection, RETRY_MS } from './text-of.ts';

/** @returns exit code */
export async function altImages(args: string[], flags: AltFlags): Promise<number> {
  const stop = listenForStop();
  const captioner = await startCaptioner(flags);
  const progress = startProgress(process.stderr.isTTY ? await countInputs(args) : null, 'images');
  let status = EXIT_OK;
  if (flags.csv) process.stdout.write(ALT_CSV.header);
  try {
    const work = async (image: string) => ({ image, outcome: await altTextOf(image, captioner) });
    for await (const { image, outcome } of inOrder(walkInputs(args), captioner.inFlight, work)) {
      if (stop.status !== null && 'error' in outcome) return stop.status;
      const line = await lineOf(image, outcome, captioner, flags);
      progress.hide();
      print(line, flags);
      if (line.error) status = Math.max(status, severity(line.error));
      if (status > EXIT_SOME_IMAGE_FAILED) break;
      progress.tick();
      if (stop.status !== null) return stop.status;
    }
  } finally {
    progress.stop();
    await captioner.close();
  }
  return status;
}

/** What somebody else writes while it is captioned is captioned again. */
async function lineOf(
  image: string,
  first: AltOutcome,
  captioner: RunningCaptioner,
  flags: AltFlags,
): Promise<ImageLine> {
  for (let outcome = first, tries = 1; ; tries++) {
    if ('error' in outcome) return { image, error: outcome.error };
    const line = { image, ...outcome.line };
    if (!flags.writeXmp) return line;
    try {
      return { ...line, ...(await write(image, outcome, flags)) };
    } catch (error) {
      if (error instanceof OutputFailed) throw error;
      const isAgain = error instanceof ChangedMeanwhile && tries < MOST_TRIES;
      if (!isAgain) return { ...line, error: reportOf(error) };
    }
    await pause(RETRY_MS * tries);
    outcome = await altTextOf(image, captioner);
  }
}

async function write(
  image: string,
  { bytes, line }: { bytes: Uint8Array; line: AltLine },
  flags: AltFlags,
): Promise<Pick<ImageLine, 'xmp'>> {
  if (objection(line, flags) !== null) return {};
  const overwrite = flags.overwrite === true;
  if (isRaw(image, bytes)) {
    if (!flags.sidecar) throw new UnsupportedImage(RAW_REFUSED);
    return {
      xmp: { ...(await describeSidecar(image, bytes, line.alt, overwrite)), sidecar: sidecarOf(image) },
    };
  }
  const described = describeImage(bytes, line.alt, overwrite);
  if (described.bytes !== null) await replaceFile(image, bytes, described.bytes);
  return { xmp: { written: described.written, kept: described.kept } };
}

const RAW_REFUSED = 'cameras’ originals are not written into; --sidecar writes an .xmp file beside them';

/** By its name or by its content, for either may be another's. */
function isRaw(image: string, bytes: Uint8Array): boolean {
  return isRawEnding(extname(image).slice(1).toLowerCase()) || isRawOriginal(bytes);
}

function print(line: ImageLine, flags: AltFlags): void {
  if (flags.json) process.stdout.write(`${printableJson(line)}\n`);
  else if (flags.csv) process.stdout.write(ALT_CSV.row(line));
  else if (line.alt !== undefined) process.stdout.write(`${printable(`${line.image}: ${line.alt}`)}\n`);
  if (flags.json) return;
  for (const note of notesOn(line, flags)) complain(line.image, note);
}

function notesOn({ alt, error, xmp, ...rest }: ImageLine, flags: AltFlags): (ErrorReport | string)[] {
  const notes: (ErrorReport | string)[] = [];
  if (error) notes.push(error);
  if (xmp && xmp.kept.length > 0) notes.push(`keeps its own ${xmp.kept.join(' and ')}`);
  const doubt = alt === undefined ? null : objection({ ...rest, alt }, flags);
  if (doubt !== null) notes.push(doubt);
  return notes;
}

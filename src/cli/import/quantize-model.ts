/** What `show-and-tell quantize` does; loaded when it is asked for, since it needs much that captioning does not. */
import { basename } from 'node:path';
import { claimPlace, type Draft } from '../../model/write-bundle.ts';
import type { Agreement } from '../../quantize/agreement.ts';
import { quantizeBundle } from '../../quantize/quantize-bundle.ts';
import { expandInputs, isImageName, readImage } from '../shared/inputs.ts';
import { startProgress } from '../shared/progress.ts';
import { printAgreement, printBundle, publishChecked } from './bundle-report.ts';

/** More images hardly move the ranges; their files stay in memory while the ways to quantise are compared. */
const MAX_CALIBRATION_IMAGES = 128;

export interface QuantizeFlags {
  model: string;
  calibrate: string[];
  out: string;
  name?: string;
}

/** @throws InvalidRequest, ModelUnusable, SourceError */
export async function quantizeModel({
  model,
  calibrate,
  out,
  name = basename(out),
}: QuantizeFlags): Promise<void> {
  await claimPlace(out);
  const started = performance.now();
  const { draft, agreement } = await quantizeWithProgress(model, calibrate, out, name);
  printAgreement(agreement);
  await publishChecked(draft);
  await printBundle(out, performance.now() - started);
}

/** Reads the photographs and shows a bar while the bundle is made. */
export async function quantizeWithProgress(
  directory: string,
  calibrate: readonly string[],
  out: string,
  name: string,
): Promise<{ draft: Draft; agreement: Agreement }> {
  const images = await readImages(calibrate);
  const progress = startProgress(null, 'steps');
  try {
    return await quantizeBundle({ directory, images, out, name, onProgress: progress.set });
  } finally {
    progress.stop();
  }
}

async function readImages(calibrate: readonly string[]): Promise<Uint8Array[]> {
  const all = await expandInputs(calibrate, isImageName);
  return Promise.all(spread(all, MAX_CALIBRATION_IMAGES).map(readImage));
}

/** So many of them at most, evenly from the first on. */
export function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(all.length, most);
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}

/** One image of many: read and recognised, and captioned unless that was done before. */
import { hash } from 'node:crypto';
import type { Captioner } from '../../caption/captioner.ts';
import type { CaptionCall } from '../../caption/describe.ts';
import type { CaptionPlan } from '../../caption/plan.ts';
import { type ErrorReport, reportOf } from '../../errors.ts';
import type { ReadOptions } from '../../model/image.ts';
import { readImage } from '../shared/inputs.ts';
import type { Outcome } from './caption-output.ts';
import { createOriginals, type Look, lookOf } from './duplicates.ts';
import type { ResultsFile } from './resume.ts';

/** A file, with what it takes to recognise it. */
export type Input = { image: string; sha256: string | undefined } & (
  | { bytes: Uint8Array; look: Look | null }
  | { error: ErrorReport }
);

/** @param recognise by its content, by its look, which is then read so */
export async function readInput(
  image: string,
  recognise: { content: boolean; look: ReadOptions | null },
): Promise<Input> {
  let sha256: string | undefined;
  try {
    const bytes = await readImage(image);
    if (recognise.content) sha256 = hash('sha256', bytes);
    return { image, sha256, bytes, look: recognise.look && (await lookOf(bytes, recognise.look)) };
  } catch (error) {
    return { image, sha256, error: reportOf(error) };
  }
}

export interface CaptionOneParts {
  caption: Captioner['caption'];
  plan: CaptionPlan;
  call: CaptionCall;
  /** `null`: nothing was done before. */
  results: ResultsFile | null;
}

/**
 * Called in the order of the images, several at a time: an image is compared with those before it, captioned or not
 * yet.
 */
export function createCaptionOne(parts: CaptionOneParts): (input: Input) => Promise<Outcome> {
  const originals = createOriginals();
  return async (input) => {
    const { image, sha256 } = input;
    if ('error' in input) return { kind: 'failed', image, sha256, error: input.error };
    const { bytes, look } = input;
    const known = parts.results?.find(image, sha256!) ?? null;
    const original = look === null ? undefined : originals.like(look);
    const isOriginal = (captioned: Promise<boolean>) => {
      if (look !== null && original === undefined) originals.add({ image, look, captioned });
    };
    if (known === 'done') {
      isOriginal(Promise.resolve(true));
      return { kind: 'done', image, sha256: sha256!, line: null };
    }
    if (original !== undefined && (await original.captioned)) {
      return { kind: 'duplicate', image, sha256, duplicateOf: original.image };
    }
    if (known !== null) {
      isOriginal(Promise.resolve(true));
      return { kind: 'done', image, sha256: sha256!, line: known };
    }
    const outcome = captionBytes(image, sha256, bytes, parts);
    isOriginal(outcome.then(({ kind }) => kind === 'captioned'));
    return outcome;
  };
}

async function captionBytes(
  image: string,
  sha256: string | undefined,
  bytes: Uint8Array,
  { caption, plan, call }: CaptionOneParts,
): Promise<Outcome> {
  try {
    return { kind: 'captioned', image, sha256, bytes, result: await caption(bytes, plan, call) };
  } catch (error) {
    return { kind: 'failed', image, sha256, error: reportOf(error) };
  }
}

import { altText } from '../../alt/alt-text.ts';
import type { CaptionResult } from '../../caption/result.ts';
import { type ErrorReport, reportOf } from '../../errors.ts';
import type { DecodingFlags } from '../shared/decoding-flags.ts';
import { readImage } from '../shared/inputs.ts';
import { reviewNote } from '../shared/review-note.ts';
import type { RunningCaptioner } from '../shared/run-images.ts';
import type { AltLine } from './alt-line.ts';

/** Of writing one file that somebody else writes just now. */
export const MOST_TRIES = 4;
/** Milliseconds before the second one; the third waits twice as long. */
export const RETRY_MS = 100;

export type AltOutcome =
  | {
      bytes: Uint8Array;
      line: AltLine;
      /** One pixel wide or high: it takes up room or counts visitors, and shows nothing. */
      isSpacer: boolean;
    }
  | { error: ErrorReport };

/** Never rejects: what went wrong is the image's outcome. */
export async function altTextOf(image: string, { caption, plan }: RunningCaptioner): Promise<AltOutcome> {
  try {
    const bytes = await readImage(image);
    const result = await caption(bytes, plan);
    return { bytes, line: lineOf(result), isSpacer: Math.min(result.width, result.height) <= 1 };
  } catch (error) {
    return { error: reportOf(error) };
  }
}

function lineOf({ captions, model, confidence, needsReview }: CaptionResult): AltLine {
  const { text, probability, logProbability } = captions[0]!;
  return {
    alt: altText(text),
    caption: text,
    probability,
    logProbability,
    model,
    ...(confidence !== undefined && { confidence }),
    ...(needsReview !== undefined && { needsReview }),
  };
}

/** Why a text is printed but not written anywhere; `null` when it may be. */
export function objection(
  line: Pick<AltLine, 'alt' | 'confidence' | 'needsReview'>,
  { minConfidence }: DecodingFlags,
): string | null {
  if (line.alt === '') return 'the caption is empty';
  return reviewNote(line, minConfidence);
}

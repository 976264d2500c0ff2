import type { CaptionResult } from '../../caption/result.ts';

/** The note on a caption below a `--min-confidence` that was given, `null` for any other. */
export function reviewNote(
  { confidence, needsReview }: Pick<CaptionResult, 'confidence' | 'needsReview'>,
  minConfidence: number | undefined,
): string | null {
  if (minConfidence === undefined || !needsReview) return null;
  return `needs review: confidence ${confidence?.toFixed(2)}`;
}

import type { Field } from '../../alt/xmp-packet.ts';
import type { CaptionResult } from '../../caption/result.ts';
import type { ErrorReport } from '../../errors.ts';

/** What a run says about one image. */
export interface AltLine {
  alt: string;
  /** The caption that it was made of, and its probability. */
  caption: string;
  probability: number;
  logProbability: number;
  model: CaptionResult['model'];
  /** As in `CaptionResult`. */
  confidence?: number;
  needsReview?: boolean;
}

/** A text that could not be written is printed with the reason. */
export interface ImageLine extends Partial<AltLine> {
  image: string;
  /**
   * With `--write-xmp`: fields that were written, and those where somebody's text was found, which stayed; where, if not in
   * the image.
   */
  xmp?: { written: Field[]; kept: string[]; sidecar?: string };
  error?: ErrorReport;
}

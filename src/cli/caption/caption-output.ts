/** What became of each image, as lines: text or JSON on standard output, or JSON in the file of `--resume`. */
import type { CaptionResult } from '../../caption/result.ts';
import type { ErrorReport } from '../../errors.ts';
import { printable, printableJson } from '../../printable.ts';
import { captionLines } from '../shared/caption-lines.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_SOME_IMAGE_FAILED, severity } from '../shared/exit.ts';
import { reviewNote } from '../shared/review-note.ts';
import type { PictureFlags } from './pictures.ts';
import type { ResultsFile } from './resume.ts';

export type Outcome = { image: string } & (
  | { kind: 'captioned'; bytes: Uint8Array; result: CaptionResult; sha256?: string | undefined }
  | { kind: 'duplicate'; duplicateOf: string; sha256?: string | undefined }
  | { kind: 'failed'; error: ErrorReport; sha256?: string | undefined }
  /** In the results file already: under another name, so that this one gets a copy of `line`, or under this. */
  | { kind: 'done'; sha256: string; line: object | null }
);

export interface OutputFlags extends PictureFlags {
  minConfidence?: number;
}

export type Output = (outcome: Outcome) => void;

/** As the tutorial prints captions; failures on standard error. */
export function textOutput({ minConfidence }: OutputFlags): Output {
  return (outcome) => {
    if (outcome.kind === 'failed') complain(outcome.image, outcome.error);
    else if (outcome.kind !== 'done') process.stdout.write(textOf(outcome, minConfidence));
  };
}

function textOf(
  outcome: Extract<Outcome, { kind: 'captioned' | 'duplicate' }>,
  minConfidence: number | undefined,
): string {
  const heading = `Captions for image ${printable(outcome.image)}:\n`;
  if (outcome.kind === 'duplicate')
    return `${heading}  as for ${printable(outcome.duplicateOf)}, which looks the same\n`;
  const doubt = reviewNote(outcome.result, minConfidence);
  const review = doubt === null ? '' : `  ${doubt}\n`;
  return `${heading}${captionLines(outcome.result.captions)}${review}`;
}

/** One object a line, of failed images too. */
export function jsonOutput(flags: OutputFlags): Output {
  return (outcome) => {
    const { image } = outcome;
    process.stdout.write(`${printableJson({ image, ...contentOf(outcome, flags) })}\n`);
  };
}

/** @throws OutputFailed when the file cannot be written */
export function resultsOutput(results: ResultsFile, flags: OutputFlags): Output {
  return (outcome) => {
    const { image, sha256 } = outcome;
    if (outcome.kind === 'failed') {
      // What is no image's fault is none of its results.
      if (severity(outcome.error) > EXIT_SOME_IMAGE_FAILED) complain(outcome.image, outcome.error);
      else results.appendFailure(image, sha256, outcome.error);
    } else if (outcome.kind !== 'done') results.append(image, sha256!, contentOf(outcome, flags));
    else if (outcome.line !== null) results.append(image, sha256!, outcome.line);
  };
}

function contentOf(outcome: Outcome, { explain, trace }: OutputFlags): object {
  switch (outcome.kind) {
    case 'captioned': {
      const { explanation, trace: words, ...result } = outcome.result;
      return { ...result, ...(explain && { explanation }), ...(trace && { trace: words }) };
    }
    case 'duplicate':
      return { duplicateOf: outcome.duplicateOf };
    case 'failed': {
      const { code, message } = outcome.error;
      return { error: { code, message } };
    }
    case 'done':
      return {};
  }
}

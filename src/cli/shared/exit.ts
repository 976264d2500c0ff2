import type { ErrorReport } from '../../errors.ts';

/** Beside these: 69 where the program cannot start, 129, 130 and 143 after signals; see `../start`. */
export const EXIT_OK = 0;
export const EXIT_USAGE = 2;
export const EXIT_SOME_IMAGE_FAILED = 3;
export const EXIT_MODEL_UNUSABLE = 4;
/** An image of a page has no alternative text; not 1, with which Node ends for reasons of its own. */
export const EXIT_ALT_MISSING = 5;
/** EX_SOFTWARE of sysexits.h: a bug of ours. */
export const EXIT_BUG = 70;
/** EX_IOERR of sysexits.h: what was made cannot be written, for the disk is full or gone. */
export const EXIT_OUTPUT_FAILED = 74;

export const EXIT_CODES = {
  InvalidRequest: EXIT_USAGE,
  UnsupportedImage: EXIT_SOME_IMAGE_FAILED,
  ImageTooLarge: EXIT_SOME_IMAGE_FAILED,
  ImageNotFound: EXIT_SOME_IMAGE_FAILED,
  ObjectRefused: EXIT_SOME_IMAGE_FAILED,
  Overloaded: EXIT_MODEL_UNUSABLE,
  DeadlineExceeded: EXIT_MODEL_UNUSABLE,
  CaptionerHung: EXIT_MODEL_UNUSABLE,
  UpstreamUnavailable: EXIT_MODEL_UNUSABLE,
  ModelUnusable: EXIT_MODEL_UNUSABLE,
  InternalError: EXIT_BUG,
} satisfies Record<ErrorReport['code'], number>;

/** Failures of one image among many: its own, and what the machine had no memory, time or captioner for just then. */
const OF_ONE_IMAGE: ReadonlySet<string> = new Set<ErrorReport['code']>([
  'InvalidRequest',
  'Overloaded',
  'DeadlineExceeded',
  'CaptionerHung',
]);

/** Exit code: what is of one image lets the others go on; anything worse ends the run. */
export function severity(error: ErrorReport): number {
  return OF_ONE_IMAGE.has(error.code) ? EXIT_SOME_IMAGE_FAILED : EXIT_CODES[error.code];
}

import type { ErrorReport } from '../errors.ts';

export const EXIT_OK = 0;
export const EXIT_USAGE = 2;
export const EXIT_SOME_IMAGE_FAILED = 3;
export const EXIT_MODEL_UNUSABLE = 4;
/** EX_SOFTWARE of sysexits.h: a bug of ours. */
export const EXIT_BUG = 70;
/** 128 + SIGINT, as shells report it. */
export const EXIT_INTERRUPTED = 130;

export const EXIT_CODES = {
  InvalidRequest: EXIT_USAGE,
  UnsupportedImage: EXIT_SOME_IMAGE_FAILED,
  ImageTooLarge: EXIT_SOME_IMAGE_FAILED,
  ImageNotFound: EXIT_SOME_IMAGE_FAILED,
  Overloaded: EXIT_MODEL_UNUSABLE,
  ModelUnusable: EXIT_MODEL_UNUSABLE,
  InternalError: EXIT_BUG,
} satisfies Record<ErrorReport['code'], number>;

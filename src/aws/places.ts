/** Where images, uploads and results may lie, and how large they may be: for functions, server and infrastructure. */
import * as z from 'zod';

/** Objects of one bucket whose keys start alike. */
export interface Place {
  bucket: string;
  /** Empty for all. */
  prefix: string;
}

/** The rest of the 1,024 bytes of a key is for what names the image. */
const MAX_PREFIX_LENGTH = 200;
/** What keys of results start with: empty, or ending in one `/`. */
export const resultsPrefix = z
  .string()
  .max(MAX_PREFIX_LENGTH)
  .regex(
    /^([\x21-\x7e]*[\x21-\x2e\x30-\x7e]\/)?$/,
    'expected nothing, or ASCII without blanks that ends in one /',
  );
export const DEFAULT_RESULTS_PREFIX = 'captions/';

/** What keys of uploads start with; never empty, so that whoever uploads writes nowhere else. */
export const uploadsPrefix = resultsPrefix.min(1);
export const DEFAULT_UPLOADS_PREFIX = 'uploads/';

/** Decoded images are far larger: no decoder of this program takes more than the most allowed here. */
export const objectBytes = z
  .int()
  .min(1)
  .max(256 << 20);
/** Room for any camera's JPEG, in bytes; decoded pixels are limited apart. */
export const DEFAULT_MAX_OBJECT_BYTES = 64 << 20;

/** True where results would be read as images: in a bucket of images without a prefix of their own. */
export function mixesResultsWithImages(results: Place, imageBuckets: readonly string[]): boolean {
  return results.prefix === '' && imageBuckets.includes(results.bucket);
}
export const PREFIX_NEEDED =
  'results in a bucket of images need a prefix of their own, or they would be read as images';

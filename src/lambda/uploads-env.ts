/** Environment variables of the upload route, which a deployment has only with an input bucket of its own. */
import * as z from 'zod';
import { bucketName } from '../aws/object-reference.ts';
import { resultsPrefix, uploadsPrefix } from '../aws/places.ts';
import { RESULTS_BUCKET, RESULTS_PREFIX } from './env.ts';

/** Bucket that clients upload to; without it there is no upload route. */
export const UPLOADS_BUCKET = 'UPLOADS_BUCKET';
/** What every upload's key starts with, ending in `/`. */
export const UPLOADS_PREFIX = 'UPLOADS_PREFIX';

const schema = z
  .object({
    [UPLOADS_BUCKET]: bucketName,
    [UPLOADS_PREFIX]: uploadsPrefix,
    [RESULTS_BUCKET]: bucketName,
    [RESULTS_PREFIX]: resultsPrefix,
  })
  .transform((env) => ({
    uploads: { bucket: env[UPLOADS_BUCKET], prefix: env[UPLOADS_PREFIX] },
    results: { bucket: env[RESULTS_BUCKET], prefix: env[RESULTS_PREFIX] },
  }));

export type UploadSettings = z.output<typeof schema>;

/**
 * @returns null where the deployment takes no uploads
 * @throws ZodError naming every variable that is missing or wrong
 */
export function readUploadSettings(env: Record<string, string | undefined>): UploadSettings | null {
  return env[UPLOADS_BUCKET] === undefined ? null : schema.parse(env);
}

/** Which objects may be read at all. */
import type { S3Client } from '@aws-sdk/client-s3';
import { nameOf, type ObjectReference } from '../aws/object-reference.ts';
import type { Place } from '../aws/places.ts';
import { InvalidRequest } from '../errors.ts';
import { readImage } from './images.ts';

export interface Access {
  allowedBuckets: readonly string[];
  /** Where result documents are written, which are never read as images. @default nowhere */
  results?: Place;
}

/** @throws InvalidRequest */
export function checkAllowed(object: ObjectReference, { allowedBuckets, results }: Access): void {
  if (!allowedBuckets.includes(object.bucket)) {
    throw new InvalidRequest(`bucket ${object.bucket} is none of those that may be read`);
  }
  if (results !== undefined && isResult(object, results)) {
    throw new InvalidRequest(`${nameOf(object)} lies where results are written`);
  }
}

/** True where this program writes: such an object is never an image to caption. */
export function isResult(object: ObjectReference, results: Place): boolean {
  return object.bucket === results.bucket && object.key.startsWith(results.prefix);
}

/** Reads images by reference for callers who name any bucket they like. */
export function createImageReader(
  s3: S3Client,
  { allowedBuckets, maxBytes }: Access & { maxBytes: number },
): (object: ObjectReference) => Promise<Uint8Array> {
  return async (object) => {
    checkAllowed(object, { allowedBuckets });
    return await readImage(s3, object, { maxBytes });
  };
}

/**
 * Images above what a request may have: the client asks for an address, puts the image there, S3's event brings it to
 * the queue, and the client asks for the outcome.
 */
import { open } from 'node:fs/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { requestsOf } from '../aws/client.ts';
import { isMissing } from '../aws/object-failures.ts';
import type { Place } from '../aws/places.ts';
import type { RecordedOutcome } from '../caption/result.ts';
import { ImageNotFound, ObjectRefused } from '../errors.ts';
import { describeImage, tooLarge } from './images.ts';
import { resultKey, resultsOfAnyBundle, revisionOf } from './result-key.ts';
import { findNewest, readResult } from './results.ts';

/** Time to begin an upload; one that has begun may take longer. */
const EXPIRY_SECONDS = 300;
/** 192 bits: nobody finds the image of somebody else by trying. */
const ID_BYTES = 24;
const ID = /^[A-Za-z0-9_-]{32}$/;

export interface UploadParts {
  s3: S3Client;
  /** Signs addresses only: made by `createSigningClient`. */
  signer: S3Client;
  uploads: Place;
  results: Place;
  /** SHA-256 of the present bundle, hexadecimal. */
  modelHash: string;
  maxObjectBytes: number;
}

/** A client whose addresses carry no checksum: the SDK's own would be that of an empty object. */
export function createSigningClient(): S3Client {
  // It asks for credentials alone.
  return new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED', ...requestsOf() });
}

/** The part of the HTTP app that hands out addresses, and tells what became of what was put there. */
export function createUploads(parts: UploadParts) {
  return {
    maxBytes: parts.maxObjectBytes,
    announce: (image: { contentType: string; bytes: number }) => announce(image, parts),
    outcome: (id: string) => findOutcome(id, parts),
  };
}

/** @throws ImageTooLarge */
async function announce(
  { contentType, bytes }: { contentType: string; bytes: number },
  { signer, uploads, maxObjectBytes }: UploadParts,
) {
  const id = await randomId();
  const object = { bucket: uploads.bucket, key: `${uploads.prefix}${id}` };
  if (bytes > maxObjectBytes) throw tooLarge('the image', bytes, maxObjectBytes);
  // In lower case as HTTP has them; all are part of the signature, so that the address takes this very image, once.
  const headers = {
    'content-type': contentType,
    'content-length': String(bytes),
    'if-none-match': '*',
  };
  const command = new PutObjectCommand({
    Bucket: object.bucket,
    Key: object.key,
    ContentType: contentType,
    ContentLength: bytes,
    IfNoneMatch: '*',
  });
  const url = await getSignedUrl(signer, command, {
    expiresIn: EXPIRY_SECONDS,
    signableHeaders: new Set(['host', ...Object.keys(headers)]),
  });
  return { id, method: 'PUT' as const, url, headers, expiresInSeconds: EXPIRY_SECONDS };
}

/** From the kernel: a generator inside the process would say the same in every copy of a snapshot (SnapStart). */
async function randomId(): Promise<string> {
  await using source = await open('/dev/urandom');
  const { buffer } = await source.read(Buffer.alloc(ID_BYTES), 0, ID_BYTES);
  return buffer.toString('base64url');
}

/**
 * @returns the result of the present bundle, else the newest of any; null while there is an image and no result yet
 * @throws ImageNotFound before the upload and after the image expired; ObjectRefused, UpstreamUnavailable
 */
async function findOutcome(
  id: string,
  { s3, uploads, results, modelHash }: UploadParts,
): Promise<RecordedOutcome | null> {
  if (!ID.test(id)) throw new ImageNotFound('no upload has such an id');
  const object = { bucket: uploads.bucket, key: `${uploads.prefix}${id}` };
  const image = await describeImage(s3, object).catch((cause: unknown) => {
    throw withoutBucket(cause);
  });
  const identity = { ...object, revision: revisionOf(image) };
  const key = resultKey(results.prefix, { ...identity, modelHash });
  try {
    return await readResult(s3, { bucket: results.bucket, key });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // Captioned by another bundle: before this one came, or by a consumer of the queue that has not changed to it yet.
  const { start, isOne } = resultsOfAnyBundle(results.prefix, identity);
  const other = await findNewest(s3, { bucket: results.bucket, start }, isOne);
  return other === null ? null : await readResult(s3, { bucket: results.bucket, key: other });
}

/** Names of buckets are not for clients. */
function withoutBucket(cause: unknown): unknown {
  if (cause instanceof ImageNotFound) return new ImageNotFound('nothing was uploaded there', { cause });
  if (cause instanceof ObjectRefused) return new ObjectRefused('S3 does not give out the upload', { cause });
  return cause;
}

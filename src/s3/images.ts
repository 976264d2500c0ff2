/** Image files out of S3, never more bytes than allowed. */
import type { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { imageFailureOf } from '../aws/object-failures.ts';
import { nameOf, type ObjectReference } from '../aws/object-reference.ts';
import { ImageTooLarge, UpstreamUnavailable } from '../errors.ts';

/** An object as S3 describes it. */
export interface StoredImage extends ObjectReference {
  /** Without quotes. */
  etag: string;
  bytes: number;
}

export interface ReadLimits {
  maxBytes: number;
  /** Milliseconds since the epoch. @default none */
  deadline?: number | undefined;
}

/**
 * One request, no content.
 * @throws ImageNotFound, ObjectRefused, UpstreamUnavailable, DeadlineExceeded
 */
export async function describeImage(
  s3: S3Client,
  object: ObjectReference,
  deadline?: number,
): Promise<StoredImage> {
  const command = new HeadObjectCommand({
    Bucket: object.bucket,
    Key: object.key,
    VersionId: object.versionId,
  });
  const limit = until(deadline);
  try {
    const head = await s3.send(command, limit);
    return {
      bucket: object.bucket,
      key: object.key,
      versionId: head.VersionId ?? object.versionId,
      etag: unquoted(head.ETag),
      bytes: head.ContentLength ?? 0,
    };
  } catch (error) {
    throw imageFailureOf(error, object, limit.abortSignal);
  }
}

/**
 * Reads an image whose size is looked at before its content.
 * @param object with an `etag`, exactly that content or none
 * @throws ImageNotFound, ObjectRefused, ImageTooLarge; UpstreamUnavailable when S3 throttles, fails, changes the object meanwhile or is too slow;
 * DeadlineExceeded
 */
export async function readImage(
  s3: S3Client,
  object: ObjectReference & { etag?: string },
  { maxBytes, deadline }: ReadLimits,
): Promise<Uint8Array> {
  const command = new GetObjectCommand({
    Bucket: object.bucket,
    Key: object.key,
    VersionId: object.versionId,
    IfMatch: object.etag === undefined ? undefined : `"${object.etag}"`,
  });
  const limit = until(deadline);
  try {
    const { Body, ContentLength = 0 } = await s3.send(command, limit);
    // In Node the body of an answer is always a stream of Node's.
    const body = Body as Readable;
    if (ContentLength > maxBytes) {
      body.destroy();
      throw tooLarge(nameOf(object), ContentLength, maxBytes);
    }
    return await collect(body, ContentLength, object);
  } catch (error) {
    throw imageFailureOf(error, object, limit.abortSignal);
  }
}

/** The error for an image of more bytes than allowed. @param name as the message calls it */
export function tooLarge(name: string, bytes: number, maxBytes: number): ImageTooLarge {
  return new ImageTooLarge(`${name} has ${bytes} bytes, more than ${maxBytes}`);
}

/** Into one buffer of the announced size: chunks and their copy would take twice the memory. */
async function collect(body: Readable, length: number, object: ObjectReference): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (at + chunk.length > length) throw otherLength(object, length);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < length) throw otherLength(object, length);
  return bytes;
}

function otherLength(object: ObjectReference, length: number): UpstreamUnavailable {
  return new UpstreamUnavailable(`S3 announced ${length} bytes of ${nameOf(object)} and sent another number`);
}

/** Ends a request at the deadline; where that has passed, at once. */
export function until(deadline: number | undefined): { abortSignal?: AbortSignal } {
  if (deadline === undefined) return {};
  return { abortSignal: AbortSignal.timeout(Math.max(0, deadline - Date.now())) };
}

function unquoted(etag = ''): string {
  return etag.replace(/^(W\/)?"|"$/g, '');
}

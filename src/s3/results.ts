/** Result documents: one JSON object in S3 for each image that was looked at, written once, never changed. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import { isMissing, isTaken, serviceFailureOf } from '../aws/object-failures.ts';
import { type ObjectReference, objectReferenceSchema } from '../aws/object-reference.ts';
import { captionResultSchema, outcomeSchema, type RecordedOutcome } from '../caption/result.ts';
import { until } from './images.ts';

export const RESULT_FORMAT_VERSION = 1;

export const resultDocumentSchema = z
  .object({
    formatVersion: z.literal(RESULT_FORMAT_VERSION),
    /** What was looked at; `versionId` where the bucket keeps versions, no `etag` where there was no object. */
    source: z.object({ ...objectReferenceSchema.shape, etag: z.string().optional() }),
    /** Name and SHA-256 of the bundle. */
    model: captionResultSchema.shape.model,
    /** As asked for; left out where nothing was. */
    options: z.record(z.string(), z.unknown()).optional(),
    /** ISO 8601, UTC. */
    writtenAt: z.iso.datetime(),
  })
  .and(outcomeSchema);
export type ResultDocument = z.output<typeof resultDocumentSchema>;

/** Where a result document is. */
export type ResultLocation = Omit<ObjectReference, 'versionId'>;

export interface FoundResult {
  status: RecordedOutcome['status'];
  /** Milliseconds since the epoch, in whole seconds. */
  writtenAt: number;
}

/** Metadata that HEAD answers with: a document need not be read to be counted. */
const STATUS = 'status';

/**
 * The document at a place without its content, `null` where there is none.
 * @throws UpstreamUnavailable, DeadlineExceeded
 */
export async function findResult(
  s3: S3Client,
  location: ResultLocation,
  deadline?: number,
): Promise<FoundResult | null> {
  const command = new HeadObjectCommand({ Bucket: location.bucket, Key: location.key });
  const limit = until(deadline);
  try {
    const head = await s3.send(command, limit);
    return {
      status: head.Metadata?.[STATUS] === 'failed' ? 'failed' : 'captioned',
      writtenAt: head.LastModified?.getTime() ?? Date.now(),
    };
  } catch (error) {
    if (isMissing(error)) return null;
    throw serviceFailureOf(error, location, limit.abortSignal);
  }
}

/**
 * Writes a document unless one is there.
 * @returns false when another was first; that one stays
 * @throws UpstreamUnavailable, DeadlineExceeded
 */
export async function writeResult(
  s3: S3Client,
  location: ResultLocation,
  document: ResultDocument,
  deadline?: number,
): Promise<boolean> {
  const command = new PutObjectCommand({
    Bucket: location.bucket,
    Key: location.key,
    Body: JSON.stringify(document),
    ContentType: 'application/json',
    Metadata: { [STATUS]: document.status },
    IfNoneMatch: '*',
  });
  const limit = until(deadline);
  try {
    await s3.send(command, limit);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw serviceFailureOf(error, location, limit.abortSignal);
  }
}

/**
 * The document at a place.
 * @throws UpstreamUnavailable
 */
export async function readResult(
  s3: S3Client,
  location: ResultLocation,
  abortSignal?: AbortSignal,
): Promise<ResultDocument> {
  const command = new GetObjectCommand({ Bucket: location.bucket, Key: location.key });
  try {
    const { Body } = await s3.send(command, abortSignal && { abortSignal });
    return resultDocumentSchema.parse(JSON.parse((await Body?.transformToString()) ?? ''));
  } catch (error) {
    throw serviceFailureOf(error, location);
  }
}

/**
 * The key that was written last, of those that start so and are wanted; `null` where there is none.
 * @throws UpstreamUnavailable
 */
export async function findNewest(
  s3: S3Client,
  { bucket, start }: { bucket: string; start: string },
  isWanted: (key: string) => boolean,
): Promise<string | null> {
  let newest: { key: string; time: number } | null = null;
  try {
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: start })) {
      for (const { Key: key = '', LastModified } of page.Contents ?? []) {
        const time = LastModified?.getTime() ?? 0;
        if (isWanted(key) && (newest === null || time > newest.time)) newest = { key, time };
      }
    }
  } catch (error) {
    throw serviceFailureOf(error, { bucket, key: start });
  }
  return newest?.key ?? null;
}

/**
 * Writes any JSON under a key that its content determines.
 * @throws UpstreamUnavailable
 */
export async function writeJson(s3: S3Client, location: ResultLocation, json: string): Promise<void> {
  const { bucket: Bucket, key: Key } = location;
  try {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: json, ContentType: 'application/json' }));
  } catch (error) {
    throw serviceFailureOf(error, location);
  }
}

/** One object of S3: read, captioned, the outcome recorded. The core of the queue and of the workflow. */
import type { S3Client } from '@aws-sdk/client-s3';
import { isFolder, nameOf, type ObjectReference } from '../aws/object-reference.ts';
import type { Place } from '../aws/places.ts';
import type { Captioner } from '../caption/captioner.ts';
import { checkDeadline } from '../caption/deadline.ts';
import type { CaptionCall } from '../caption/describe.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import type { RecordedCode, RecordedOutcome } from '../caption/result.ts';
import { CaptionError, type ErrorCode } from '../errors.ts';
import { checkAllowed } from './access.ts';
import { describeImage, readImage, type StoredImage, tooLarge } from './images.ts';
import { resultKey, revisionOf } from './result-key.ts';
import {
  findResult,
  RESULT_FORMAT_VERSION,
  type ResultDocument,
  type ResultLocation,
  writeResult,
} from './results.ts';

/** What captioning objects needs. */
export interface ObjectCaptioner {
  s3: S3Client;
  caption: Captioner['caption'];
  model: { name: string; hash: string };
  /** Buckets that may be read. */
  allowedBuckets: readonly string[];
  results: Place;
  maxObjectBytes: number;
}

export interface ObjectRequest extends ObjectReference {
  /** From the event: tells one event of a key from the next. */
  sequencer?: string | undefined;
  /** What was asked for names the result; without it the model's own options hold. */
  plan?: CaptionPlan | undefined;
}

/**
 * `document` is there when this call wrote it; otherwise the outcome was there before, written at `writtenAt`. A folder is passed over: no
 * image, no failure, nothing to record.
 */
export type ObjectOutcome =
  | RecordedObject
  | { status: 'passed over'; location?: never; document?: never; writtenAt?: never };

interface RecordedObject {
  status: RecordedOutcome['status'];
  location: ResultLocation;
  /** Milliseconds since the epoch. */
  writtenAt?: number;
  document?: ResultDocument;
}

/** Where a failure is written down. */
const RECORDED = {
  // The request's fault rather than the image's: the request has to change.
  InvalidRequest: 'nowhere',
  UnsupportedImage: 'for this content',
  ImageTooLarge: 'for this content',
  // A key that is empty today may hold an image tomorrow, an archived one may be restored.
  ImageNotFound: 'for this event',
  // Permissions are given, keys enabled.
  ObjectRefused: 'nowhere',
  Overloaded: 'nowhere',
  DeadlineExceeded: 'nowhere',
  CaptionerHung: 'nowhere',
  UpstreamUnavailable: 'nowhere',
  ModelUnusable: 'nowhere',
} satisfies Record<ErrorCode, 'for this content' | 'for this event' | 'nowhere'>;

/** What the margin before the real end of an invocation leaves for writing a document. */
const WRITING_MS = 1_000;

/**
 * Captions one object and records the outcome, unless the same content was captioned by the same bundle before.
 * Whatever is asked twice, or by two at once, ends as one document.
 *
 * @throws InvalidRequest for a bucket that is not allowed, for a result document;
 * ObjectRefused, UpstreamUnavailable, DeadlineExceeded, and what `caption` throws
 */
export async function captionObject(
  request: ObjectRequest,
  parts: ObjectCaptioner,
  call: CaptionCall = {},
): Promise<ObjectOutcome> {
  checkAllowed(request, parts);
  checkDeadline(call);
  try {
    const image = await describeImage(parts.s3, request, call.deadline);
    if (isFolder(image.key, image.bytes)) return { status: 'passed over' };
    const location = locationOf(request, revisionOf(image), parts);
    const earlier = await findResult(parts.s3, location, call.deadline);
    if (earlier !== null) return { ...earlier, location };
    const outcome = await outcomeOf(image, request, parts, call);
    return await record(outcome, { ...request, ...image }, location, parts, call);
  } catch (error) {
    if (!isRecorded(error, 'for this event')) throw error;
    const event = request.versionId ?? request.sequencer ?? 'unknown';
    const location = locationOf(request, `not-found-${event}`, parts);
    return await record(failed(error), request, location, parts, call);
  }
}

function locationOf(
  { bucket, key, plan }: ObjectRequest,
  revision: string,
  { results, model }: ObjectCaptioner,
): ResultLocation {
  return {
    bucket: results.bucket,
    key: resultKey(results.prefix, { bucket, key, revision, modelHash: model.hash, options: plan?.asked }),
  };
}

async function outcomeOf(
  image: StoredImage,
  { plan }: ObjectRequest,
  { s3, caption, maxObjectBytes }: ObjectCaptioner,
  call: CaptionCall,
): Promise<RecordedOutcome> {
  try {
    if (image.bytes > maxObjectBytes) throw tooLarge(nameOf(image), image.bytes, maxObjectBytes);
    const bytes = await readImage(s3, image, { maxBytes: maxObjectBytes, deadline: call.deadline });
    return { status: 'captioned', result: await caption(bytes, plan, call) };
  } catch (error) {
    if (isRecorded(error, 'for this content')) return failed(error);
    throw error;
  }
}

async function record(
  outcome: RecordedOutcome,
  { bucket, key, versionId, etag, plan }: ObjectRequest & { etag?: string },
  location: ResultLocation,
  { s3, model }: ObjectCaptioner,
  { deadline }: CaptionCall,
): Promise<RecordedObject> {
  const document: ResultDocument = {
    formatVersion: RESULT_FORMAT_VERSION,
    source: { bucket, key, versionId, etag },
    model,
    options: plan?.asked,
    writtenAt: new Date().toISOString(),
    ...outcome,
  };
  const isFirst = await writeResult(s3, location, document, writingLimit(deadline));
  return { status: document.status, location, ...(isFirst ? { document } : { writtenAt: Date.now() }) };
}

/** Until when what is known may be written; milliseconds since the epoch. */
export function writingLimit(deadline: number | undefined): number | undefined {
  return deadline === undefined ? undefined : Math.max(deadline, Date.now()) + WRITING_MS;
}

function isRecorded(
  error: unknown,
  where: (typeof RECORDED)[ErrorCode],
): error is CaptionError & { code: RecordedCode } {
  return error instanceof CaptionError && RECORDED[error.code] === where;
}

function failed({ code, message }: { code: RecordedCode; message: string }): RecordedOutcome {
  return { status: 'failed', error: { code, message } };
}

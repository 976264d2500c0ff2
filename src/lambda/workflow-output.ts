/** What the workflow function answers, never more than Step Functions passes on. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectReference } from '../aws/object-reference.ts';
import type { Place } from '../aws/places.ts';
import { CaptionError, type ErrorCode, ObjectRefused } from '../errors.ts';
import type { ObjectOutcome } from '../s3/caption-object.ts';
import { listKey } from '../s3/result-key.ts';
import { type ResultLocation, writeJson } from '../s3/results.ts';
import type { WorkflowObject } from './workflow-input.ts';

/** Step Functions passes 256 KiB between states; what a state machine adds around an answer needs room as well. */
const MAX_OUTPUT_BYTES = 240 << 10;

/** Of one image that has no document: the same fields as a document of a failure. */
export interface Refusal {
  status: 'failed';
  error: { code: ErrorCode; message: string };
}

/** @throws what is not the input's own fault */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof CaptionError) || error.fault !== 'input') throw error;
  return { status: 'failed', error: { code: error.code, message: error.message } };
}

/** One object of a batch. */
export interface ItemOutcome extends ObjectReference {
  status: 'captioned' | 'failed';
  /** True where the result was there before. */
  skipped?: true;
  /** Best caption; left out where the image was skipped. */
  caption?: string;
  /** Of that caption. */
  probability?: number;
  code?: ErrorCode;
  message?: string;
  /** Where the result document is; left out where the request was wrong. */
  result?: ResultLocation;
}

export interface BatchOutcome {
  captioned: number;
  failed: number;
  skipped: number;
  /** In the order of the items, without those that are passed over; left out where the list is too long to be passed on. */
  results?: ItemOutcome[];
  /** A JSON object with `results`. */
  resultsAt?: ResultLocation;
}

/** `null` for what is passed over. */
export function itemOf(
  { bucket, key, versionId }: WorkflowObject,
  outcome: ObjectOutcome,
): ItemOutcome | null {
  const { status, location, document } = outcome;
  if (status === 'passed over') return null;
  const item = { bucket, key, versionId, status, result: location };
  if (document === undefined) return { ...item, skipped: true };
  if (document.status === 'failed') return { ...item, ...document.error };
  const [best] = document.result.captions;
  return best === undefined ? item : { ...item, caption: best.text, probability: best.probability };
}

/** An item that fails alone: by its own fault, or because S3 refuses it. @throws any other error */
export function failedItem({ bucket, key, versionId }: ObjectReference, error: unknown): ItemOutcome {
  if (!(error instanceof CaptionError) || !isOfItem(error)) throw error;
  return { bucket, key, versionId, status: 'failed', code: error.code, message: error.message };
}

function isOfItem(error: CaptionError): boolean {
  return error.fault === 'input' || error instanceof ObjectRefused;
}

/** @throws UpstreamUnavailable when the list has to go to S3 and does not get there */
export async function batchOutcome(
  results: ItemOutcome[],
  s3: S3Client,
  { bucket, prefix }: Place,
): Promise<BatchOutcome> {
  const counts = {
    captioned: results.filter((item) => !item.skipped && item.status === 'captioned').length,
    failed: results.filter((item) => !item.skipped && item.status === 'failed').length,
    skipped: results.filter((item) => item.skipped).length,
  };
  const list = JSON.stringify({ results });
  if (Buffer.byteLength(list) <= MAX_OUTPUT_BYTES) return { ...counts, results };
  const resultsAt = { bucket, key: listKey(prefix, list) };
  await writeJson(s3, resultsAt, list);
  return { ...counts, resultsAt };
}

/** What is done about an outcome once it is recorded. What fails is tried again with its image, and finds it recorded. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { CaptionCall } from '../caption/describe.ts';
import { type ObjectOutcome, writingLimit } from './caption-object.ts';
import { type ResultDocument, type ResultLocation, readResult } from './results.ts';
import { type Tagging, tagObject } from './tags.ts';

/** Tells others of an outcome. @param deadline milliseconds since the epoch */
export type Announce = (
  document: ResultDocument,
  location: ResultLocation,
  deadline?: number,
) => Promise<void>;

export interface FollowUps {
  /** Buckets in which the best caption is written on the object itself, as a tag. @default none */
  tagObjects?: readonly string[] | undefined;
  /** @default nobody is told */
  announce?: Announce | undefined;
}

export interface FollowUpParts {
  s3: S3Client;
  followUps: FollowUps;
  /** Nobody is told of outcomes that were recorded before; milliseconds since the epoch. @default of all */
  since?: number;
}

/** S3 tells when an object was written in whole seconds. */
const SECOND_MS = 1_000;

/**
 * Does everything at least once for each outcome.
 * @returns what became of the tag, `null` where none was asked for
 * @throws ObjectRefused when S3 refuses the tag; UpstreamUnavailable, DeadlineExceeded
 */
export async function followUp(
  outcome: ObjectOutcome,
  { s3, followUps: { tagObjects = [], announce }, since = 0 }: FollowUpParts,
  { deadline }: CaptionCall = {},
): Promise<Tagging | null> {
  if (outcome.status === 'passed over') return null;
  const mayTag = tagObjects.length > 0 && outcome.status === 'captioned';
  const isTold = announce !== undefined && !isOld(outcome, since);
  if (!mayTag && !isTold) return null;
  const document = outcome.document ?? (await readResult(s3, outcome.location));
  const limit = writingLimit(deadline);
  const [best] = document.status === 'captioned' ? document.result.captions : [];
  const isTagged = best !== undefined && tagObjects.includes(document.source.bucket);
  const tagging = isTagged ? await tagObject(s3, document.source, best.text, limit) : null;
  if (isTold) await announce(document, outcome.location, limit);
  return tagging;
}

function isOld({ document, writtenAt = Date.now() }: ObjectOutcome, since: number): boolean {
  return document === undefined && writtenAt < Math.floor(since / SECOND_MS) * SECOND_MS;
}

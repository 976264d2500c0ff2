/** What events say: the `detail` of each, versioned. `docs/events.md` tells of every field. */
import * as z from 'zod';
import { deploymentName, EVENT_TYPES } from '../aws/event-names.ts';
import { objectReferenceSchema } from '../aws/object-reference.ts';
import { runSummarySchema } from '../bucket-run/summary.ts';
import { captionResultSchema } from '../caption/result.ts';
import { type ResultDocument, type ResultLocation, resultDocumentSchema } from '../s3/results.ts';

/** Grows when a field changes or goes; new fields may come without it. */
const DETAIL_VERSION = '1';

const ofAny = { version: z.literal(DETAIL_VERSION), deployment: deploymentName };

const { source, model, writtenAt } = resultDocumentSchema.def.left.shape;
const { confidence, needsReview } = captionResultSchema.shape;
const { text, probability } = captionResultSchema.shape.captions.element.shape;
const { bucket, key } = objectReferenceSchema.shape;
const ofImage = { ...ofAny, source, result: z.object({ bucket, key }), model, writtenAt };

/** Of each type of event. */
export const DETAILS = {
  [EVENT_TYPES.captioned]: z.object({
    ...ofImage,
    captions: z.array(z.object({ text, probability })),
    confidence,
    needsReview,
  }),
  [EVENT_TYPES.refused]: z.object({ ...ofImage, error: z.object({ code: z.string(), message: z.string() }) }),
  [EVENT_TYPES.runFinished]: z.object({
    ...ofAny,
    execution: z.string().optional(),
    bucket: bucket.optional(),
    ...runSummarySchema.shape,
  }),
} as const;
export type EventType = keyof typeof DETAILS;
export type Detail<T extends EventType = EventType> = z.output<(typeof DETAILS)[T]>;

export interface ResultEvent<T extends EventType = EventType> {
  type: T;
  /** When it happened. */
  time: Date;
  detail: Detail<T>;
}

/** Captions without their words and options: the document has them. */
export function imageEvent(
  document: ResultDocument,
  { bucket, key }: ResultLocation,
  deployment: string,
): ResultEvent {
  const { source, model, writtenAt } = document;
  const time = new Date(writtenAt);
  const common = {
    version: DETAIL_VERSION,
    deployment,
    source,
    result: { bucket, key },
    model,
    writtenAt,
  } as const;
  if (document.status === 'failed') {
    return { type: EVENT_TYPES.refused, time, detail: { ...common, error: document.error } };
  }
  const { captions, confidence, needsReview } = document.result;
  const best = captions.map(({ text, probability }) => ({ text, probability }));
  return {
    type: EVENT_TYPES.captioned,
    time,
    detail: { ...common, captions: best, confidence, needsReview },
  };
}

export type FinishedRun = Omit<Detail<typeof EVENT_TYPES.runFinished>, 'version' | 'deployment'>;

export function runEvent(run: FinishedRun, deployment: string): ResultEvent {
  const detail = { version: DETAIL_VERSION, deployment, ...run } as const;
  return { type: EVENT_TYPES.runFinished, time: new Date(), detail };
}

/** What a state machine may hand to the workflow function. */
import * as z from 'zod';
import { type ObjectReference, objectReferenceSchema } from '../aws/object-reference.ts';
import type { Captioner } from '../caption/captioner.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import { describeProblems, InvalidRequest, problemsIn } from '../errors.ts';
import { bytesOfBase64 } from '../http/base64.ts';
import { decodedKey } from '../s3/events.ts';

/** A batch of the largest items still fits what Step Functions passes on, 256 KiB, by far. */
const MAX_ITEMS = 1_000;

const text = z.string().min(1);
/** Checked apart, since what is allowed depends on the model. */
const options = z.record(z.string(), z.unknown()).optional();

const objectSchema = objectReferenceSchema.extend({ options });

const imageSchema = z.strictObject({ image: text, options });

/** What spreadsheets put before the first column's name. */
const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * One item of a Distributed Map: an entry of ListObjectsV2 (`Key`), a row of an S3 inventory (`Bucket`, `Key`,
 * `VersionId`, `IsDeleteMarker`), a line of a CSV with either headers. Other columns are ignored, and empty ones, which Step Functions
 * gives to a row that is shorter than the header, are none.
 */
const itemSchema = z
  .object({
    Bucket: z.string().optional(),
    Key: z.string().optional(),
    VersionId: z.string().optional(),
    bucket: z.string().optional(),
    key: z.string().optional(),
    versionId: z.string().optional(),
    IsDeleteMarker: z.unknown().optional(),
    isDeleteMarker: z.unknown().optional(),
  })
  .transform((item) => ({
    bucket: item.bucket || item.Bucket || undefined,
    key: item.key || item.Key || undefined,
    versionId: (item.versionId ?? item.VersionId) || undefined,
    isDeleteMarker: /^true$/i.test(String(item.isDeleteMarker ?? item.IsDeleteMarker)),
  }));

const batchSchema = z.strictObject({
  Items: z.array(z.record(z.string(), z.unknown())).min(1).max(MAX_ITEMS),
  BatchInput: z
    .strictObject({
      /** For items that name none. */
      bucket: text.optional(),
      /** Keys of inventories are URL-encoded, those of lists are not. */
      keyEncoding: z.enum(['plain', 'url']).default('plain'),
      /** When the run began: what it recorded and could not tell of is told of when a batch is tried again. */
      startedAt: z.iso.datetime().optional(),
      options,
    })
    .default({ keyEncoding: 'plain' }),
});

export interface WorkflowObject extends ObjectReference {
  plan?: CaptionPlan | undefined;
}

/** An item that names no object; it fails, and the others of its batch do not. */
export interface UnreadableItem {
  /** As far as it names them, or else empty. */
  bucket: string;
  key: string;
  error: InvalidRequest;
}

export type WorkflowInput =
  | { kind: 'object'; object: WorkflowObject }
  | { kind: 'image'; bytes: Uint8Array; plan: CaptionPlan | undefined }
  | { kind: 'batch'; objects: (WorkflowObject | UnreadableItem)[]; startedAt?: number };

const fieldsOf = (event: unknown) => z.record(z.string(), z.unknown()).safeParse(event).data ?? {};

/** True for what a Distributed Map hands over, in whatever form. */
export function isBatch(event: unknown): boolean {
  return 'Items' in fieldsOf(event);
}

/**
 * @param plan checks options against the model
 * @throws InvalidRequest naming what is wrong
 */
export function readWorkflowInput(event: unknown, plan: Captioner['plan']): WorkflowInput {
  const input = fieldsOf(event);
  if (isBatch(event)) {
    const batch = parse(batchSchema, input);
    const { startedAt } = batch.BatchInput;
    return {
      kind: 'batch',
      objects: objectsOf(batch, plan),
      ...(startedAt !== undefined && { startedAt: Date.parse(startedAt) }),
    };
  }
  if ('image' in input) {
    const { image, options } = parse(imageSchema, input);
    return { kind: 'image', bytes: bytesOfBase64(image), plan: planned(options, plan) };
  }
  const { options, ...object } = parse(objectSchema, input);
  return { kind: 'object', object: { ...object, plan: planned(options, plan) } };
}

/** @throws InvalidRequest when no item at all has a key's column: then the list is wrong, and not a row of it */
function objectsOf(
  batch: z.output<typeof batchSchema>,
  planOf: Captioner['plan'],
): (WorkflowObject | UnreadableItem)[] {
  const plan = planned(batch.BatchInput.options, planOf);
  const items = batch.Items.map(withoutByteOrderMarks);
  if (!items.some((item) => 'key' in item || 'Key' in item)) {
    throw new InvalidRequest('Items: none has a key; name its column or field key or Key');
  }
  return items.flatMap((item, i) => objectOf(item, `Items.${i}`, batch.BatchInput, plan) ?? []);
}

/**
 * @param place of the item, for what is wrong with it
 * @returns `null` for a delete marker
 */
function objectOf(
  item: Record<string, unknown>,
  place: string,
  { bucket: common, keyEncoding }: z.output<typeof batchSchema>['BatchInput'],
  plan: CaptionPlan | undefined,
): WorkflowObject | UnreadableItem | null {
  const { data, error } = itemSchema.safeParse(item);
  const { bucket = common, key, versionId, isDeleteMarker } = data ?? {};
  if (isDeleteMarker) return null;
  const unreadable = (what: string, cause?: unknown) => ({
    bucket: bucket ?? '',
    key: key ?? '',
    error: new InvalidRequest(`${place}: ${what}`, { cause }),
  });
  if (error !== undefined) return unreadable(describeProblems(problemsIn(error)));
  if (key === undefined) return unreadable('names no key');
  if (bucket === undefined) return unreadable('names no bucket');
  try {
    return { bucket, key: keyEncoding === 'url' ? decodedKey(key) : key, versionId, plan };
  } catch (cause) {
    return unreadable((cause as Error).message, cause);
  }
}

function withoutByteOrderMarks(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name.replace(BYTE_ORDER_MARK, ''), value]),
  );
}

/** Nothing asked for is another result than the model's own options asked for. */
function planned(
  asked: Record<string, unknown> | undefined,
  plan: Captioner['plan'],
): CaptionPlan | undefined {
  // The plan is what checks it.
  return asked === undefined ? undefined : plan(asked as CaptionOptionsInput);
}

function parse<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(problemsIn(parsed.error, 'event'));
}

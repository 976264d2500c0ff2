/** What a state machine may hand to the workflow function. */
import * as z from 'zod';
import { type ObjectReference, objectReferenceSchema } from '../aws/object-reference.ts';
import type { Captioner } from '../caption/captioner.ts';
import type { CaptionOptionsInput } from '../caption/options.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import { InvalidRequest, problemsIn } from '../errors.ts';
import { bytesOfBase64 } from '../http/base64.ts';
import { decodedKey } from '../s3/events.ts';

/** A batch of the largest items still fits what Step Functions passes on, 256 KiB, by far. */
const MAX_ITEMS = 1_000;

const text = z.string().min(1);
/** Checked apart, since what is allowed depends on the model. */
const options = z.record(z.string(), z.unknown()).optional();

const objectSchema = objectReferenceSchema.extend({ options });

const imageSchema = z.strictObject({ image: text, options });

/**
 * One item of a Distributed Map: an entry of ListObjectsV2 (`Key`), a row of an S3 inventory (`Bucket`, `Key`,
 * `VersionId`), a line of a CSV with either headers. Other columns are ignored.
 */
const itemSchema = z
  .object({
    Bucket: text.optional(),
    Key: text.optional(),
    VersionId: z.string().optional(),
    bucket: text.optional(),
    key: text.optional(),
    versionId: z.string().optional(),
  })
  .transform((item) => ({
    bucket: item.bucket ?? item.Bucket,
    key: item.key ?? item.Key,
    // An empty column is no version.
    versionId: (item.versionId ?? item.VersionId) || undefined,
  }));

const batchSchema = z.strictObject({
  Items: z.array(itemSchema).min(1).max(MAX_ITEMS),
  BatchInput: z
    .strictObject({
      /** For items that name none. */
      bucket: text.optional(),
      /** Keys of inventories are URL-encoded, those of lists are not. */
      keyEncoding: z.enum(['plain', 'url']).default('plain'),
      options,
    })
    .default({ keyEncoding: 'plain' }),
});

export interface WorkflowObject extends ObjectReference {
  plan?: CaptionPlan | undefined;
}

export type WorkflowInput =
  | { kind: 'object'; object: WorkflowObject }
  | { kind: 'image'; bytes: Uint8Array; plan: CaptionPlan | undefined }
  | { kind: 'batch'; objects: WorkflowObject[] };

/**
 * @param plan checks options against the model
 * @throws InvalidRequest naming what is wrong
 */
export function readWorkflowInput(event: unknown, plan: Captioner['plan']): WorkflowInput {
  const input = z.record(z.string(), z.unknown()).safeParse(event).data ?? {};
  if ('Items' in input) return { kind: 'batch', objects: objectsOf(parse(batchSchema, input), plan) };
  if ('image' in input) {
    const { image, options } = parse(imageSchema, input);
    return { kind: 'image', bytes: bytesOfBase64(image), plan: planned(options, plan) };
  }
  const { options, ...object } = parse(objectSchema, input);
  return { kind: 'object', object: { ...object, plan: planned(options, plan) } };
}

function objectsOf(batch: z.output<typeof batchSchema>, planOf: Captioner['plan']): WorkflowObject[] {
  const { bucket: common, keyEncoding } = batch.BatchInput;
  const plan = planned(batch.BatchInput.options, planOf);
  return batch.Items.map(({ bucket = common, key, versionId }, i) => {
    if (bucket === undefined || key === undefined) {
      throw new InvalidRequest(`Items.${i}: names no ${key === undefined ? 'key' : 'bucket'}`);
    }
    return { bucket, key: keyEncoding === 'url' ? decodedKey(key) : key, versionId, plan };
  });
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

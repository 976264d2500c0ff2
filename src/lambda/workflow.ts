/**
 * A task of Step Functions: one object, one image, or a batch of objects. What is wrong with an image, or with the request
 * for it, is an answer: Lambda counts what is thrown as an error of the function, for which operators are called. Whatever
 * is thrown carries its code as its name, which is what Retry matches on. In a batch an object that S3 refuses is a result
 * as well; a list without keys fails its batch, so that a run over it ends early.
 */
import type { Context } from 'aws-lambda';
import { nameOf } from '../aws/object-reference.ts';
import type { CaptionResult } from '../caption/result.ts';
import { UnsupportedImage } from '../errors.ts';
import { writingLimit } from '../s3/caption-object.ts';
import { type ResultDocument, readResult } from '../s3/results.ts';
import { countCaptions, reportFailure } from './failures.ts';
import { captionAndReport, startObjectRuntime, type Telling } from './objects.ts';
import { deadlineOf, inInvocation } from './runtime.ts';
import {
  isBatch,
  readWorkflowInput,
  type UnreadableItem,
  type WorkflowInput,
  type WorkflowObject,
} from './workflow-input.ts';
import {
  type BatchOutcome,
  batchOutcome,
  failedItem,
  type ItemOutcome,
  itemOf,
  type Refusal,
  refusalOf,
} from './workflow-output.ts';

const runtime = await startObjectRuntime(process.env);

export async function handler(
  event: unknown,
  context: Context,
): Promise<CaptionResult | ResultDocument | Refusal | BatchOutcome> {
  return await inInvocation(runtime, context, context.awsRequestId, async () => {
    try {
      const { plan } = await runtime.captioner;
      return await answer(readWorkflowInput(event, plan), deadlineOf(context));
    } catch (error) {
      reportFailure(error, {}, runtime);
      if (isBatch(event)) throw error;
      return refusalOf(error);
    }
  });
}

async function answer(input: WorkflowInput, deadline: number) {
  switch (input.kind) {
    case 'object':
      return await captionOne(input.object, deadline);
    case 'image':
      return await captionBytes(input, deadline);
    case 'batch':
      return await captionBatch(input, deadline);
  }
}

async function captionBytes({ bytes, plan }: WorkflowInput & { kind: 'image' }, deadline: number) {
  const result = await (await runtime.captioner).caption(bytes, plan, { deadline });
  countCaptions(result.timings, runtime.metrics);
  return result;
}

async function captionOne(object: WorkflowObject, deadline: number): Promise<ResultDocument> {
  const outcome = await captionAndReport(object, runtime, deadline);
  if (outcome.status === 'passed over') {
    throw new UnsupportedImage(`${nameOf(object)} is empty and stands for a folder`);
  }
  return outcome.document ?? (await readResult(runtime.s3, outcome.location));
}

/** One after the other: two images at once would only share the processor. */
async function captionBatch(
  { objects, startedAt = Number.POSITIVE_INFINITY }: WorkflowInput & { kind: 'batch' },
  deadline: number,
): Promise<BatchOutcome> {
  const items: ItemOutcome[] = [];
  const gathering = runtime.announcer?.gather();
  // A run over what is all done already tells of nothing.
  const telling = { since: startedAt, announce: gathering?.image };
  try {
    for (const object of objects) {
      const item = await itemOutcome(object, deadline, telling);
      if (item !== null) items.push(item);
      else runtime.logger.info('ignored', { source: { bucket: object.bucket, key: object.key } });
    }
  } finally {
    await gathering?.flush(writingLimit(deadline));
  }
  return await batchOutcome(items, runtime.s3, runtime.settings.results);
}

/**
 * @returns `null` for what is passed over
 * @throws what is not the item's own fault
 */
async function itemOutcome(
  object: WorkflowObject | UnreadableItem,
  deadline: number,
  telling: Telling,
): Promise<ItemOutcome | null> {
  try {
    if ('error' in object) throw object.error;
    return itemOf(object, await captionAndReport(object, runtime, deadline, telling));
  } catch (error) {
    const item = failedItem(object, error);
    const { bucket, key, versionId } = item;
    reportFailure(error, { source: { bucket, key, versionId } }, runtime);
    return item;
  }
}

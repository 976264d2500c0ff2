/**
 * Events of S3 from a queue, whichever way they came there. What is the image's own fault is recorded as its result
 * and acknowledged; what is the service's goes back to the queue. A message that is no event of S3, or that names a
 * bucket which may not be read, goes back as well: after its last receive the dead-letter queue keeps it whole.
 * What comes past the queue is thrown, or Lambda would take it as done.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import { InvalidRequest } from '../errors.ts';
import { captionEvent } from '../s3/caption-event.ts';
import { reportFailure } from './failures.ts';
import { captionAndReport, startObjectRuntime } from './objects.ts';
import { deadlineOf, inInvocation } from './runtime.ts';

const runtime = await startObjectRuntime(process.env);
const { logger, settings } = runtime;
const processor = new BatchProcessor(EventType.SQS);

const eventSchema = z.object({
  Records: z.array(
    z.object({ eventSource: z.literal('aws:sqs'), messageId: z.string().min(1), body: z.string() }),
  ),
});

/** @throws InvalidRequest when the event is no batch of messages */
export async function handler(event: unknown, context: Context): Promise<SQSBatchResponse> {
  return await inInvocation(runtime, context, context.awsRequestId, async () => {
    checkBatch(event);
    const handle = (message: SQSRecord) => handleMessage(message, context);
    return await processPartialResponse(event, handle, processor, {
      context,
      // Two images at once would only share the processor, and double the memory.
      processInParallel: false,
      // A whole batch of failures is reported like any other: thrown, it would look like a bug of the function.
      throwOnFullBatchFailure: false,
    });
  });
}

function checkBatch(event: unknown): asserts event is SQSEvent {
  if (eventSchema.safeParse(event).success) return;
  const error = new InvalidRequest(
    'the event has no records of SQS: buckets, topics and rules have to send to the queue, not to this function',
  );
  reportFailure(error, {}, runtime);
  throw error;
}

async function handleMessage({ messageId, body }: SQSRecord, context: Context): Promise<void> {
  try {
    await captionEvent(body, {
      results: settings.results,
      caption: (object) => captionAndReport(object, runtime, deadlineOf(context)),
      count: (fate, key) => {
        if (fate === 'ignored') logger.info('ignored', { messageId, key });
      },
    });
  } catch (error) {
    reportFailure(error, { messageId }, runtime);
    throw error;
  }
}

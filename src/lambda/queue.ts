/**
 * Events of S3 from a queue, straight or through EventBridge. What is the image's own fault is recorded as its result
 * and acknowledged; what is the service's goes back to the queue. A message that is no event of S3, or that names a
 * bucket which may not be read, goes back as well: after its last receive the dead-letter queue keeps it whole.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { captionEvent } from '../s3/caption-event.ts';
import { reportFailure } from './failures.ts';
import { captionAndReport, startObjectRuntime } from './objects.ts';
import { deadlineOf, inInvocation } from './runtime.ts';

const runtime = await startObjectRuntime(process.env);
const { logger, settings } = runtime;
const processor = new BatchProcessor(EventType.SQS);

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  return await inInvocation(runtime, context, context.awsRequestId, () =>
    processPartialResponse(event, (message: SQSRecord) => handleMessage(message, context), processor, {
      context,
      // Two images at once would only share the processor, and double the memory.
      processInParallel: false,
      // A whole batch of failures is reported like any other: thrown, it would look like a bug of the function.
      throwOnFullBatchFailure: false,
    }),
  );
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

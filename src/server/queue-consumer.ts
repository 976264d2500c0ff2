/**
 * Captions what a queue names, beside the HTTP server: the same messages, the same records and the same rule for
 * failures as the Lambda handler of the queue. What is done is deleted; everything else comes back after its visibility
 * timeout, and after its last receive the dead-letter queue keeps it.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { distrusting, requestsOf } from '../aws/client.ts';
import { connectionFailureOf } from '../aws/lost-connection.ts';
import { type ErrorReport, reportOf } from '../errors.ts';
import { captionEvent, type Fate } from '../s3/caption-event.ts';
import { captionObject, type ObjectCaptioner, type ObjectOutcome } from '../s3/caption-object.ts';
import type { ReadableObject } from '../s3/events.ts';
import { type FollowUps, followUp } from '../s3/follow-up.ts';

/** The longest that SQS lets a request wait for messages: an empty queue then costs three requests a minute. */
const WAIT_SECONDS = 20;
/** SQS gives no more in one answer. */
const MAX_RECEIVED = 10;
/** A server that dies gives its messages back this much later. */
const VISIBILITY_SECONDS = 60;
/** While a message is at work; leaves room for two that fail. */
const EXTEND_AFTER_MS = (VISIBILITY_SECONDS * 1000) / 3;
/** For one object, reading included: far above what an image takes, far below what people wait for. */
const OBJECT_MS = 120_000;
/** Before asking again after a failed request; doubled from failure to failure. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Longer than a request may wait on purpose. */
const ANSWER_TIMEOUT_MS = (WAIT_SECONDS + 10) * 1000;
const CONNECTION_TIMEOUT_MS = 2_000;

/** Objects of a message by what became of them. */
type Counts = Record<Fate, number>;

/** One line for each message, and for each request to SQS that failed; never content of an image. */
export interface ConsumerReport extends Partial<Counts> {
  /** `left`: comes back to the queue. `failed`: a request to SQS. */
  queue: 'done' | 'left' | 'failed';
  messageId?: string | undefined;
  /** Objects that got no tag, for they have ten of others. */
  untagged?: number;
  code?: ErrorReport['code'];
  /** What an operator has to know. */
  error?: string;
  milliseconds?: number;
}

export interface ConsumerParts extends ObjectCaptioner {
  sqs: SQSClient;
  queueUrl: string;
  /** Messages at work at the same time; 1 or more. */
  messages: number;
  /** @default none */
  followUps?: FollowUps;
  /** @default nothing */
  report?: (line: ConsumerReport) => void;
}

export interface QueueConsumer {
  /** Takes no more messages, finishes those at work. */
  stop(): Promise<void>;
}

/**
 * Region, credentials, endpoint and proxies come from the environment as usual.
 * @throws InvalidRequest for a proxy that is none
 */
export function createSqsClient(): SQSClient {
  const limits = {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: ANSWER_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  };
  return distrusting(new SQSClient(requestsOf(limits)));
}

/** Starts at once; goes on until it is stopped, whatever SQS answers. */
export function startQueueConsumer(parts: ConsumerParts): QueueConsumer {
  const stopping = new AbortController();
  const atWork = new Set<Promise<void>>();
  const run = async (): Promise<void> => {
    let pause = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      try {
        const free = Math.min(MAX_RECEIVED, parts.messages - atWork.size);
        for (const message of await receive(parts, free, stopping.signal)) {
          const work = handleMessage(message, parts).finally(() => atWork.delete(work));
          atWork.add(work);
        }
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (stopping.signal.aborted) return;
        reportRequest(error, parts);
        await wait(pause, stopping.signal);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      if (atWork.size >= parts.messages) await Promise.race(atWork);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(atWork);
    },
  };
}

async function receive(
  { sqs, queueUrl }: ConsumerParts,
  messages: number,
  abortSignal: AbortSignal,
): Promise<Message[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: messages,
    WaitTimeSeconds: WAIT_SECONDS,
    VisibilityTimeout: VISIBILITY_SECONDS,
  });
  const { Messages = [] } = await sqs.send(command, { abortSignal });
  return Messages;
}

/** Never rejects. */
async function handleMessage(message: Message, parts: ConsumerParts): Promise<void> {
  const start = performance.now();
  const counts: Counts = { captioned: 0, recorded: 0, skipped: 0, ignored: 0 };
  let untagged = 0;
  const extending = setInterval(() => void extend(message, parts), EXTEND_AFTER_MS);
  const end = (line: ConsumerReport): void =>
    parts.report?.({
      ...line,
      messageId: message.MessageId,
      ...counts,
      ...(untagged > 0 && { untagged }),
      milliseconds: performance.now() - start,
    });
  try {
    await captionEvent(message.Body ?? '', {
      results: parts.results,
      caption: async (object) => await captionAndFollowUp(object, parts, () => untagged++),
      count: (fate) => {
        counts[fate]++;
      },
    });
    await remove(message, parts);
    end({ queue: 'done' });
  } catch (error) {
    end({ queue: 'left', ...failureOf(connectionFailureOf(error, 'the queue') ?? error) });
  } finally {
    clearInterval(extending);
  }
}

async function captionAndFollowUp(
  object: ReadableObject,
  parts: ConsumerParts,
  countUntagged: () => void,
): Promise<ObjectOutcome> {
  const { s3, followUps = {} } = parts;
  const call = { deadline: Date.now() + OBJECT_MS };
  const outcome = await captionObject(object, parts, call);
  if ((await followUp(outcome, { s3, followUps }, call)) === 'no room') countUntagged();
  return outcome;
}

async function remove({ ReceiptHandle }: Message, { sqs, queueUrl }: ConsumerParts): Promise<void> {
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
}

/** One that fails does no harm: another server then finds the result, or the place where it is written first. */
async function extend({ ReceiptHandle }: Message, parts: ConsumerParts): Promise<void> {
  const { sqs, queueUrl } = parts;
  const command = new ChangeMessageVisibilityCommand({
    QueueUrl: queueUrl,
    ReceiptHandle,
    VisibilityTimeout: VISIBILITY_SECONDS,
  });
  await sqs.send(command).catch((error: unknown) => reportRequest(error, parts));
}

function reportRequest(error: unknown, { report }: ConsumerParts): void {
  report?.({ queue: 'failed', ...failureOf(connectionFailureOf(error, 'the queue') ?? error) });
}

function failureOf(error: unknown): Required<Pick<ConsumerReport, 'code' | 'error'>> {
  const { code, message } = reportOf(error);
  return { code, error: message };
}

/** Ends early when the signal does. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}

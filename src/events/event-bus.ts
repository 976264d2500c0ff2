/** Events put on a bus of EventBridge, as many at once as it takes. */
import { setTimeout } from 'node:timers/promises';
import {
  EventBridgeClient,
  EventBridgeServiceException,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { distrusting, requestsOf } from '../aws/client.ts';
import { EVENT_SOURCE } from '../aws/event-names.ts';
import { connectionFailureOf, isLostConnection } from '../aws/lost-connection.ts';
import { DeadlineExceeded, UpstreamUnavailable } from '../errors.ts';
import { until } from '../s3/images.ts';
import type { ResultEvent } from './details.ts';

/** Of one request. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const MAX_ENTRIES = 10;
/**
 * Of all entries of a request together. An event is far smaller: ten captions of sixty words, and two keys.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
 */
const MAX_REQUEST_BYTES = 256 << 10;
const TIME_BYTES = 14;

/** First try and two more: throttling that lasts is the queue's to wait out. */
const ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** Before those are put again that were refused one by one, which the client does not do; doubled each time. */
const FIRST_PAUSE_MS = 100;
/** What EventBridge says of an entry, or of all, that it may take the next time. */
const PASSING: readonly string[] = ['ThrottlingException', 'InternalFailure', 'InternalException'];
const TOO_MANY_REQUESTS = 429;

/**
 * Region, credentials, endpoint and proxies come from the environment as usual.
 * @throws InvalidRequest for a proxy that is none
 */
export function createEventBridgeClient(): EventBridgeClient {
  const limits = {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: ANSWER_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  };
  return distrusting(new EventBridgeClient({ maxAttempts: ATTEMPTS, ...requestsOf(limits) }));
}

export interface BusParts {
  client: EventBridgeClient;
  /** Name of the bus. */
  bus: string;
}

/**
 * Puts all events, or throws; some may be on the bus then.
 * @param deadline milliseconds since the epoch
 * @throws UpstreamUnavailable, DeadlineExceeded; what EventBridge refuses for good as it is
 */
export async function putEvents(
  events: readonly ResultEvent[],
  parts: BusParts,
  deadline?: number,
): Promise<void> {
  const entries = events.map(({ type, time, detail }) => ({
    EventBusName: parts.bus,
    Source: EVENT_SOURCE,
    DetailType: type,
    Time: time,
    Detail: JSON.stringify(detail),
  }));
  for (const request of requestsFor(entries)) await putAll(request, parts, deadline);
}

/** As few requests as hold them all, in their order. */
function requestsFor<E extends PutEventsRequestEntry>(entries: readonly E[]): E[][] {
  const requests: E[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = bytesOf(entry);
    const last = requests.at(-1);
    if (last === undefined || last.length === MAX_ENTRIES || bytes + size > MAX_REQUEST_BYTES) {
      requests.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return requests;
}

/** As EventBridge counts. */
function bytesOf({ Source = '', DetailType = '', Detail = '' }: PutEventsRequestEntry): number {
  return TIME_BYTES + [Source, DetailType, Detail].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** An answer of 200 may still have refused some. */
async function putAll(
  entries: readonly PutEventsRequestEntry[],
  parts: BusParts,
  deadline?: number,
): Promise<void> {
  let left = entries;
  for (let attempt = 1; ; attempt++) {
    const answers = await send(left, parts, deadline);
    const codes = answers.flatMap(({ ErrorCode }) => ErrorCode ?? []);
    left = left.filter((_, i) => answers[i]?.EventId === undefined);
    if (left.length === 0) return;
    const what = `the event bus ${parts.bus} refuses ${left.length} of ${entries.length} events`;
    const said = [...new Set(codes)].join(', ');
    if (codes.some((code) => !PASSING.includes(code))) throw new Error(`${what}: ${said}`);
    if (attempt === ATTEMPTS) throw new UpstreamUnavailable(`${what}: ${said}; try again later`);
    await setTimeout(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
}

async function send(entries: readonly PutEventsRequestEntry[], { client, bus }: BusParts, deadline?: number) {
  const limit = until(deadline);
  try {
    const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [...entries] }), limit);
    return Entries;
  } catch (error) {
    throw failureOf(error, `the event bus ${bus}`, limit.abortSignal);
  }
}

function failureOf(error: unknown, bus: string, limit?: AbortSignal): unknown {
  if (limit?.aborted && isLostConnection(error)) {
    return new DeadlineExceeded(`no time is left to wait for ${bus}`, { cause: error });
  }
  const lost = connectionFailureOf(error, bus);
  if (lost !== null || !(error instanceof EventBridgeServiceException)) return lost ?? error;
  const { httpStatusCode: status = 0 } = error.$metadata;
  const passes = PASSING.includes(error.name) || status >= 500 || status === TOO_MANY_REQUESTS;
  if (!passes) return error;
  return new UpstreamUnavailable(`${bus} does not take events now: ${error.name}; try again later`, {
    cause: error,
  });
}

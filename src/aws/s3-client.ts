import { S3Client } from '@aws-sdk/client-s3';
import { distrusting, requestsOf } from './client.ts';

/** First try and two more, with the SDK's own pauses: throttling that lasts is the queue's to wait out. */
const ATTEMPTS = 3;
/**
 * S3 answers in tens of milliseconds; a connection or an answer that takes this long is better begun anew. All attempts
 * together end before an HTTP API gives up, after 30 s.
 */
const CONNECTION_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** Silence in the middle of a body. */
const IDLE_TIMEOUT_MS = 5_000;

/**
 * A client that gives up in time to say so; region, credentials, endpoint and proxies come from the environment as usual.
 * @throws InvalidRequest for a proxy that is none
 */
export function createS3Client(): S3Client {
  const client = new S3Client({
    maxAttempts: ATTEMPTS,
    ...requestsOf({
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: ANSWER_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: IDLE_TIMEOUT_MS,
    }),
  });
  return distrusting(client);
}

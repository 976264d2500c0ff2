/** What AWS answers to a person at a command line, as the failures of this program. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { SFNServiceException } from '@aws-sdk/client-sfn';
import { InvalidRequest, UpstreamUnavailable } from '../errors.ts';
import { connectionFailureOf } from './lost-connection.ts';

/** There are no credentials, or they have expired. https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html */
const CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
const TOO_MANY_REQUESTS = 429;

/**
 * The failure that a failed request stands for: the request's own fault (no such bucket or state machine, no
 * permission, no credentials), one that passes, or else itself.
 * @param task what was asked for, as in `listing s3://bucket/`
 */
export function requestFailureOf(error: unknown, task: string): unknown {
  if (!(error instanceof Error)) return error;
  const text = `${task}: ${error.name}: ${error.message}`;
  if (CREDENTIALS.includes(error.name)) return new InvalidRequest(text, { cause: error });
  const lost = connectionFailureOf(error, task);
  if (lost !== null) return lost;
  if (!(error instanceof S3ServiceException || error instanceof SFNServiceException)) return error;
  const status = error.$metadata.httpStatusCode ?? 500;
  const passes = error.$retryable !== undefined || status >= 500 || status === TOO_MANY_REQUESTS;
  return passes
    ? new UpstreamUnavailable(text, { cause: error })
    : new InvalidRequest(text, { cause: error });
}

/** What S3 answers as the failures of this program, told by status and code, never by message. */
import { STATUS_CODES } from 'node:http';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { DeadlineExceeded, ImageNotFound, ObjectRefused, UpstreamUnavailable } from '../errors.ts';
import { connectionFailureOf, isLostConnection } from './lost-connection.ts';
import { nameOf, type ObjectReference } from './object-reference.ts';

/**
 * Gone or never there; 405 answers for a delete marker that is asked for by version.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
const MISSING_STATUS: readonly (number | undefined)[] = [404, 405];
/** Moved to an archive: it has to be restored before it can be read. */
const ARCHIVED = 'InvalidObjectState';
/** Changed between two requests of ours, or written by two at once: the next try finds things settled. */
const UNSETTLED_STATUS: readonly number[] = [409, 412];
const TOO_MANY_REQUESTS = 429;
/**
 * Of the credentials or the clock and so of every request, whatever the object.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const OF_CALLER: readonly string[] = [
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
];
/** What the client calls an answer without a body, as every answer to a HEAD is. */
const NAMELESS: readonly string[] = ['Unknown', 'UnknownError'];
/** Where the bucket is, when it is asked for elsewhere. */
const REGION_HEADER = 'x-amz-bucket-region';

/** True when S3 says that there is no such object. */
export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && MISSING_STATUS.includes(error.$metadata.httpStatusCode);
}

/** True when a conditional write found an object in its place. */
export function isTaken(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
}

/**
 * The failure that a failed request for an image stands for. What is neither of the object nor going to pass stays what it
 * is: a mistake of the deployment.
 * @param limit that the request had from us
 * @param task what was asked of S3
 */
export function imageFailureOf(
  error: unknown,
  image: ObjectReference,
  limit?: AbortSignal,
  task: 'read' | 'tag' = 'read',
): unknown {
  if (isMissing(error)) return new ImageNotFound(`${nameOf(image)} does not exist`, { cause: error });
  if (error instanceof S3ServiceException && error.name === ARCHIVED) {
    return new ImageNotFound(`${nameOf(image)} is archived and cannot be read`, { cause: error });
  }
  if (isRefusal(error) && !isPassing(error)) {
    return new ObjectRefused(`S3 refuses to ${task} ${nameOf(image)}: ${answerOf(error)}`, { cause: error });
  }
  return serviceFailureOf(error, image, limit);
}

/** Denied, encrypted with a key that cannot be used, in another region: S3 answers, and does not give this object. */
function isRefusal(error: unknown): error is S3ServiceException {
  if (!(error instanceof S3ServiceException) || OF_CALLER.includes(error.name)) return false;
  const { httpStatusCode: status = 0 } = error.$metadata;
  return status >= 300 && status < 500;
}

/** `403 AccessDenied`, `301 PermanentRedirect, the bucket is in eu-west-1`. */
function answerOf({ name, $metadata: { httpStatusCode: status }, $response }: S3ServiceException): string {
  const isNamed = !NAMELESS.includes(name) && name !== String(status);
  const region = $response?.headers[REGION_HEADER];
  const place = region === undefined ? '' : `, the bucket is in ${region}`;
  return `${status} ${isNamed ? name : STATUS_CODES[status!]}${place}`;
}

/**
 * `DeadlineExceeded` where our own limit ended the request, `UpstreamUnavailable` for what passes; everything else as it
 * is.
 */
export function serviceFailureOf(error: unknown, object: ObjectReference, limit?: AbortSignal): unknown {
  if (!isPassing(error)) return error;
  if (limit?.aborted && isLostConnection(error)) {
    return new DeadlineExceeded(`no time is left to wait for S3 and ${nameOf(object)}`, { cause: error });
  }
  return (
    connectionFailureOf(error, nameOf(object)) ??
    new UpstreamUnavailable(`S3 did not answer for ${nameOf(object)} in time; try again later`, {
      cause: error,
    })
  );
}

function isPassing(error: unknown): boolean {
  if (isLostConnection(error)) return true;
  if (!(error instanceof S3ServiceException)) return false;
  const { httpStatusCode: status = 0 } = error.$metadata;
  if (error.$retryable !== undefined || UNSETTLED_STATUS.includes(status)) return true;
  return status >= 500 || status === TOO_MANY_REQUESTS;
}

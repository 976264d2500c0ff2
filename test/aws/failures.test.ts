/** What errors of AWS's clients mean to this program: told by class, status and code, and never lost on the way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { S3ServiceException } from '@aws-sdk/client-s3';
import { SFNServiceException } from '@aws-sdk/client-sfn';
import { connectionFailureOf, isLostConnection } from '../../src/aws/lost-connection.ts';
import { imageFailureOf, isMissing, isTaken, serviceFailureOf } from '../../src/aws/object-failures.ts';
import { regionOf } from '../../src/aws/region.ts';
import { requestFailureOf } from '../../src/aws/request-failures.ts';
import { CaptionError } from '../../src/errors.ts';

const OBJECT = { bucket: 'photos', key: 'a.jpg' };
const ENDED = AbortSignal.abort();
const { signal: GOING_ON } = new AbortController();

type Options = ConstructorParameters<typeof S3ServiceException>[0];
const optionsOf = (httpStatusCode: number | undefined, name: string): Options => ({
  name,
  message: 'said by the service',
  $fault: 'client',
  $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
});
const s3Error = (status: number | undefined, name = 'Some', more: object = {}) =>
  Object.assign(new S3ServiceException(optionsOf(status, name)), more);
const sfnError = (status: number | undefined, more: object = {}) =>
  Object.assign(new SFNServiceException(optionsOf(status, 'Some')), more);
const named = (name: string, more: object = {}) =>
  Object.assign(new Error('said by the client'), { name, ...more });

/** Code of a failure that has the error as its cause; `itself` where the error stays what it is. */
function meaning(error: unknown, of: (error: unknown) => unknown): string {
  const failure = of(error);
  if (failure === error) return 'itself';
  assert.ok(failure instanceof CaptionError, String(failure));
  assert.equal(failure.cause, error);
  return failure.code;
}

describe('an error of S3 about an image', () => {
  const cases: [error: unknown, limit: AbortSignal | undefined, expected: string][] = [
    [s3Error(404), undefined, 'ImageNotFound'],
    [s3Error(405), undefined, 'ImageNotFound'],
    [s3Error(403, 'InvalidObjectState'), undefined, 'ImageNotFound'],
    [named('InvalidObjectState'), undefined, 'itself'],
    [s3Error(403), undefined, 'ObjectRefused'],
    [s3Error(301), undefined, 'ObjectRefused'],
    [s3Error(307), undefined, 'ObjectRefused'],
    [s3Error(400, 'KMS.DisabledException'), undefined, 'ObjectRefused'],
    ...['ExpiredToken', 'InvalidAccessKeyId', 'InvalidToken', 'RequestTimeTooSkewed'].map(
      (name): [unknown, undefined, string] => [s3Error(403, name), undefined, 'itself'],
    ),
    [s3Error(403, 'SignatureDoesNotMatch'), undefined, 'itself'],
    [s3Error(400, 'TokenRefreshRequired'), undefined, 'itself'],
    [s3Error(299), undefined, 'itself'],
    [s3Error(403, 'Some', { $retryable: {} }), undefined, 'UpstreamUnavailable'],
    [s3Error(400), ENDED, 'ObjectRefused'],
    [s3Error(undefined), undefined, 'itself'],
    [s3Error(409), undefined, 'UpstreamUnavailable'],
    [s3Error(412), undefined, 'UpstreamUnavailable'],
    [s3Error(429), undefined, 'UpstreamUnavailable'],
    [s3Error(428), undefined, 'ObjectRefused'],
    [s3Error(499), undefined, 'ObjectRefused'],
    [s3Error(500), undefined, 'UpstreamUnavailable'],
    // Answered, though too late: S3's own failure.
    [s3Error(503), ENDED, 'UpstreamUnavailable'],
    [named('AbortError'), ENDED, 'DeadlineExceeded'],
    [named('TimeoutError'), ENDED, 'DeadlineExceeded'],
    [named('Error', { code: 'ECONNRESET' }), ENDED, 'DeadlineExceeded'],
    [named('AbortError'), GOING_ON, 'UpstreamUnavailable'],
    [named('TimeoutError'), undefined, 'UpstreamUnavailable'],
    [named('Error', { code: 'ECONNRESET' }), GOING_ON, 'UpstreamUnavailable'],
    [named('Error', { code: 'ENOSPC' }), ENDED, 'itself'],
    [named('TypeError'), undefined, 'itself'],
    ['a text', ENDED, 'itself'],
  ];
  for (const [error, limit, expected] of cases) {
    const status = error instanceof S3ServiceException ? ` ${error.$metadata.httpStatusCode}` : '';
    test(`${String(error)}${status}, ${limit === ENDED ? 'at the end' : 'before the end'}, is ${expected}`, () => {
      assert.equal(
        meaning(error, (e) => imageFailureOf(e, OBJECT, limit)),
        expected,
      );
      const isImage = expected === 'ImageNotFound' || expected === 'ObjectRefused';
      assert.equal(
        meaning(error, (e) => serviceFailureOf(e, OBJECT, limit)),
        isImage ? 'itself' : expected,
      );
    });
  }

  test('is told with the name of the object', () => {
    for (const [error, limit] of [
      [s3Error(404), undefined],
      [s3Error(403, 'InvalidObjectState'), undefined],
      [s3Error(503), undefined],
      [named('AbortError'), ENDED],
      [named('AbortError'), GOING_ON],
    ] as const) {
      const { message } = imageFailureOf(error, OBJECT, limit) as Error;
      assert.match(message, /s3:\/\/photos\/a\.jpg/);
    }
    assert.equal((imageFailureOf(s3Error(404), OBJECT) as Error).message, 's3://photos/a.jpg does not exist');
  });

  test('that is a refusal is told with status, code and region', () => {
    const $response = { headers: { 'x-amz-bucket-region': 'eu-west-1' } };
    for (const [error, answer] of [
      [s3Error(403, 'AccessDenied'), '403 AccessDenied'],
      [s3Error(400, 'KMS.DisabledException'), '400 KMS.DisabledException'],
      [s3Error(403, 'Unknown'), '403 Forbidden'],
      [s3Error(400, 'UnknownError'), '400 Bad Request'],
      [s3Error(403, '403'), '403 Forbidden'],
      [s3Error(301, 'PermanentRedirect', { $response }), '301 PermanentRedirect, the bucket is in eu-west-1'],
      [s3Error(301, 'Unknown', { $response }), '301 Moved Permanently, the bucket is in eu-west-1'],
    ] as const) {
      const { message } = imageFailureOf(error, OBJECT) as Error;
      assert.equal(message, `S3 refuses to read s3://photos/a.jpg: ${answer}`);
    }
  });

  test('says whether something is missing, or taken', () => {
    for (const [error, missing, taken] of [
      [s3Error(404), true, false],
      [s3Error(405), true, false],
      [s3Error(412), false, true],
      [s3Error(403), false, false],
      [s3Error(undefined), false, false],
      [named('NotFound', { $metadata: { httpStatusCode: 404 } }), false, false],
      [named('PreconditionFailed', { $metadata: { httpStatusCode: 412 } }), false, false],
    ] as const) {
      assert.deepEqual([isMissing(error), isTaken(error)], [missing, taken]);
    }
  });
});

describe('an error of a request that a person made', () => {
  const cases: [error: unknown, expected: string][] = [
    [named('CredentialsProviderError'), 'InvalidRequest'],
    [named('TokenProviderError'), 'InvalidRequest'],
    [named('AbortError'), 'UpstreamUnavailable'],
    [named('Error', { code: 'ENOTFOUND' }), 'UpstreamUnavailable'],
    [named('TypeError'), 'itself'],
    ['a text', 'itself'],
    ...[s3Error, (status: number | undefined, _: string, more?: object) => sfnError(status, more)].flatMap(
      (make): [unknown, string][] => [
        [make(400, 'Some'), 'InvalidRequest'],
        [make(403, 'Some'), 'InvalidRequest'],
        [make(404, 'Some'), 'InvalidRequest'],
        [make(499, 'Some'), 'InvalidRequest'],
        [make(400, 'Some', { $retryable: {} }), 'UpstreamUnavailable'],
        [make(429, 'Some'), 'UpstreamUnavailable'],
        [make(500, 'Some'), 'UpstreamUnavailable'],
        [make(undefined, 'Some'), 'UpstreamUnavailable'],
      ],
    ),
  ];
  for (const [error, expected] of cases) {
    const status = (error as S3ServiceException).$metadata?.httpStatusCode ?? '';
    test(`${String(error)} ${status} is ${expected}`, () => {
      assert.equal(
        meaning(error, (e) => requestFailureOf(e, 'listing s3://photos/')),
        expected,
      );
    });
  }

  test('is told with what was asked for, and what was said', () => {
    for (const [error, message] of [
      [s3Error(403), 'listing s3://photos/: Some: said by the service'],
      [s3Error(503), 'listing s3://photos/: Some: said by the service'],
      [named('TokenProviderError'), 'listing s3://photos/: TokenProviderError: said by the client'],
      [named('AbortError'), 'listing s3://photos/: AbortError: said by the client'],
    ] as const) {
      assert.equal((requestFailureOf(error, 'listing s3://photos/') as Error).message, message);
    }
  });
});

test('a lost connection is one that ended without an answer', () => {
  for (const error of [
    named('AbortError'),
    named('TimeoutError'),
    named('Error', { code: 'EPIPE' }),
    new Error('', { cause: named('Error', { code: 'ECONNREFUSED' }) }),
  ]) {
    assert.equal(isLostConnection(error), true);
    assert.equal(connectionFailureOf(error, 'x')?.code, 'UpstreamUnavailable');
  }
  for (const error of [new Error('AbortError'), s3Error(503), { name: 'AbortError' }, null]) {
    assert.equal(isLostConnection(error), false);
    assert.equal(connectionFailureOf(error, 'x'), null);
  }
});

test('a region that nobody set is told with the variable that sets it', async () => {
  assert.equal(await regionOf({ config: { region: async () => 'eu-west-1' } }), 'eu-west-1');
  const cause = new Error('Region is missing');
  await assert.rejects(
    regionOf({ config: { region: () => Promise.reject(cause) } }),
    (error: Error) =>
      error.name === 'InvalidRequest' && error.cause === cause && /AWS_REGION/.test(error.message),
  );
});

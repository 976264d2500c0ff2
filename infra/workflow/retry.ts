/** What state machines do about each failure of the workflow function. */
import { Duration } from 'aws-cdk-lib';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { ErrorCode } from '../../src/errors.ts';

type Answer = 'retry' | 'fail';

/** `fail`: another try would only cost more. The deployment is broken, or a run's list; the faults of images are no failures. */
const ANSWERS = {
  InvalidRequest: 'fail',
  UnsupportedImage: 'fail',
  ImageTooLarge: 'fail',
  ImageNotFound: 'fail',
  ObjectRefused: 'fail',
  Overloaded: 'retry',
  DeadlineExceeded: 'retry',
  CaptionerHung: 'retry',
  UpstreamUnavailable: 'retry',
  ModelUnusable: 'fail',
} satisfies Record<ErrorCode, Answer>;

/**
 * A table, first match counts. Full jitter everywhere: batches that were refused together come back apart.
 * Step Functions' name for a throttled invocation is not among those that the CDK retries by itself.
 */
const RETRIES: readonly sfn.RetryProps[] = [
  {
    // The waits of all attempts, 2 + 4 + 8 + 16 + 30 + 30 s at most, leave most of an Express workflow's 5 minutes.
    errors: ['Lambda.TooManyRequestsException', ...codesFor('retry')],
    interval: Duration.seconds(2),
    backoffRate: 2,
    maxDelay: Duration.seconds(30),
    maxAttempts: 6,
    jitterStrategy: sfn.JitterType.FULL,
  },
  {
    // https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
    errors: [
      'Lambda.ClientExecutionTimeoutException',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
    ],
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxAttempts: 4,
    jitterStrategy: sfn.JitterType.FULL,
  },
  {
    // The process was killed or ran out of time. Images that it finished are skipped, so a second try has less to do.
    errors: ['Lambda.Unknown', 'Sandbox.Timedout', sfn.Errors.TIMEOUT],
    interval: Duration.seconds(2),
    maxAttempts: 1,
    jitterStrategy: sfn.JitterType.FULL,
  },
];

/** Adds every retry of the table. */
export function addRetries(task: LambdaInvoke): LambdaInvoke {
  for (const retry of RETRIES) task.addRetry(retry);
  return task;
}

function codesFor(answer: Answer): ErrorCode[] {
  return (Object.keys(ANSWERS) as ErrorCode[]).filter((code) => ANSWERS[code] === answer);
}

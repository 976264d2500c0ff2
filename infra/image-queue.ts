/**
 * New or restored image in the bucket -> EventBridge -> queue -> function. EventBridge rather than a notification of the
 * bucket, for the stack's own bucket as well: one way for both kinds, others may listen to the same bucket, and no
 * function of CDK's with rights on every bucket's notifications.
 */
import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { CaptionerBuckets } from './buckets.ts';
import type { CaptionerFunction } from './functions/captioner-function.ts';
import type { InputBucket } from './input/input-bucket.ts';
import { keyPattern } from './input/input-settings.ts';
import type { Settings } from './settings.ts';

/** AWS's advice, so that a throttled function does not spend a message's attempts. */
const VISIBILITY_TIMEOUTS = 6;
/** SQS keeps nothing longer. */
const LONGEST_RETENTION = Duration.days(14);

export interface ImageQueueProps {
  settings: Settings;
  buckets: CaptionerBuckets;
  captioner: CaptionerFunction;
}

export class ImageQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { settings, buckets, captioner }: ImageQueueProps) {
    super(scope, id);
    const { queue: limits, functions } = settings;
    this.deadLetters = this.makeQueue('DeadLetters', { retentionPeriod: LONGEST_RETENTION });
    this.queue = this.makeQueue('Images', {
      visibilityTimeout: Duration.seconds(VISIBILITY_TIMEOUTS * functions.queue.timeout),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.attempts },
    });
    acknowledge(
      this.deadLetters,
      'Serverless-SQSRedrivePolicy',
      'This is the dead-letter queue: what reaches it is looked at by a person, whom an alarm calls.',
    );
    for (const [i, input] of buckets.inputs.entries()) this.listen(`NewImages${i || ''}`, input);
    captioner.alias.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: limits.batchSize,
        reportBatchItemFailures: true,
        // One consumer: the function would take what GPU machines were started for. It stays at hand for when none can be had.
        ...(settings.gpu !== undefined && { enabled: false }),
        maxConcurrency: limits.concurrency,
      }),
    );
    acknowledge(
      captioner.alias,
      'Serverless-LambdaEventSourceMappingDestination',
      'Destinations of event source mappings are for streams: a queue keeps what fails, and its dead-letter queue too.',
    );
  }

  /** A rule each: a pattern holds few characters. */
  private listen(id: string, input: InputBucket): void {
    const key = keyPattern(input);
    new Rule(this, id, {
      description: `Images for show-and-tell`,
      eventPattern: {
        source: ['aws.s3'],
        // What was archived when it came can be read once it is restored.
        detailType: ['Object Created', 'Object Restore Completed'],
        detail: {
          bucket: { name: [input.bucket.bucketName] },
          // What consoles write to show a folder is empty.
          object: { size: [{ numeric: ['>', 0] }], ...(key.length > 0 && { key }) },
        },
      },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters })],
    });
  }

  private makeQueue(id: string, props: QueueProps): Queue {
    return new Queue(this, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: LONGEST_RETENTION,
      ...props,
    });
  }
}

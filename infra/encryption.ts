/** A key of the deployer's own for all that keeps images, their names or captions. */
import { Aspects, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IRole, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct } from 'constructs';
import * as z from 'zod';

const KEY_ARN =
  /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** `true` makes a key; an ARN names one, whose policy is its owner's: `docs/security.md` has the statements. */
export const customerKeySchema = z.union([
  z.literal(true),
  z.string().regex(KEY_ARN, 'expected the ARN of a key of KMS, not of an alias'),
]);

export interface Encrypted {
  setting: z.output<typeof customerKeySchema>;
  removal: 'retain' | 'destroy';
  /** Where S3 and load balancers write logs, which they do with S3's own key alone. */
  accessLogs: Construct;
  /** Read images, results or messages. */
  readers: readonly IRole[];
  /** Write results or uploads as well. */
  writers: readonly IRole[];
}

/** Every bucket but that of access logs, every queue, topic and log group of the stack, whoever made it. */
export function encryptStack(stack: Stack, props: Encrypted): void {
  const { setting, removal, accessLogs, readers, writers } = props;
  const key = setting === true ? makeKey(stack, removal) : Key.fromKeyArn(stack, 'Key', setting);
  const allow = (role: IRole, ...actions: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [key.keyArn] }));
  for (const role of readers) allow(role, 'kms:Decrypt');
  for (const role of writers) allow(role, 'kms:Decrypt', 'kms:GenerateDataKey');
  const kept = accessLogs.node.defaultChild;
  Aspects.of(stack).add({
    visit: (node) => {
      if (node !== kept) encrypt(node, key.keyArn);
    },
  });
}

function encrypt(node: IConstruct, keyArn: string): void {
  if (node instanceof CfnLogGroup) node.kmsKeyId = keyArn;
  if (node instanceof CfnTopic) node.kmsMasterKeyId = keyArn;
  if (node instanceof CfnQueue) {
    node.kmsMasterKeyId = keyArn;
    node.sqsManagedSseEnabled = undefined;
  }
  if (node instanceof CfnBucket) {
    node.bucketEncryption = {
      serverSideEncryptionConfiguration: [
        {
          // One request to KMS for many objects.
          bucketKeyEnabled: true,
          serverSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn },
        },
      ],
    };
  }
}

function makeKey(stack: Stack, removal: Encrypted['removal']): IKey {
  const key = new Key(stack, 'Key', {
    description: 'show-and-tell: images, their names and captions',
    enableKeyRotation: true,
    removalPolicy: removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  const allow = (sid: string, service: string, actions: string[], conditions = {}) =>
    key.addToResourcePolicy(
      new PolicyStatement({
        sid,
        principals: [new ServicePrincipal(service)],
        actions,
        resources: ['*'],
        conditions,
      }),
    );
  // Services that hand messages to an encrypted queue or topic. EventBridge passes no condition keys to KMS:
  // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
  const MESSAGES = ['kms:Decrypt', 'kms:GenerateDataKey'];
  allow('EventsToQueueAndTopic', 'events.amazonaws.com', MESSAGES);
  allow('AlarmsToTopic', 'cloudwatch.amazonaws.com', MESSAGES);
  // Without the names of the buckets, which wait for this key.
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html#configure-inventory-kms-key-policy
  allow('InventoriesToResults', 's3.amazonaws.com', ['kms:GenerateDataKey'], {
    StringEquals: { 'aws:SourceAccount': stack.account },
  });
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  allow(
    'LogsOfThisAccount',
    `logs.${stack.region}.amazonaws.com`,
    ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': Stack.of(key).formatArn({ service: 'logs', resource: '*' }),
      },
    },
  );
  return key;
}

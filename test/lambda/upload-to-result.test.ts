/** From an upload to its result, over a bucket's notification and a queue that are not ours. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { type ResultDocument, resultDocumentSchema } from '../../src/s3/results.ts';
import { type Moto, startMoto, withoutMoto } from '../support/aws/moto.ts';
import { COFFEE } from '../support/samples.ts';
import { objectEnvironment, type PackedFunction, pack } from './packed-function.ts';

const PHOTO = readFileSync(COFFEE);
const KEYS = [
  'plain.jpg',
  'with a space.jpg',
  'plus+plus++.jpg',
  '50%.jpg',
  'Käse/日本/😀.jpg',
  'a%2Bb c.jpg',
  'x=1&y=2.jpg',
];

describe('an upload', { skip: withoutMoto() }, () => {
  let moto: Moto;
  let queue: PackedFunction;
  let s3: S3Client;
  let sqs: SQSClient;
  let queueUrl: string;

  before(async () => {
    moto = await startMoto();
    queue = await pack('queue', objectEnvironment(moto));
    const settings = {
      endpoint: moto.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    s3 = new S3Client({ ...settings, forcePathStyle: true });
    sqs = new SQSClient(settings);
    for (const Bucket of ['photos', 'results']) {
      const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
      await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    }
    const created = await sqs.send(new CreateQueueCommand({ QueueName: 'images' }));
    queueUrl = created.QueueUrl!;
    const asked = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    );
    const QueueConfigurations = [
      { QueueArn: asked.Attributes!.QueueArn!, Events: ['s3:ObjectCreated:*' as const] },
    ];
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'photos',
        NotificationConfiguration: { QueueConfigurations },
      }),
    );
  });
  after(async () => {
    queue?.dispose();
    await moto?.stop();
  });

  /** As Lambda's poller: what the function does not give back is deleted. */
  async function poll(
    invoke: (event: unknown) => Promise<unknown>,
  ): Promise<{ bodies: string[]; left: number }> {
    const bodies: string[] = [];
    let left = 0;
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return { bodies, left };
      bodies.push(...Messages.map(({ Body }) => Body!));
      const Records = Messages.map(({ MessageId, Body }) => ({
        messageId: MessageId,
        body: Body,
        eventSource: 'aws:sqs',
      }));
      const invocation = (await invoke({ Records })) as { payload: SQSBatchResponse };
      const failed = new Set(invocation.payload.batchItemFailures.map((f) => f.itemIdentifier));
      left += failed.size;
      for (const message of Messages) if (!failed.has(message.MessageId!)) await remove(message);
    }
  }

  async function remove({ ReceiptHandle }: Message): Promise<void> {
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  }

  async function documents(): Promise<ResultDocument[]> {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'results' }));
    return await Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'results', Key }));
        return resultDocumentSchema.parse(JSON.parse(await Body!.transformToString()));
      }),
    );
  }

  async function upload(Key: string, Body: Uint8Array): Promise<void> {
    await s3.send(new PutObjectCommand({ Bucket: 'photos', Key, Body }));
  }

  it('ends as a result, whatever its key, after the test event of the bucket', async (t) => {
    for (const key of KEYS) await upload(key, PHOTO);
    const lambda = await queue.startFor(t);
    const { bodies, left } = await poll(lambda.invoke);
    assert.ok(bodies.some((body) => body.includes('s3:TestEvent')));
    assert.equal(left, 0);
    const found = (await documents()).map(({ source, status }) => [source.key, status]);
    assert.deepEqual(found.sort(), KEYS.map((key) => [key, 'captioned']).sort());
  });

  it('of each version ends as a result of its own, once', async (t) => {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'photos', VersioningConfiguration }));
    const lambda = await queue.startFor(t);
    const bodies: string[] = [];
    // moto's events name no version, so that each is handled while its version is the current one.
    for (const content of [PHOTO, Buffer.from('no image')]) {
      await upload('versions.jpg', content);
      bodies.push(...(await poll(lambda.invoke)).bodies);
    }
    // Delivered again, as queues do.
    await lambda.invoke({
      Records: bodies.map((body, i) => ({ messageId: String(i), body, eventSource: 'aws:sqs' })),
    });
    const found = (await documents()).filter(({ source }) => source.key === 'versions.jpg');
    assert.deepEqual(found.map(({ status }) => status).sort(), ['captioned', 'failed']);
    assert.equal(new Set(found.map(({ source }) => source.versionId)).size, 2);
  });
});

/** An event through a bus, a rule and a queue, as moto has them: what the client sends is what EventBridge takes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { createAnnouncer } from '../../src/events/announcer.ts';
import { DETAILS } from '../../src/events/details.ts';
import { blocksOf, readDocument } from '../docs/documents.ts';
import { type Moto, startMoto, withoutMoto } from '../support/aws/moto.ts';
import { CAPTIONED, LOCATION, REFUSED } from './results.ts';

describe('a rule of docs/events.md', { skip: withoutMoto() }, () => {
  let moto: Moto;
  before(async () => {
    moto = await startMoto();
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_EVENTBRIDGE: moto.url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
  });
  after(() => moto?.stop());

  it('brings captions of one deployment to a queue, and nothing else', async () => {
    const settings = {
      endpoint: moto.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const [sqs, events] = [new SQSClient(settings), new EventBridgeClient(settings)];
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'captions' }));
    const asked = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    const [EventPattern] = blocksOf(readDocument('docs/events.md'), 'json');
    await events.send(new PutRuleCommand({ Name: 'captions', EventPattern }));
    const Targets = [{ Id: 'captions', Arn: asked.Attributes!.QueueArn! }];
    await events.send(new PutTargetsCommand({ Rule: 'captions', Targets }));

    const of = (deployment: string) => createAnnouncer({ bus: 'default', deployment });
    await of('ShowAndTell-prod').image(REFUSED, LOCATION);
    await of('ShowAndTell-dev').image(CAPTIONED, LOCATION);
    await of('ShowAndTell-prod').image(CAPTIONED, LOCATION);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    assert.equal(Messages.length, 1);
    const event = JSON.parse(Messages[0]!.Body!);
    assert.deepEqual([event.source, event['detail-type']], ['show-and-tell', 'Image Captioned']);
    assert.equal(new Date(event.time).toISOString(), CAPTIONED.writtenAt);
    assert.equal(DETAILS['Image Captioned'].strict().parse(event.detail).deployment, 'ShowAndTell-prod');
  });
});

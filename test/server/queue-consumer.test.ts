import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { SQSClient } from '@aws-sdk/client-sqs';
import { Overloaded, UpstreamUnavailable } from '../../src/errors.ts';
import { DEFAULT_BUNDLE, type LoadedCaptioner, loadCaptioner } from '../../src/model/load.ts';
import type { ResultDocument } from '../../src/s3/results.ts';
import {
  type ConsumerParts,
  type ConsumerReport,
  type QueueConsumer,
  startQueueConsumer,
} from '../../src/server/queue-consumer.ts';
import { encodedKey, notification, record, throughTopic } from '../s3/event-factory.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { type FakeSqs, startFakeSqs } from '../support/aws/fake-sqs.ts';
import { COFFEE } from '../support/samples.ts';

const PHOTO = readFileSync(COFFEE);
const KEY = 'holiday 2026/façade+sea.jpg';

let captioner: LoadedCaptioner;
let s3: FakeS3;
let sqs: FakeSqs;
let parts: ConsumerParts;
let consumer: QueueConsumer | undefined;
let reports: EventEmitter<{ line: [ConsumerReport] }>;

before(async () => {
  captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
});
after(() => captioner.close());
beforeEach(async () => {
  s3 = await startFakeS3(['photos', 'results']);
  sqs = await startFakeSqs();
  reports = new EventEmitter();
  parts = {
    sqs: new SQSClient({
      endpoint: sqs.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    }),
    queueUrl: sqs.queueUrl,
    messages: 2,
    s3: clientOf(s3),
    caption: captioner.caption,
    model: captioner.model,
    allowedBuckets: ['photos'],
    results: { bucket: 'results', prefix: 'captions/' },
    maxObjectBytes: 1 << 20,
    report: (line) => reports.emit('line', line),
  };
});
afterEach(async () => {
  await consumer?.stop();
  consumer = undefined;
  await Promise.all([s3.close(), sqs.close()]);
});

/** Without what differs from run to run. */
async function nextLine(): Promise<ConsumerReport> {
  const [{ milliseconds, messageId, ...line }] = (await once(reports, 'line')) as [ConsumerReport];
  return line;
}

function sendPhoto(key = KEY): void {
  s3.put('photos', key, PHOTO);
  sqs.send(notification([record('photos', encodedKey(key))]));
}

const NOTHING = { captioned: 0, recorded: 0, skipped: 0, ignored: 0 };

describe('startQueueConsumer', () => {
  it('captions the object of a message, writes the result and deletes the message', async () => {
    consumer = startQueueConsumer(parts);
    sendPhoto();
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, captioned: 1 });
    const [result] = s3.keys('results');
    assert.match(
      result!,
      /^captions\/photos\/holiday 2026\/façade\+sea\.jpg\/[0-9a-f]+\.[0-9a-f]{16}\.json$/,
    );
    const document = JSON.parse(s3.get('results', result!)!.bytes.toString());
    assert.equal(document.result.captions[0].text, (await captioner.caption(PHOTO)).captions[0]!.text);
    assert.deepEqual(sqs.bodies(), []);
  });

  it('captions what comes through a topic, and deletes its test event', async () => {
    consumer = startQueueConsumer(parts);
    s3.put('photos', KEY, PHOTO);
    sqs.send(throughTopic(notification([record('photos', encodedKey(KEY))])));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, captioned: 1 });
    sqs.send(throughTopic('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"photos"}'));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, ignored: 1 });
    assert.deepEqual(sqs.bodies(), []);
  });

  it('deletes a message that comes twice, without captioning again', async () => {
    consumer = startQueueConsumer(parts);
    sendPhoto();
    await nextLine();
    sqs.send(notification([record('photos', encodedKey(KEY))]));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, skipped: 1 });
    assert.deepEqual(sqs.bodies(), []);
  });

  it('records what is the fault of the image, and deletes its message', async () => {
    s3.put('photos', 'broken.jpg', PHOTO.subarray(0, 100));
    sqs.send(notification([record('photos', 'broken.jpg'), record('photos', 'gone.jpg')]));
    consumer = startQueueConsumer(parts);
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, recorded: 2 });
    assert.equal(s3.keys('results').length, 2);
    assert.deepEqual(sqs.bodies(), []);
  });

  it('leaves a message for which the service has no place, and captions it when it comes back', async () => {
    let attempts = 0;
    consumer = startQueueConsumer({
      ...parts,
      caption: async (...args) => {
        if (++attempts === 1) throw new Overloaded('no place');
        return await captioner.caption(...args);
      },
    });
    sendPhoto();
    const line = await nextLine();
    assert.equal(line.queue, 'left');
    assert.equal(line.code, 'Overloaded');
    assert.equal(sqs.bodies().length, 1);
    sqs.giveBack();
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, captioned: 1 });
    assert.deepEqual(sqs.bodies(), []);
  });

  it('leaves a message of which nobody could be told, and tells of it when it comes back', async () => {
    const told: string[] = [];
    const announce = async ({ source: { key } }: ResultDocument) => {
      told.push(key);
      if (told.length === 1) throw new UpstreamUnavailable('no bus');
    };
    consumer = startQueueConsumer({ ...parts, followUps: { announce } });
    sendPhoto();
    const { queue, code } = await nextLine();
    assert.deepEqual([queue, code, s3.keys('results').length], ['left', 'UpstreamUnavailable', 1]);
    sqs.giveBack();
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, skipped: 1 });
    assert.deepEqual(told, [KEY, KEY]);
  });

  it('says how many objects had no room for the caption', async () => {
    consumer = startQueueConsumer({ ...parts, followUps: { tagObjects: ['photos'] } });
    const tags = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, '']));
    s3.put('photos', 'full.jpg', PHOTO).tags = tags;
    s3.put('photos', 'free.jpg', PHOTO);
    sqs.send(notification([record('photos', 'full.jpg'), record('photos', 'free.jpg')]));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, captioned: 2, untagged: 1 });
    assert.ok(s3.get('photos', 'free.jpg')!.tags.caption);
  });

  for (const [what, body] of [
    ['is no event of S3', '{"hello":"world"}'],
    ['is not JSON', 'hello'],
    ['is something else from a topic', throughTopic('hello')],
    ['names a bucket that may not be read', notification([record('secrets', 'a.jpg')])],
  ] as const) {
    it(`leaves a message that ${what} to the dead-letter queue`, async () => {
      consumer = startQueueConsumer(parts);
      sqs.send(body);
      const line = await nextLine();
      assert.equal(line.queue, 'left');
      assert.equal(line.code, 'InvalidRequest');
      assert.deepEqual(sqs.bodies(), [body]);
      assert.equal(s3.requests.length, 0);
    });
  }

  it('deletes the test event of a new bucket and the events of its own results', async () => {
    consumer = startQueueConsumer({ ...parts, allowedBuckets: ['photos', 'results'] });
    sqs.send(JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'photos' }));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, ignored: 1 });
    sqs.send(notification([record('results', 'captions/a.json')]));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, ignored: 1 });
    assert.deepEqual(sqs.bodies(), []);
  });

  it('passes over folders', async () => {
    consumer = startQueueConsumer(parts);
    s3.put('photos', '2026/', Buffer.alloc(0));
    sqs.send(notification([record('photos', '2026/')]));
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, ignored: 1 });
    assert.deepEqual([s3.keys('results'), sqs.bodies()], [[], []]);
  });

  it('keeps a message that takes long from others, and works on no more than it may', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const hold = Promise.withResolvers<void>();
    let atWork = 0;
    consumer = startQueueConsumer({
      ...parts,
      caption: async (...args) => {
        atWork++;
        await hold.promise;
        return await captioner.caption(...args);
      },
    });
    for (let i = 0; i < 3; i++) sendPhoto(`${i}.jpg`);
    while (atWork < 2) await new Promise(setImmediate);
    t.mock.timers.tick(20_000);
    const extended = () => sqs.requests.filter(({ action }) => action === 'ChangeMessageVisibility');
    while (extended().length < 2) await new Promise(setImmediate);
    assert.deepEqual(
      extended().map(({ input }) => input.VisibilityTimeout),
      [60, 60],
    );
    assert.equal(atWork, 2);
    hold.resolve();
    while (sqs.bodies().length > 0) await nextLine();
    assert.equal(s3.keys('results').length, 3);
    await consumer.stop();
    t.mock.timers.tick(20_000);
    assert.equal(extended().length, 2);
  });

  it('finishes what it is at when it is stopped, and takes nothing more', async () => {
    const started = Promise.withResolvers<void>();
    const hold = Promise.withResolvers<void>();
    consumer = startQueueConsumer({
      ...parts,
      caption: async (...args) => {
        started.resolve();
        await hold.promise;
        return await captioner.caption(...args);
      },
    });
    sendPhoto();
    await started.promise;
    const stopped = consumer.stop();
    sendPhoto('late.jpg');
    hold.resolve();
    await stopped;
    assert.equal(sqs.bodies().length, 1);
    assert.equal(s3.keys('results').length, 1);
  });

  it('ends a request that waits for messages when it is stopped', { timeout: 5_000 }, async () => {
    consumer = startQueueConsumer(parts);
    while (sqs.requests.length === 0) await new Promise(setImmediate);
    assert.equal(sqs.requests[0]?.input.WaitTimeSeconds, 20);
    await consumer.stop();
  });

  it('goes on after a request to the queue has failed', async () => {
    sqs.failNext('ReceiveMessage', 403);
    consumer = startQueueConsumer(parts);
    const line = await nextLine();
    assert.equal(line.queue, 'failed');
    sendPhoto();
    assert.equal((await nextLine()).queue, 'done');
  });

  it('lets a message come back that could not be deleted', async () => {
    sqs.failNext('DeleteMessage', 403);
    consumer = startQueueConsumer(parts);
    sendPhoto();
    const line = await nextLine();
    assert.deepEqual([line.queue, line.captioned, line.code], ['left', 1, 'InternalError']);
    sqs.giveBack();
    assert.deepEqual(await nextLine(), { queue: 'done', ...NOTHING, skipped: 1 });
  });

  it('asks for as many messages as it may work on, and for the rest while it works', async () => {
    const hold = Promise.withResolvers<void>();
    consumer = startQueueConsumer({
      ...parts,
      messages: 3,
      caption: async (...args) => {
        await hold.promise;
        return await captioner.caption(...args);
      },
    });
    const asked = () => sqs.requests.filter(({ action }) => action === 'ReceiveMessage');
    for (let i = 0; i < 3; i++) {
      while (asked().length === i) await new Promise(setImmediate);
      sendPhoto(`${i}.jpg`);
    }
    const limits = asked().map(({ input }) => input.MaxNumberOfMessages);
    hold.resolve();
    assert.deepEqual(limits, [3, 2, 1]);
    while (sqs.bodies().length > 0) await nextLine();
  });

  it('asks for no more messages than SQS gives', async () => {
    consumer = startQueueConsumer({ ...parts, messages: 64 });
    while (sqs.requests.length === 0) await new Promise(setImmediate);
    assert.equal(sqs.requests[0]?.input.MaxNumberOfMessages, 10);
  });
});

describe('between requests to the queue that fail', () => {
  /** A queue that fails as long as it is told to, without a socket: time is the test's. */
  function failingQueue() {
    const queue = { asked: 0, fails: true };
    const send = async (): Promise<object> => {
      queue.asked++;
      if (queue.fails) throw new Error('no');
      return {};
    };
    return Object.assign(queue, { sqs: { send } as unknown as SQSClient });
  }
  const settle = () => new Promise(setImmediate);

  it('it pauses for a second, then ever longer up to half a minute, and after an answer for a second again', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const queue = failingQueue();
    consumer = startQueueConsumer({ ...parts, sqs: queue.sqs });
    await settle();
    for (const [i, pause] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
      assert.equal(queue.asked, i + 1);
      t.mock.timers.tick(pause - 1);
      await settle();
      assert.equal(queue.asked, i + 1, `${pause} ms are not over`);
      t.mock.timers.tick(1);
      await settle();
    }
    assert.equal(queue.asked, 8);
    queue.fails = false;
    t.mock.timers.tick(30_000);
    // Answers without messages come one after the other until it fails again.
    while (queue.asked < 12) await Promise.resolve();
    queue.fails = true;
    await settle();
    const { asked } = queue;
    t.mock.timers.tick(999);
    await settle();
    assert.equal(queue.asked, asked);
    t.mock.timers.tick(1);
    await settle();
    assert.equal(queue.asked, asked + 1);
  });

  it('it stops at once when it is told to', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const queue = failingQueue();
    consumer = startQueueConsumer({ ...parts, sqs: queue.sqs });
    await settle();
    await consumer.stop();
    t.mock.timers.tick(60_000);
    await settle();
    assert.equal(queue.asked, 1);
  });
});

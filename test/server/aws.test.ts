/** A server with buckets and a queue: what reaches S3 and SQS through its settings alone. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBundle } from '../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { ReportLine } from '../../src/server/access-log.ts';
import type { ConsumerReport } from '../../src/server/queue-consumer.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';
import { encodedKey, notification, record } from '../s3/event-factory.ts';
import { type FakeEventBus, startFakeEventBus } from '../support/aws/fake-event-bus.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { type FakeSqs, startFakeSqs } from '../support/aws/fake-sqs.ts';
import { CAPTIONS, PHOTO } from './harness.ts';

const environment = { ...process.env };
const lines: (ReportLine | ConsumerReport)[] = [];
let s3: FakeS3;
let sqs: FakeSqs;
let bus: FakeEventBus;
let server: RunningServer;

before(async () => {
  s3 = await startFakeS3(['photos', 'images', 'results']);
  sqs = await startFakeSqs();
  bus = await startFakeEventBus();
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
  });
  server = await startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({
      port: 0,
      workers: 1,
      maxBody: PHOTO.length,
      maxImages: 3,
      maxPixels: 500_000,
      requestTimeout: 45_000,
      answerTimeout: 50_000,
      maxObjectBytes: 2 * PHOTO.length,
      allowedBuckets: ['photos', 'images'],
      queueUrl: sqs.queueUrl,
      resultsBucket: 'results',
      resultsPrefix: 'told/',
      eventBus: 'own',
      deployment: 'cellar',
      tagObjects: true,
      uploadsBucket: 'images',
      uploadsPrefix: 'up/',
    }),
    report: (line) => lines.push(line),
  });
});
after(async () => {
  await server.stop();
  await Promise.all([s3.close(), sqs.close(), bus.close()]);
  process.env = environment;
});

async function ask(path: string, json?: unknown) {
  const body = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) };
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}${path}`, { headers, ...body });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** Sends the event of an object. @returns the line of its message */
async function consumed(bucket: string, key: string): Promise<object> {
  const ofQueue = () => lines.filter((line) => 'queue' in line);
  const before = ofQueue().length;
  sqs.send(notification([record(bucket, encodedKey(key))]));
  while (ofQueue().length === before) await sleep(5);
  const { messageId, milliseconds, ...line } = ofQueue().at(-1)!;
  assert.ok(messageId !== undefined && milliseconds! > 0);
  assert.deepEqual(sqs.bodies(), []);
  return line;
}
const NOTHING = { captioned: 0, recorded: 0, skipped: 0, ignored: 0 };

describe('a server with buckets', () => {
  it('captions an object of those that it may read, up to the length of a body', async () => {
    s3.put('photos', 'a.jpg', PHOTO);
    const found = await ask('/captions', { s3: { bucket: 'photos', key: 'a.jpg' } });
    assert.equal(found.status, 200);
    assert.deepEqual(found.body.captions, CAPTIONS);
    s3.put('photos', 'b.jpg', Buffer.concat([PHOTO, Buffer.from('x')]));
    const large = await ask('/captions', { s3: { bucket: 'photos', key: 'b.jpg' } });
    assert.deepEqual([large.status, large.body.code], [413, 'ImageTooLarge']);
    const secret = await ask('/captions', { s3: { bucket: 'results', key: 'a.jpg' } });
    assert.deepEqual([secret.status, secret.body.code], [403, 'BucketNotAllowed']);
  });

  it('tells the limits that it was set', async () => {
    const html = await (await fetch(`${server.url}/docs`)).text();
    const rows = [...html.matchAll(/<dt>([^<]*)<\/dt><dd>(.*?)\. Otherwise/g)].map(([, what, value]) => [
      what,
      value,
    ]);
    const short = (bytes: number) =>
      `${bytes.toLocaleString('en')} bytes (${Math.round((bytes / 1024) * 10) / 10} KiB)`;
    const told = Object.fromEntries(rows);
    const expected = {
      'Body of a request': short(PHOTO.length),
      'Headers of a request': short(16 << 10),
      'Pixels of an image': '500,000',
      'Images in a form, other parts counted': '3',
      'Image in S3': short(PHOTO.length),
      Upload: short(2 * PHOTO.length),
      'Time for a request to arrive, from its first byte to its last': '45 s',
      'What a body brings in each 10 s until it is there, at least': short(10_000),
      'Time from a request to its answer, its images together': '50 s',
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((what) => [what, told[what]])), expected);
  });

  it('takes an upload, captions it from the queue, and tells its outcome', async () => {
    const announced = await ask('/uploads', { contentType: 'image/jpeg', bytes: PHOTO.length });
    assert.equal(announced.status, 201);
    const { id, url, headers, result } = announced.body;
    assert.equal(new URL(url).pathname, `/images/up/${id}`);
    assert.equal((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(PHOTO) })).status, 200);
    assert.equal((await ask(result)).status, 202);
    assert.deepEqual(await consumed('images', `up/${id}`), { queue: 'done', ...NOTHING, captioned: 1 });
    const [key] = s3.keys('results');
    assert.ok(key!.startsWith(`told/images/up/${id}/`), key);
    const document = JSON.parse(s3.get('results', key!)!.bytes.toString());
    const { manifest, hash } = await readBundle(DEFAULT_BUNDLE);
    assert.deepEqual(document.result.model, { name: manifest.name, hash });
    assert.equal(s3.get('images', `up/${id}`)!.tags.caption, CAPTIONS[0]!.text);
    const [{ type, bus: name, detail } = assert.fail()] = bus.events();
    assert.deepEqual([type, name, detail.deployment], ['Image Captioned', 'own', 'cellar']);
    assert.deepEqual([detail.source, detail.result], [document.source, { bucket: 'results', key }]);
    const told = await ask(result);
    assert.equal(told.status, 200);
    assert.deepEqual(told.body.result.captions, CAPTIONS);
    const large = await ask('/uploads', { contentType: 'image/jpeg', bytes: 2 * PHOTO.length + 1 });
    assert.deepEqual([large.status, large.body.code], [413, 'ImageTooLarge']);
  });

  it('records what is too large, and leaves buckets alone that it may not read', async () => {
    s3.put('photos', 'huge.jpg', Buffer.alloc(2 * PHOTO.length + 1));
    assert.deepEqual(await consumed('photos', 'huge.jpg'), { queue: 'done', ...NOTHING, recorded: 1 });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /^show_and_tell_images_captioned_total\{source="queue"\} 1$/m);
    assert.match(metrics, /^show_and_tell_queue_messages_total\{outcome="done"\} 2$/m);
  });
});

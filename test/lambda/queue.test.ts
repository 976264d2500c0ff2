import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { SQSBatchResponse } from 'aws-lambda';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { detail, encodedKey, notification, record, throughTopic } from '../s3/event-factory.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import type { Invocation } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { metricsOf, objectEnvironment, type PackedFunction, pack } from './packed-function.ts';

const PHOTO = readFileSync(COFFEE);
const KEYS = ['a photo.jpg', '1+1=2.jpg', 'Käse/日本/😀.jpg', 'a%2Bb.jpg'];

let fake: FakeS3;
let queue: PackedFunction;

before(async () => {
  queue = await pack('queue', {});
});
after(() => queue.dispose());
beforeEach(async () => {
  fake = await startFakeS3(['photos', 'versions', 'results'], ['versions']);
});
afterEach(() => fake.close());

/** Messages in the order given are `m0`, `m1`, … */
function batch(...bodies: string[]) {
  return {
    Records: bodies.map((body, i) => ({ messageId: `m${i}`, body, eventSource: 'aws:sqs', attributes: {} })),
  };
}

/** Messages that go back to the queue. */
function returned(invocation: Invocation): string[] {
  assert.ok('payload' in invocation, JSON.stringify(invocation));
  return (invocation.payload as SQSBatchResponse).batchItemFailures.map((f) => f.itemIdentifier);
}

function statuses(): string[] {
  return fake.keys('results').map((key) => {
    const document = JSON.parse(fake.get('results', key)!.bytes.toString());
    return document.error?.code ?? document.status;
  });
}

describe('the queue function', () => {
  it('captions every record of every message, whatever the key, from S3 and from EventBridge', async (t) => {
    for (const key of KEYS) fake.put('photos', key, PHOTO);
    fake.put('photos', 'bridge + %2B.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const answer = await lambda.invoke(
      batch(
        notification(KEYS.slice(0, 3).map((key) => record('photos', encodedKey(key)))),
        notification(KEYS.slice(3).map((key) => record('photos', encodedKey(key)))),
        detail('photos', 'bridge + %2B.jpg'),
      ),
    );
    assert.deepEqual(returned(answer), []);
    const etag = fake.get('photos', KEYS[0]!)!.etag;
    const folders = [...KEYS, 'bridge + %2B.jpg'].map((key) => `captions/photos/${key}/${etag}`);
    assert.deepEqual(
      fake
        .keys('results')
        .map((key) => key.split('.').slice(0, -2).join('.'))
        .sort(),
      folders.sort(),
    );
    assert.deepEqual(
      statuses(),
      folders.map(() => 'captioned'),
    );
  });

  it('captions what comes through a topic, and gives back what is no event of S3 there', async (t) => {
    fake.put('photos', 'a b.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(
      throughTopic(notification([record('photos', 'a+b.jpg')])),
      throughTopic('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"photos"}'),
      throughTopic('hello'),
    );
    assert.deepEqual(returned(await lambda.invoke(event)), ['m2']);
    assert.deepEqual(statuses(), ['captioned']);
  });

  it("records and acknowledges what is the image's fault", async (t) => {
    fake.put('photos', 'text.jpg', Buffer.from('no image'));
    fake.put('photos', 'large.jpg', Buffer.alloc(PHOTO.length + 1));
    const environment = { ...objectEnvironment(fake), MAX_OBJECT_BYTES: String(PHOTO.length) };
    const lambda = await queue.startFor(t, { environment });
    const bodies = ['text.jpg', 'large.jpg', 'gone.jpg'].map((key) => notification([record('photos', key)]));
    assert.deepEqual(returned(await lambda.invoke(batch(...bodies))), []);
    assert.deepEqual(statuses(), ['UnsupportedImage', 'ImageTooLarge', 'ImageNotFound']);
    assert.deepEqual(metricsOf(lambda).Failures, [1, 1, 1]);
  });

  it('gives back only the messages that the service failed, and finishes them later', async (t) => {
    for (const key of ['a.jpg', 'b.jpg', 'c.jpg']) fake.put('photos', key, PHOTO);
    fake.onRequest(({ bucket, key }) =>
      bucket === 'photos' && key === 'b.jpg' ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined,
    );
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(
      notification([record('photos', 'a.jpg')]),
      notification([record('photos', 'b.jpg'), record('photos', 'c.jpg')]),
    );
    assert.deepEqual(returned(await lambda.invoke(event)), ['m1']);
    assert.equal(fake.keys('results').length, 1);
    fake.onRequest(() => undefined);
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    assert.deepEqual(statuses(), ['captioned', 'captioned', 'captioned']);
    assert.deepEqual(metricsOf(lambda).Captions, [1, 1, 1]);
    assert.deepEqual(metricsOf(lambda).Skipped, [1]);
  });

  it('gives a message back when a permission is missing, and logs what S3 said', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    fake.onRequest(({ method }) =>
      method === 'PUT' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
    );
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    assert.deepEqual(returned(await lambda.invoke(batch(notification([record('photos', 'a.jpg')])))), ['m0']);
    const failure = (lambda.logs() as Record<string, unknown>[]).find(({ message }) => message === 'failed');
    assert.equal(failure?.code, 'InternalError');
    assert.equal(failure.level, 'ERROR');
    const error = failure.error as { name: string; stack: string };
    assert.equal(error.name, 'AccessDenied');
    assert.ok(error.stack);
  });

  it('gives an object back that S3 refuses, names it with the status, and captions it later', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(notification([record('photos', 'a.jpg')]));
    for (const refused of ['HEAD', 'GET']) {
      fake.onRequest(({ method, bucket }) =>
        bucket === 'photos' && method === refused
          ? { kind: 'error', status: 403, code: 'AccessDenied' }
          : undefined,
      );
      assert.deepEqual(returned(await lambda.invoke(event)), ['m0']);
    }
    const failures = (lambda.logs() as Record<string, unknown>[]).filter(
      ({ message }) => message === 'failed',
    );
    assert.deepEqual(
      failures.map(({ level, code, reason }) => [level, code, reason]),
      ['Forbidden', 'AccessDenied'].map((name) => [
        'ERROR',
        'ObjectRefused',
        `S3 refuses to read s3://photos/a.jpg: 403 ${name}`,
      ]),
    );
    assert.deepEqual(statuses(), []);
    fake.onRequest(() => undefined);
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    assert.deepEqual(statuses(), ['captioned']);
  });

  it('answers a batch that failed whole like any other, and reports it', async (t) => {
    fake.onRequest(() => ({ kind: 'hang up' }));
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(notification([record('photos', 'a.jpg')]));
    assert.deepEqual(returned(await lambda.invoke(event)), ['m0']);
  });

  it('leaves what is no event of S3, or no allowed bucket, to the dead-letter queue', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(
      'no JSON',
      '{"Records":[{"eventSource":"aws:sns"}]}',
      notification([record('elsewhere', 'a.jpg')]),
      notification([record('photos', '%ff')]),
      notification([record('photos', 'a.jpg')]),
    );
    assert.deepEqual(returned(await lambda.invoke(event)), ['m0', 'm1', 'm2', 'm3']);
    assert.deepEqual(statuses(), ['captioned']);
    const codes = (lambda.logs() as Record<string, unknown>[]).flatMap(({ message, code }) =>
      message === 'failed' ? [code] : [],
    );
    assert.deepEqual(codes, Array(4).fill('InvalidRequest'));
  });

  it('captions what was archived once it is restored, and no sooner', async (t) => {
    const { versionId } = fake.put('versions', 'old.jpg', PHOTO);
    const { etag } = fake.put('photos', 'old.jpg', PHOTO);
    fake.onRequest(({ method, key }) =>
      method === 'GET' && key === 'old.jpg'
        ? { kind: 'error', status: 403, code: 'InvalidObjectState' }
        : undefined,
    );
    const environment = { ...objectEnvironment(fake), ALLOWED_BUCKETS: 'photos,versions' };
    const lambda = await queue.startFor(t, { environment });
    const uploaded = notification([
      record('photos', 'old.jpg', { sequencer: '0A' }),
      record('versions', 'old.jpg', { versionId: versionId! }),
    ]);
    await lambda.invoke(batch(uploaded));
    assert.ok(!statuses().includes('captioned'));
    const before = statuses();
    fake.onRequest(() => undefined);
    const restore = (name: string) =>
      notification([record('versions', 'old.jpg', { versionId: versionId! }, `ObjectRestore:${name}`)]);
    const restored = {
      ...JSON.parse(detail('photos', 'old.jpg')),
      'detail-type': 'Object Restore Completed',
    };
    assert.deepEqual(returned(await lambda.invoke(batch(restore('Post'), restore('Delete')))), []);
    assert.deepEqual(statuses(), before);
    const event = batch(restore('Completed'), JSON.stringify(restored));
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    const captioned = fake.keys('results').filter((key) => !key.includes('/not-found-'));
    assert.deepEqual(captioned.map((key) => key.split('.').slice(0, -2).join('.')).sort(), [
      `captions/photos/old.jpg/${etag}`,
      `captions/versions/old.jpg/${versionId}`,
    ]);
    assert.equal(statuses().filter((status) => status === 'captioned').length, 2);
  });

  it('passes over folders, and records that other empty objects are no images', async (t) => {
    fake.put('photos', '2026/', Buffer.alloc(0));
    fake.put('photos', '2026/empty.jpg', Buffer.alloc(0));
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(notification([record('photos', '2026/'), record('photos', '2026/empty.jpg')]));
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    assert.deepEqual(statuses(), ['UnsupportedImage']);
    assert.deepEqual(metricsOf(lambda).Failures, [1]);
    const ignored = (lambda.logs() as Record<string, unknown>[]).filter(
      ({ message }) => message === 'ignored',
    );
    assert.deepEqual(
      ignored.map(({ messageId, key }) => [messageId, key]),
      [['m0', '2026/']],
    );
  });

  it('throws what it is handed past the queue, so that Lambda keeps it, and says so', async (t) => {
    for (const key of ['a.jpg', 'b.jpg']) fake.put('photos', key, PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const [message] = batch(notification([record('photos', 'a.jpg')])).Records;
    const topic = { Type: 'Notification', Message: notification([record('photos', 'b.jpg')]) };
    const events: [string, unknown][] = [
      ['a notification of S3', { Records: [record('photos', 'a.jpg')] }],
      ['a topic', { Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns: topic }] }],
      ['an event of EventBridge', JSON.parse(detail('photos', 'a.jpg'))],
      ["a bucket's test event", { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'photos' }],
      ['a stream', { Records: [{ eventSource: 'aws:kinesis', eventID: '1', kinesis: { data: 'e30=' } }] }],
      ['something else beside a message', { Records: [message, record('photos', 'a.jpg')] }],
      ['a message without an identity', { Records: [{ ...message, messageId: '' }] }],
      ['a message without a body', { Records: [{ ...message, body: undefined }] }],
      ['a record of nothing', { Records: [null] }],
      ['no list of records', { Records: message }],
      ['the test event of the console', { key1: 'value1' }],
      ['nothing', null],
    ];
    for (const [what, event] of events) {
      const answer = await lambda.invoke(event);
      assert.ok('error' in answer, `${what}: ${JSON.stringify(answer)}`);
      assert.equal(answer.error.errorType, 'InvalidRequest', what);
      assert.match(answer.error.errorMessage, /no records of SQS/, what);
    }
    assert.deepEqual(statuses(), []);
    const codes = (lambda.logs() as Record<string, unknown>[]).flatMap(({ message, code }) =>
      message === 'failed' ? [code] : [],
    );
    assert.deepEqual(codes, Array(events.length).fill('InvalidRequest'));
    assert.deepEqual(metricsOf(lambda).Failures, Array(events.length).fill(1));
  });

  it('ignores test events, deletions and its own results', async (t) => {
    const environment = { ...objectEnvironment(fake), ALLOWED_BUCKETS: 'photos,results' };
    const lambda = await queue.startFor(t, { environment });
    const event = batch(
      JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'photos' }),
      notification([record('photos', 'a.jpg', {}, 'ObjectRemoved:Delete')]),
      notification([record('results', 'captions/photos/a.jpg/x.json')]),
    );
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    assert.deepEqual(fake.requests, []);
    fake.put('photos', 'a.jpg', PHOTO);
    assert.deepEqual(returned(await lambda.invoke(batch(notification([record('photos', 'a.jpg')])))), []);
    const ignored = (lambda.logs() as Record<string, unknown>[]).filter(
      ({ message }) => message === 'ignored',
    );
    assert.deepEqual(
      ignored.map(({ messageId, key }) => [messageId, key]),
      [
        ['m0', undefined],
        ['m1', undefined],
        ['m2', 'captions/photos/a.jpg/x.json'],
      ],
    );
  });

  it('gives messages back before the time is over instead of being killed', async (t) => {
    for (const key of ['a.jpg', 'b.jpg']) fake.put('photos', key, PHOTO);
    fake.onRequest(({ method, key }) =>
      method === 'GET' && key === 'a.jpg' ? { kind: 'stall' } : undefined,
    );
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake), timeout: 4_000 });
    const event = batch(...['a.jpg', 'b.jpg'].map((key) => notification([record('photos', key)])));
    assert.deepEqual(returned(await lambda.invoke(event)), ['m0', 'm1']);
    assert.equal(lambda.starts(), 1);
    fake.onRequest(() => undefined);
    // What is left of its time would do here, where nothing else runs beside the tests.
    const patient = await queue.startFor(t, { environment: objectEnvironment(fake) });
    assert.deepEqual(returned(await patient.invoke(event)), []);
  });

  it('captions again after its process died amid an image', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    fake.onRequest(({ method }) => (method === 'GET' ? { kind: 'stall' } : undefined));
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(notification([record('photos', 'a.jpg')]));
    const invocation = lambda.invoke(event);
    while (!fake.requests.some(({ method }) => method === 'GET')) await setTimeout(10);
    lambda.kill();
    assert.ok('error' in (await invocation));
    fake.onRequest(() => undefined);
    assert.deepEqual(returned(await lambda.invoke(event)), []);
    assert.equal(lambda.starts(), 2);
    assert.deepEqual(statuses(), ['captioned']);
  });

  it('does not start where results would be read as images, and names the variable', async (t) => {
    const environment = { ...objectEnvironment(fake), ALLOWED_BUCKETS: 'results', RESULTS_PREFIX: '' };
    const lambda = await queue.startFor(t, { environment });
    const answer = await lambda.invoke(batch());
    assert.ok('error' in answer);
    assert.match(answer.error.errorMessage, /RESULTS_PREFIX/);
  });

  it('gives every message back while its model is unusable', async (t) => {
    const { path, dispose } = temporaryDirectory();
    t.after(dispose);
    copyBundle(path).replace('decoder', Buffer.from('no graph'));
    fake.put('photos', 'a.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: { ...objectEnvironment(fake), MODEL_DIR: path } });
    assert.deepEqual(returned(await lambda.invoke(batch(notification([record('photos', 'a.jpg')])))), ['m0']);
    assert.deepEqual(fake.keys('results'), []);
    const failures = (lambda.logs() as Record<string, unknown>[]).filter(
      ({ code }) => code === 'ModelUnusable',
    );
    assert.ok(failures.some(({ level }) => level === 'ERROR'));
  });
});

describe("the queue function's log", () => {
  it('has structured lines with a correlation id, stage times and one cold start, and no caption', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    const lambda = await queue.startFor(t, { environment: objectEnvironment(fake) });
    const event = batch(notification([record('photos', 'a.jpg')]));
    await lambda.invoke(event);
    await lambda.invoke(event);
    const lines = lambda.logs() as Record<string, unknown>[];
    assert.ok(
      lines.every((line) => typeof line === 'object'),
      'a line is no JSON',
    );
    const captioned = lines.find(({ message }) => message === 'captioned');
    assert.equal(captioned?.correlation_id, 'request-1');
    assert.equal(captioned?.cold_start, true);
    assert.ok(lines.every(({ service }) => service === 'show-and-tell'));
    const namespaces = lines.flatMap(
      ({ _aws }) =>
        (_aws as { CloudWatchMetrics: { Namespace: string }[] } | undefined)?.CloudWatchMetrics ?? [],
    );
    assert.deepEqual(new Set(namespaces.map(({ Namespace }) => Namespace)), new Set(['ShowAndTell']));
    const metrics = metricsOf(lambda);
    assert.deepEqual(metrics.ColdStart, [1]);
    for (const stage of ['DecodeTime', 'PreprocessTime', 'EncodeTime', 'SearchTime', 'CaptionTime']) {
      assert.ok(Number(metrics[stage]?.[0]) > 0, stage);
    }
    const captioner = await loadCaptioner(DEFAULT_BUNDLE);
    const { captions } = await captioner.caption(PHOTO);
    await captioner.close();
    for (const { text } of captions) assert.ok(!JSON.stringify(lines).includes(text));
  });
});

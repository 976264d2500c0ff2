/** The packed functions with a bus: who is told what, when it is told again, and when nobody is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test';
import type { SQSBatchResponse } from 'aws-lambda';
import type { BatchOutcome } from '../../src/lambda/workflow-output.ts';
import { metricsOf, objectEnvironment, type PackedFunction, pack } from '../lambda/packed-function.ts';
import { notification, record } from '../s3/event-factory.ts';
import { type FakeEventBus, startFakeEventBus } from '../support/aws/fake-event-bus.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import type { Invocation, LambdaFunction } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { RUN } from './results.ts';

const PHOTO = readFileSync(COFFEE);

let s3: FakeS3;
let bus: FakeEventBus;
let queue: PackedFunction;
let workflow: PackedFunction;

before(async () => {
  [queue, workflow] = await Promise.all([pack('queue', {}), pack('workflow', {})]);
});
after(() => {
  queue.dispose();
  workflow.dispose();
});
beforeEach(async () => {
  [s3, bus] = await Promise.all([startFakeS3(['photos', 'results']), startFakeEventBus()]);
});
afterEach(() => Promise.all([s3.close(), bus.close()]));

const telling = () => ({
  ...objectEnvironment(s3),
  EVENT_BUS: 'own',
  DEPLOYMENT: 'ShowAndTell-test',
  AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
});
const start = (packed: PackedFunction, t: TestContext, more = {}) =>
  packed.startFor(t, { environment: { ...telling(), ...more } });

/** One message. */
function message(...keys: string[]) {
  const body = notification(keys.map((key) => record('photos', key)));
  return { Records: [{ messageId: 'm0', body, eventSource: 'aws:sqs', attributes: {} }] };
}

function payloadOf<T>(invocation: Invocation): T {
  assert.ok('payload' in invocation, JSON.stringify(invocation));
  return invocation.payload as T;
}
const returned = (invocation: Invocation) => payloadOf<SQSBatchResponse>(invocation).batchItemFailures.length;
const keysTold = () => bus.events().map(({ detail }) => (detail.source as { key: string }).key);
const linesOf = (lambda: LambdaFunction) => lambda.logs() as Record<string, unknown>[];

describe('the queue function with a bus', () => {
  it('tells of captions and of refusals, each once its document lies in S3', async (t) => {
    s3.put('photos', 'a.jpg', PHOTO);
    s3.put('photos', 'text.jpg', Buffer.from('no image'));
    s3.put('photos', 'folder/', Buffer.alloc(0));
    const lambda = await start(queue, t);
    assert.equal(returned(await lambda.invoke(message('a.jpg', 'text.jpg', 'folder/', 'gone.jpg'))), 0);
    const told = bus.events();
    assert.deepEqual(
      told.map(({ type, bus, detail }) => [type, bus, (detail.source as { key: string }).key]),
      [
        ['Image Captioned', 'own', 'a.jpg'],
        ['Image Refused', 'own', 'text.jpg'],
        ['Image Refused', 'own', 'gone.jpg'],
      ],
    );
    for (const { detail } of told) {
      const { bucket, key } = detail.result as { bucket: string; key: string };
      const document = JSON.parse(s3.get(bucket, key)!.bytes.toString());
      assert.equal(detail.deployment, 'ShowAndTell-test');
      assert.deepEqual([detail.source, detail.model], [document.source, document.model]);
      if (document.status === 'failed') assert.deepEqual(detail.error, document.error);
      else assert.equal((detail.captions as { text: string }[])[0]!.text, document.result.captions[0].text);
    }
    const captions = told[0]!.detail.captions as { text: string }[];
    assert.ok(!JSON.stringify(linesOf(lambda)).includes(captions[0]!.text));
  });

  it('gives a message back when nobody could be told, and tells when it comes again', async (t) => {
    s3.put('photos', 'a.jpg', PHOTO);
    const lambda = await start(queue, t);
    bus.failNext(...Array(3).fill({ codes: ['ThrottlingException'] }));
    assert.equal(returned(await lambda.invoke(message('a.jpg'))), 1);
    assert.deepEqual([bus.events().length, s3.keys('results').length], [0, 1]);
    const failure = linesOf(lambda).find(({ message }) => message === 'failed')!;
    assert.deepEqual([failure.code, failure.level], ['UpstreamUnavailable', 'WARN']);
    assert.equal(returned(await lambda.invoke(message('a.jpg'))), 0);
    assert.deepEqual(keysTold(), ['a.jpg']);
    // It was captioned once.
    assert.deepEqual(metricsOf(lambda).Captions, [1]);
    assert.deepEqual(metricsOf(lambda).Skipped, [1]);
  });

  it('writes the caption on the object, and not again when the event of that comes', async (t) => {
    s3.put('photos', 'a.jpg', PHOTO).tags = { owner: 'me' };
    s3.put('photos', 'full.jpg', PHOTO).tags = Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [`t${i}`, '']),
    );
    const environment = { ...objectEnvironment(s3), TAG_OBJECTS: 'photos' };
    const lambda = await queue.startFor(t, { environment });
    assert.equal(returned(await lambda.invoke(message('a.jpg', 'full.jpg'))), 0);
    const { caption, ...others } = s3.get('photos', 'a.jpg')!.tags;
    assert.deepEqual(others, { owner: 'me' });
    assert.match(caption!, /^[a-z .]+$/);
    assert.ok(!('caption' in s3.get('photos', 'full.jpg')!.tags));
    const lines = linesOf(lambda).filter(({ message }) => message === 'not tagged');
    assert.deepEqual(
      lines.map(({ level, source }) => [level, source]),
      [['WARN', { bucket: 'photos', key: 'full.jpg' }]],
    );
    s3.requests.length = 0;
    const tagged = notification([record('photos', 'a.jpg', {}, 'ObjectTagging:Put')]);
    const event = { Records: [{ messageId: 'm', body: tagged, eventSource: 'aws:sqs', attributes: {} }] };
    assert.equal(returned(await lambda.invoke(event)), 0);
    assert.deepEqual(s3.requests, []);
  });
});

describe('the workflow function with a bus', () => {
  const items = (keys: string[], startedAt?: string) => ({
    Items: keys.map((Key) => ({ Key })),
    BatchInput: { bucket: 'photos', ...(startedAt && { startedAt }) },
  });
  const keys = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(2, '0')}.jpg`);
  const small = { requests: 2 };

  it('tells of a batch ten images at a time, and of what was done before not again', async (t) => {
    for (const key of keys) s3.put('photos', key, PHOTO);
    const lambda = await start(workflow, t);
    const outcome = payloadOf<BatchOutcome>(await lambda.invoke(items(keys, new Date().toISOString())));
    assert.equal(outcome.captioned, 12);
    assert.equal(bus.requests.length, small.requests);
    assert.deepEqual(keysTold(), keys);
    const later = new Date(Date.now() + 5_000).toISOString();
    for (const again of [items(keys, later), items(keys)])
      assert.equal(payloadOf<BatchOutcome>(await lambda.invoke(again)).skipped, 12);
    assert.equal(bus.requests.length, small.requests);
  });

  it('fails as UpstreamUnavailable when nobody could be told, and tells when the batch is tried again', async (t) => {
    const some = keys.slice(0, 2);
    for (const key of some) s3.put('photos', key, PHOTO);
    const lambda = await start(workflow, t);
    const startedAt = new Date().toISOString();
    bus.failNext(
      ...Array(3)
        .fill({ codes: [null, 'InternalFailure'] })
        .map((f, i) => (i ? { codes: ['InternalFailure'] } : f)),
    );
    const failed = await lambda.invoke(items(some, startedAt));
    assert.ok('error' in failed && failed.error.errorType === 'UpstreamUnavailable', JSON.stringify(failed));
    assert.deepEqual(keysTold(), ['00.jpg']);
    const outcome = payloadOf<BatchOutcome>(await lambda.invoke(items(some, startedAt)));
    assert.equal(outcome.skipped, 2);
    assert.deepEqual(keysTold(), ['00.jpg', '00.jpg', '01.jpg']);
  });

  it('tells what it has when a later image of the batch finds a service that fails', async (t) => {
    for (const key of ['a.jpg', 'b.jpg']) s3.put('photos', key, PHOTO);
    s3.onRequest(({ key }) =>
      key === 'b.jpg' ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined,
    );
    const lambda = await start(workflow, t);
    assert.ok('error' in (await lambda.invoke(items(['a.jpg', 'b.jpg']))));
    assert.deepEqual(keysTold(), ['a.jpg']);
  });

  it('tells of one image whenever it is asked for, and of bytes never', async (t) => {
    s3.put('photos', 'a.jpg', PHOTO);
    const lambda = await start(workflow, t);
    for (let i = 0; i < 2; i++) await lambda.invoke({ bucket: 'photos', key: 'a.jpg' });
    await lambda.invoke({ image: PHOTO.toString('base64') });
    assert.deepEqual(keysTold(), ['a.jpg', 'a.jpg']);
  });

  it('reports an item whose tag S3 refuses, and tags it in the next run', async (t) => {
    s3.put('photos', 'a.jpg', PHOTO);
    s3.onRequest(({ tagging }) =>
      tagging ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
    );
    const lambda = await workflow.startFor(t, {
      environment: { ...objectEnvironment(s3), TAG_OBJECTS: 'photos' },
    });
    const startedAt = new Date().toISOString();
    const outcome = payloadOf<BatchOutcome>(await lambda.invoke(items(['a.jpg'], startedAt)));
    assert.deepEqual([outcome.captioned, outcome.failed], [0, 1]);
    assert.match(outcome.results![0]!.message!, /^S3 refuses to tag s3:\/\/photos\/a.jpg: 403 AccessDenied$/);
    assert.equal(s3.keys('results').length, 1);
    s3.onRequest(() => undefined);
    assert.equal(payloadOf<BatchOutcome>(await lambda.invoke(items(['a.jpg']))).skipped, 1);
    assert.match(s3.get('photos', 'a.jpg')!.tags.caption!, /^[a-z .]+$/);
  });
});

it('the summary function tells of a run that ended, whose it was and what became of it', async (t) => {
  const packed = await pack('summary', {});
  t.after(() => packed.dispose());
  const lambda = await packed.startFor(t, { environment: telling() });
  const batch = { captioned: 1, failed: 2, skipped: 3, milliseconds: 4 };
  s3.put('results', 'runs/1/a.jsonl', Buffer.from(JSON.stringify(batch)));
  const ResultFiles = { SUCCEEDED: [{ Key: 'runs/1/a.jsonl' }] };
  s3.put('results', 'runs/1/manifest.json', Buffer.from(JSON.stringify({ ResultFiles })));
  const { execution, bucket } = RUN;
  const event = {
    manifest: { Bucket: 'results', Key: 'runs/1/manifest.json' },
    memory: 1024,
    architecture: 'arm64',
    execution,
    bucket,
  };
  bus.failNext(...Array(3).fill({ codes: ['InternalFailure'] }));
  const failed = await lambda.invoke(event);
  assert.ok('error' in failed && failed.error.errorType === 'UpstreamUnavailable', JSON.stringify(failed));
  const summary = payloadOf<object>(await lambda.invoke(event));
  assert.deepEqual(bus.events(), [
    {
      type: 'Bucket Run Finished',
      bus: 'own',
      detail: { version: '1', deployment: 'ShowAndTell-test', execution, bucket, ...summary },
    },
  ]);
});

it('a bus that is named wrongly, or a deployment without a name, is said at the start', async (t) => {
  for (const wrong of [{ EVENT_BUS: 'arn:aws:events:eu-west-1:1:event-bus/own' }, { DEPLOYMENT: '' }]) {
    const [name] = Object.keys(wrong);
    const lambda = await start(queue, t, wrong);
    const invocation = await lambda.invoke(message('a.jpg'));
    assert.ok(
      'error' in invocation && invocation.error.errorMessage.includes(name!),
      JSON.stringify(invocation),
    );
  }
});

/**
 * The zip for x86_64, as it is synthesised: unpacked and run under Lambda's Runtime API in one processor and the memory
 * of the template, with the environment of the template; and its requests to S3 against the policies of the template.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assembleFunctions, bytesOf, LARGEST_ZIP_FUNCTION } from '../../../infra/functions/function-code.ts';
import type { FunctionName } from '../../../infra/settings.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { type FakeS3, type S3Request, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { type Call, mayCall, statementsOf } from '../../support/aws/iam.ts';
import { nameOf, type Resources, resolve } from '../../support/aws/template.ts';
import { type LambdaFunction, startFunction } from '../../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../../support/samples.ts';
import { enterLimits, peakOfFunction } from '../limits.ts';
import { synthesise } from '../synthesis.ts';
import { httpEvent } from './http-event.ts';

/** A megabyte of Lambda's memory setting buys this share of a processor, so the default is one. */
const MEMORY_OF_ONE_PROCESSOR = 1769;

const work = mkdtempSync(join(tmpdir(), 'function-assets-'));
const code = join(work, 'x86_64');
await assembleFunctions({ architecture: 'x86_64', modelDirectory: 'models/everyday' }, code);
const { resources, assembly } = synthesise({ environment: 'dev', source: { kind: 'zip', directory: code } });
const image = readFileSync(COFFEE);
const { caption } = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const expected = (await caption(image)).captions.map(({ text }) => text);

const input = nameOf(idOf(resources, 'AWS::S3::Bucket', 'Input'));
const results = nameOf(idOf(resources, 'AWS::S3::Bucket', 'Results'));
let store: FakeS3;
let leave: (() => void) | null;

before(async () => {
  store = await startFakeS3([input, results]);
  leave = enterLimits({ megabytes: MEMORY_OF_ONE_PROCESSOR, processors: 1 });
});
after(async () => {
  leave?.();
  await store.close();
  rmSync(work, { recursive: true });
});

function idOf(all: Resources, type: string, part: string): string {
  const id = Object.keys(all).find((name) => all[name]!.Type === type && name.includes(part));
  assert.ok(id, `${type} ${part}`);
  return id;
}

/** Where the template says that the code is. */
function assetOf({ S3Key }: { S3Key: string }): string {
  const { files } = JSON.parse(readFileSync(join(assembly, 'Captioner.assets.json'), 'utf8')) as {
    files: Record<string, { source: { path: string } }>;
  };
  return join(assembly, files[S3Key.replace('.zip', '')]!.source.path);
}

/** Everything but the address of S3 comes from the template. */
async function startFromTemplate(name: FunctionName): Promise<LambdaFunction> {
  const part = `${name[0]!.toUpperCase()}${name.slice(1)}Function`;
  const { Properties } = resources[idOf(resources, 'AWS::Lambda::Function', part)]!;
  const { Handler, Timeout, MemorySize, Code, Environment } = resolve(Properties, resources) as {
    Handler: string;
    Timeout: number;
    MemorySize: number;
    Code: { S3Key: string };
    Environment: { Variables: Record<string, string> };
  };
  return await startFunction({
    directory: assetOf(Code),
    handler: Handler,
    environment: { ...Environment.Variables, AWS_ENDPOINT_URL_S3: store.url },
    timeout: Timeout * 1_000,
    memory: MemorySize,
  });
}

function queueEvent(key: string) {
  const body = JSON.stringify({
    version: '0',
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { version: '0', bucket: { name: input }, object: { key, size: image.length, sequencer: '1' } },
  });
  const attributes = {
    ApproximateReceiveCount: '1',
    SentTimestamp: '0',
    SenderId: 'x',
    ApproximateFirstReceiveTimestamp: '0',
  };
  return {
    Records: [
      {
        messageId: 'message',
        receiptHandle: 'handle',
        body,
        attributes,
        messageAttributes: {},
        md5OfBody: '',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-west-1:111122223333:images',
        awsRegion: 'eu-west-1',
      },
    ],
  };
}

async function payloadOf<T>(running: LambdaFunction, event: unknown): Promise<T> {
  const invocation = await running.invoke(event);
  assert.ok('payload' in invocation, JSON.stringify([invocation, running.logs().slice(-5)]));
  return invocation.payload as T;
}

/** What IAM is asked for each request. A missing object is told from a forbidden one only to who may list. */
function callsOf({ method, bucket, key, versionId, list: asked }: S3Request): Call[] {
  const object = `arn:aws:s3:::${bucket}/${key}`;
  const list: Call = { action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` };
  if (asked !== undefined) return [list];
  if (method === 'PUT') return [{ action: 's3:PutObject', resource: object }];
  return [{ action: versionId === null ? 's3:GetObject' : 's3:GetObjectVersion', resource: object }, list];
}

function assertAllowed(role: string, requests: S3Request[]): void {
  const statements = statementsOf(idOf(resources, 'AWS::IAM::Role', role), resources);
  assert.ok(requests.length > 0);
  for (const call of requests.flatMap(callsOf)) {
    assert.ok(mayCall(statements, call), `${role}: ${call.action} on ${call.resource}`);
  }
}

function reportPeak(report: (line: string) => void): void {
  const peak = peakOfFunction();
  report(`peak ${peak.toFixed(0)} MB of memory`);
  assert.ok(peak < MEMORY_OF_ONE_PROCESSOR);
}

test('the zip has machine code for one platform only, and fits', (t) => {
  const bytes = bytesOf(code);
  t.diagnostic(`${bytes} bytes unpacked, of ${LARGEST_ZIP_FUNCTION}`);
  assert.ok(bytes < LARGEST_ZIP_FUNCTION / 2);
  const native = globSync('**/*.{node,so,so.*,dylib,dll}', { cwd: code });
  assert.deepEqual(
    native.filter((path) => !/linux[-/]x64/.test(path)),
    [],
  );
  assert.equal(native.length, 4);
});

describe('the http function', () => {
  test('captions a photograph, as the command line does', async (t) => {
    t.diagnostic(leave === null ? 'without limits: no control groups here' : 'one processor, 1769 MB');
    const running = await startFromTemplate('http');
    t.after(() => running.close());
    const start = performance.now();
    const answer = await payloadOf<{ statusCode: number; body: string }>(
      running,
      httpEvent('POST', '/captions', 'image/jpeg', image),
    );
    t.diagnostic(`start and first caption ${(performance.now() - start).toFixed(0)} ms`);
    assert.equal(answer.statusCode, 200, answer.body);
    const { captions } = JSON.parse(answer.body) as { captions: { text: string }[] };
    assert.deepEqual(
      captions.map(({ text }) => text),
      expected,
    );
    const page = await payloadOf<{ statusCode: number; body: string }>(running, httpEvent('GET', '/'));
    assert.equal(page.statusCode, 200);
    const health = await payloadOf<{ statusCode: number }>(running, httpEvent('GET', '/health'));
    assert.equal(health.statusCode, 200);
    reportPeak((line) => t.diagnostic(line));
  });

  test('reads from S3, signs an upload and waits for its result, with no more than its role allows', async (t) => {
    const running = await startFromTemplate('http');
    t.after(() => running.close());
    store.put(input, 'photos/coffee.jpg', image);
    store.requests.length = 0;
    const reference = Buffer.from(JSON.stringify({ s3: { bucket: input, key: 'photos/coffee.jpg' } }));
    const read = await payloadOf<{ statusCode: number; body: string }>(
      running,
      httpEvent('POST', '/captions', 'application/json', reference),
    );
    assert.equal(read.statusCode, 200, read.body);

    const wish = Buffer.from(JSON.stringify({ contentType: 'image/jpeg', bytes: image.length }));
    const announced = await payloadOf<{ statusCode: number; body: string }>(
      running,
      httpEvent('POST', '/uploads', 'application/json', wish),
    );
    assert.equal(announced.statusCode, 201, announced.body);
    const { url, headers, result } = JSON.parse(announced.body);
    assert.equal((await fetch(url, { method: 'PUT', headers, body: image })).status, 200);
    const pending = await payloadOf<{ statusCode: number }>(running, httpEvent('GET', result));
    assert.equal(pending.statusCode, 202);
    assertAllowed('HttpFunctionRole', store.requests);
  });
});

describe('the queue function', () => {
  test('turns an upload into a result document, and a missing image into one as well', async (t) => {
    const running = await startFromTemplate('queue');
    t.after(() => running.close());
    store.put(input, 'holiday/a b+ü.jpg', image);
    store.requests.length = 0;
    for (const key of ['holiday/a b+ü.jpg', 'gone.jpg']) {
      assert.deepEqual(await payloadOf(running, queueEvent(key)), { batchItemFailures: [] });
    }
    const documents = store.keys(results).map((key) => JSON.parse(store.get(results, key)!.bytes.toString()));
    assert.deepEqual(documents.map(({ status }) => status).sort(), ['captioned', 'failed']);
    assert.deepEqual(
      documents
        .find(({ status }) => status === 'captioned')
        .result.captions.map(({ text }: { text: string }) => text),
      expected,
    );
    assertAllowed('QueueFunctionRole', store.requests);
    reportPeak((line) => t.diagnostic(line));
  });
});

describe('the workflow function', () => {
  test('captions a batch, with no more than its role allows', async (t) => {
    const running = await startFromTemplate('workflow');
    t.after(() => running.close());
    store.put(input, 'run/1.jpg', image);
    store.requests.length = 0;
    const batch = { Items: [{ Key: 'run/1.jpg' }, { Key: 'run/2.jpg' }], BatchInput: { bucket: input } };
    const { captioned, failed } = await payloadOf<{ captioned: number; failed: number }>(running, batch);
    assert.deepEqual({ captioned, failed }, { captioned: 1, failed: 1 });
    assertAllowed('WorkflowFunctionRole', store.requests);
    reportPeak((line) => t.diagnostic(line));
  });
});

describe('the summary function', () => {
  test('counts up a run from what its batches left, with no more than its role allows', async (t) => {
    const running = await startFromTemplate('summary');
    t.after(() => running.close());
    const batch = JSON.stringify({ captioned: 8, failed: 1, skipped: 1, milliseconds: 500 });
    const manifest = { ResultFiles: { SUCCEEDED: [{ Key: 'runs/1/SUCCEEDED_0.json' }] } };
    store.put(results, 'runs/1/SUCCEEDED_0.json', Buffer.from(`${batch}\n${batch}\n`));
    store.put(results, 'runs/1/manifest.json', Buffer.from(JSON.stringify(manifest)));
    store.requests.length = 0;
    const { images } = await payloadOf<{ images: object }>(running, {
      manifest: { Bucket: results, Key: 'runs/1/manifest.json' },
      memory: MEMORY_OF_ONE_PROCESSOR,
      architecture: 'x86_64',
    });
    assert.deepEqual(images, { captioned: 16, failed: 2, skipped: 2, unfinished: 0 });
    assertAllowed('SummaryFunctionRole', store.requests);
  });
});

test('the assembly holds the code once for all functions', () => {
  const assets = globSync('asset.*', { cwd: assembly }).filter((name) =>
    existsSync(join(assembly, name, 'http.mjs')),
  );
  assert.equal(assets.length, 1);
});

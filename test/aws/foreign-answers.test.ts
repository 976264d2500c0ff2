/** What stands where AWS should: the login page of a network, a web server at the address of the endpoint. */
import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { createS3Client } from '../../src/aws/s3-client.ts';
import { createStepFunctionsClient, startRun } from '../../src/bucket-run/execution.ts';
import { listObjects } from '../../src/bucket-run/list.ts';
import { readPlan } from '../../src/bucket-run/plan.ts';
import { captionObject } from '../../src/s3/caption-object.ts';
import { describeImage, readImage } from '../../src/s3/images.ts';
import { findResult, type ResultDocument, readResult, writeJson, writeResult } from '../../src/s3/results.ts';
import { type ConsumerReport, createSqsClient, startQueueConsumer } from '../../src/server/queue-consumer.ts';
import { rejectsWith } from '../support/errors.ts';
import { setEnvironment, setProxies, startHttp } from '../support/network/servers.ts';

const PAGE = '<!doctype html><html><head><title>Welcome</title></head><body><p>Log in<br></body></html>';
const OBJECT = { bucket: 'photos', key: 'a.jpg' };
const PLACE = { bucket: 'photos', prefix: '' };
const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:a';

beforeEach((t) => {
  setProxies(t as TestContext, {});
  setEnvironment(t as TestContext, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});

interface Page {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

/** Answers everything so. */
async function startPage(t: TestContext, { status = 200, headers = {}, body = PAGE }: Page): Promise<string> {
  const port = await startHttp(t, (request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body));
  });
  const url = `http://127.0.0.1:${port}`;
  setEnvironment(t, { AWS_ENDPOINT_URL_S3: url, AWS_ENDPOINT_URL_SFN: url, AWS_ENDPOINT_URL_SQS: url });
  return url;
}

const document = { status: 'failed' } as unknown as ResultDocument;

const REQUESTS: Record<string, () => Promise<unknown>> = {
  'a list': () => listObjects(createS3Client(), PLACE).next(),
  'what an object is': () => describeImage(createS3Client(), OBJECT),
  'an object': () => readImage(createS3Client(), OBJECT, { maxBytes: 1000 }),
  'whether a result is there': () => findResult(createS3Client(), OBJECT),
  'a result': () => readResult(createS3Client(), OBJECT),
  'to write a result': () => writeResult(createS3Client(), OBJECT, document),
  'to write a list': () => writeJson(createS3Client(), OBJECT, '{}'),
  'a state machine': () => readPlan(createStepFunctionsClient(), MACHINE),
  'a run': () => startRun(createStepFunctionsClient(), MACHINE, PLACE),
  messages: () =>
    createSqsClient().send(
      new ReceiveMessageCommand({ QueueUrl: `${process.env.AWS_ENDPOINT_URL_SQS}/1/q` }),
    ),
};

const HTML = { 'content-type': 'text/html; charset=utf-8' };
/** Content delivery networks put headers of their own on pages. */
const CDN = { ...HTML, etag: '"1"', 'x-amz-cf-id': 'x', 'last-modified': 'Mon, 02 Mar 2026 10:00:00 GMT' };

for (const [what, page] of Object.entries({
  'a web page': { headers: HTML },
  'a web page with an entity tag': { headers: CDN },
  'a web page that was not found': { status: 404, headers: HTML },
  'a web page that forbids': { status: 403, headers: HTML },
  'a login that is found elsewhere': {
    status: 302,
    headers: { ...HTML, location: 'http://127.0.0.1:9/login' },
  },
})) {
  describe(`${what} is no answer to`, () => {
    for (const [name, request] of Object.entries(REQUESTS)) {
      test(name, async (t) => {
        const url = await startPage(t, page);
        const { message } = await rejectsWith(request(), 'UpstreamUnavailable');
        const status = (page as Page).status ?? 200;
        assert.ok(
          message.includes(
            `${url} answers, but not as AWS does (status ${status}, text/html; charset=utf-8)`,
          ),
          message,
        );
        assert.doesNotMatch(message, /\n/);
      });
    }
  });
}

describe('a word in plain text is no answer to', () => {
  for (const [name, request] of Object.entries(REQUESTS)) {
    test(name, async (t) => {
      await startPage(t, { headers: { 'content-type': 'text/plain' }, body: 'OK' });
      await rejectsWith(request(), 'UpstreamUnavailable');
    });
  }
});

describe('what nobody but AWS sends proves that it answers:', () => {
  for (const [list, expected] of [
    ['<Name>photos</Name>', []],
    ['<KeyCount>0</KeyCount>', []],
    ['<MaxKeys>1000</MaxKeys>', []],
    ['<IsTruncated>false</IsTruncated>', []],
    ['<Contents><Key>a.jpg</Key><Size>3</Size></Contents>', null],
  ] as const) {
    test(list, async (t) => {
      const body = `<?xml version="1.0"?><ListBucketResult>${list}</ListBucketResult>`;
      await startPage(t, { headers: { 'content-type': 'application/xml' }, body });
      const page = listObjects(createS3Client(), PLACE).next();
      if (expected === null) await rejectsWith(page, 'UpstreamUnavailable');
      else assert.deepEqual((await page).value, expected);
    });
  }

  for (const [header, isAws] of [
    ['x-amz-request-id', true],
    ['x-amzn-requestid', true],
    ['x-amzn-request-id', true],
    ['x-amz-request-id-2', false],
    ['my-x-amz-request-id', false],
  ] as const) {
    test(header, async (t) => {
      const headers = { ...HTML, etag: '"1"', [header]: '1', 'content-length': String(PAGE.length) };
      await startPage(t, { headers });
      const read = readImage(createS3Client(), OBJECT, { maxBytes: 1000 });
      if (isAws) assert.equal(Buffer.from(await read).toString(), PAGE);
      else await rejectsWith(read, 'UpstreamUnavailable');
    });
  }
});

test('an answer is told without what it does not say', async (t) => {
  const url = await startPage(t, { body: 'OK' });
  const { message } = await rejectsWith(listObjects(createS3Client(), PLACE).next(), 'UpstreamUnavailable');
  assert.ok(message.includes(`${url} answers, but not as AWS does (status 200);`), message);
});

test('the body of an answer that is none is let go of at once', async (t) => {
  const port = await startHttp(t, (_, response) => void response.writeHead(200, HTML).write(PAGE));
  setEnvironment(t, { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` });
  const { mock } = t.mock.method(IncomingMessage.prototype, 'destroy');
  await rejectsWith(readImage(createS3Client(), OBJECT, { maxBytes: 1000 }), 'UpstreamUnavailable');
  const answers = mock.calls.map((call) => call.this as unknown as IncomingMessage);
  assert.ok(answers.some(({ statusCode }) => statusCode === 200));
});

test('a page that says that it is busy is asked again', async (t) => {
  let asked = 0;
  const port = await startHttp(t, (_request, response) => {
    if (++asked < 2) response.writeHead(503, HTML).end(PAGE);
    else response.writeHead(200, { etag: '"1"', 'content-length': 3 }).end('abc');
  });
  setEnvironment(t, { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` });
  assert.equal(Buffer.from(await readImage(createS3Client(), OBJECT, { maxBytes: 9 })).toString(), 'abc');
});

test('a page that goes on saying that it is busy is told as what it is', async (t) => {
  const url = await startPage(t, { status: 503, headers: HTML });
  const { message } = await rejectsWith(listObjects(createS3Client(), PLACE).next(), 'UpstreamUnavailable');
  assert.ok(message.includes(`${url} answers, but not as AWS does (status 503, text/html; charset=utf-8)`));
});

test('an object that is a web page is read as S3 gives it', async (t) => {
  const headers = { ...HTML, etag: '"1"', 'x-amz-request-id': '4442587FB7D0A2F9' };
  await startPage(t, { headers: { ...headers, 'content-length': String(PAGE.length) } });
  assert.equal(Buffer.from(await readImage(createS3Client(), OBJECT, { maxBytes: 1000 })).toString(), PAGE);
});

test('nothing is recorded of an image that a web page stands for', async (t) => {
  let written = 0;
  const port = await startHttp(t, ({ method }, response) => {
    if (method === 'PUT') written++;
    response.writeHead(method === 'HEAD' ? 404 : 200, HTML).end(method === 'HEAD' ? '' : PAGE);
  });
  setEnvironment(t, { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` });
  const captioner = {
    s3: createS3Client(),
    caption: () => assert.fail('was captioned'),
    model: { name: 'test', hash: 'f'.repeat(64) },
    allowedBuckets: ['photos'],
    results: { bucket: 'results', prefix: 'captions/' },
    maxObjectBytes: 1000,
  };
  await rejectsWith(captionObject(OBJECT, captioner), 'UpstreamUnavailable');
  assert.equal(written, 0);
});

test('the consumer of a queue says it in one line', async (t) => {
  const url = await startPage(t, { headers: HTML });
  const line = Promise.withResolvers<ConsumerReport>();
  const consumer = startQueueConsumer({
    sqs: createSqsClient(),
    queueUrl: `${url}/1/q`,
    messages: 1,
    report: line.resolve,
  } as unknown as Parameters<typeof startQueueConsumer>[0]);
  const { queue, code, error } = await line.promise;
  assert.deepEqual([queue, code], ['failed', 'UpstreamUnavailable']);
  assert.match(error!, /answers, but not as AWS does/);
  await consumer.stop();
});

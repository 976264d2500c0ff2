/** The queries of docs/operations.md ask for fields that the functions really write. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { LOG_BYTES } from '../../bench/costs/million.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { objectEnvironment, pack } from '../lambda/packed-function.ts';
import { detail } from '../s3/event-factory.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import type { LambdaFunction } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { blocksOf, readDocument } from './documents.ts';
import { fieldsIn } from './queries.ts';

type Line = Record<string, unknown>;

/**
 * Of Lambda's own lines, which nothing here writes, and of failures inside HTTP requests, which nothing here provokes.
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 */
const OTHER_FIELDS = [
  'type',
  'record.metrics.maxMemoryUsedMB',
  'record.metrics.durationMs',
  'record.metrics.initDurationMs',
  'error',
];
/** Bytes of a request's lines vary with its numbers. */
const LOG_TOLERANCE = 0.15;

let fake: FakeS3;
let http: Line[];
let queue: Line[];

before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  fake.put('photos', 'beach.jpg', readFileSync(COFFEE));
  [http, queue] = await Promise.all([linesOfHttp(), linesOfQueue()]);
});
after(() => fake.close());

async function linesOfHttp(): Promise<Line[]> {
  return await linesOf('http', { MODEL_DIR: DEFAULT_BUNDLE }, async (lambda) => {
    await lambda.invoke(request('POST', '/captions'));
    await lambda.invoke(request('GET', '/nowhere'));
  });
}

/** One image, one that is not there, a message that is no event; then a model that is not there. */
async function linesOfQueue(): Promise<Line[]> {
  const bodies = [detail('photos', 'beach.jpg'), detail('photos', 'none.jpg'), 'no event'];
  const working = await linesOf('queue', objectEnvironment(fake), async (lambda) => {
    for (const body of bodies) await lambda.invoke(message(body));
  });
  const broken = { ...objectEnvironment(fake), MODEL_DIR: `${DEFAULT_BUNDLE}-gone` };
  return [...working, ...(await linesOf('queue', broken, (lambda) => lambda.invoke(message(bodies[0]!))))];
}

async function linesOf(
  name: 'http' | 'queue',
  environment: Record<string, string>,
  use: (lambda: LambdaFunction) => Promise<unknown>,
): Promise<Line[]> {
  const packed = await pack(name, environment);
  const lambda = await packed.start();
  try {
    await use(lambda);
    return lambda.logs().filter((line): line is Line => typeof line === 'object' && line !== null);
  } finally {
    await lambda.close();
    packed.dispose();
  }
}

function message(body: string) {
  return { Records: [{ messageId: 'm0', body, eventSource: 'aws:sqs', attributes: {} }] };
}

function request(method: string, path: string) {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'api.example.com', 'content-type': 'image/jpeg' },
    requestContext: {
      domainName: 'api.example.com',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '2001:db8::1', userAgent: 'test' },
      requestId: 'gateway-request',
    },
    isBase64Encoded: true,
    ...(method === 'POST' && { body: readFileSync(COFFEE).toString('base64') }),
  };
}

/** `timings.total` for `{ timings: { total: 1 } }`, and `timings` as well. */
function fieldsOf(line: Line, prefix = ''): string[] {
  return Object.entries(line).flatMap(([key, value]) => [
    prefix + key,
    ...(typeof value === 'object' && value !== null ? fieldsOf(value as Line, `${prefix}${key}.`) : []),
  ]);
}

test('every field of every query is one that is written', () => {
  const written = [...http, ...queue].flatMap((line) => fieldsOf(line));
  const known = new Set([...written, ...OTHER_FIELDS]);
  const queries = blocksOf(readDocument('docs/operations.md'), 'logs');
  assert.ok(queries.length > 5);
  const unknown = queries.flatMap((query) => fieldsIn(query).filter((field) => !known.has(field)));
  assert.deepEqual(unknown, []);
});

test('every message that a query looks for is one that is written', () => {
  const written = [...http, ...queue].map(({ message }) => message);
  const sought = blocksOf(readDocument('docs/operations.md'), 'logs').flatMap((query) =>
    [...query.matchAll(/\bmessage = "([^"]+)"/g)].map(([, text]) => text),
  );
  assert.ok(sought.length > 3);
  assert.deepEqual(
    sought.filter((text) => !written.includes(text)),
    [],
  );
});

test('no line has a caption', () => {
  const [location] = fake.keys('results').filter((key) => key.includes('beach'));
  const document = JSON.parse(fake.get('results', location!)!.bytes.toString());
  const { text } = document.result.captions[0];
  assert.ok(text.length > 10);
  assert.ok(!JSON.stringify([http, queue]).includes(text));
});

test('the lines of one request are as long as the table of costs takes them to be', () => {
  const first = http.findIndex(({ message }) => message === 'request');
  const bytes = http.slice(first, first + 2).reduce((sum, line) => sum + JSON.stringify(line).length + 1, 0);
  assert.ok(Math.abs(bytes / LOG_BYTES.function - 1) < LOG_TOLERANCE, `${bytes} bytes`);
});

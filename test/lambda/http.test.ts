import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { CaptionResult } from '../../src/caption/result.ts';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import type { Invocation } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { metricsOf, type PackedFunction, pack } from './packed-function.ts';

const PHOTO = readFileSync(COFFEE);

let fake: FakeS3;
let http: PackedFunction;

before(async () => {
  fake = await startFakeS3(['photos']);
  http = await pack('http', { MODEL_DIR: DEFAULT_BUNDLE, AWS_ENDPOINT_URL_S3: fake.url });
});
after(async () => {
  http.dispose();
  await fake.close();
});

/** Payload format 2.0, as HTTP APIs and function URLs send it; a Buffer goes as base64. */
function request(method: string, rawPath: string, contentType = '', body?: Buffer | string) {
  const [path, rawQueryString = ''] = rawPath.split('?');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString,
    headers: {
      host: 'api.example.com',
      'x-forwarded-for': '2001:db8::1',
      ...(contentType && { 'content-type': contentType }),
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.com',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '2001:db8::1', userAgent: 'test' },
      requestId: 'gateway-request',
      routeKey: '$default',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 1767225600000,
    },
    isBase64Encoded: Buffer.isBuffer(body),
    ...(body !== undefined && { body: Buffer.isBuffer(body) ? body.toString('base64') : body }),
  };
}

function answerOf(invocation: Invocation): APIGatewayProxyStructuredResultV2 {
  assert.ok('payload' in invocation, JSON.stringify(invocation));
  return invocation.payload as APIGatewayProxyStructuredResultV2;
}

function jsonOf<T>(invocation: Invocation, status: number): T {
  const { statusCode, body = '' } = answerOf(invocation);
  assert.equal(statusCode, status, body);
  return JSON.parse(body) as T;
}

describe('the HTTP function', () => {
  it('captions a photograph, serves its page and its description, and says that it is well', async (t) => {
    const lambda = await http.startFor(t);
    const result = jsonOf<CaptionResult>(
      await lambda.invoke(request('POST', '/captions?count=1', 'image/jpeg', PHOTO)),
      200,
    );
    assert.equal(result.captions.length, 1);
    assert.equal(result.format, 'jpeg');
    const page = answerOf(await lambda.invoke(request('GET', '/')));
    assert.equal(page.statusCode, 200);
    assert.match(String(page.headers?.['content-type']), /^text\/html/);
    assert.equal(
      jsonOf<{ status: string }>(await lambda.invoke(request('GET', '/health')), 200).status,
      'ok',
    );
    assert.equal(
      jsonOf<{ hash: string }>(await lambda.invoke(request('GET', '/model')), 200).hash,
      result.model.hash,
    );
    jsonOf(await lambda.invoke(request('GET', '/openapi.json')), 200);
    assert.equal(lambda.starts(), 1);

    const lines = lambda.logs() as Record<string, unknown>[];
    const reports = lines.filter(({ message }) => message === 'request');
    assert.deepEqual(
      reports.map(({ correlation_id, level, status, service }) => [correlation_id, level, status, service]),
      Array(5).fill(['gateway-request', 'INFO', 200, 'show-and-tell']),
    );
    assert.ok(!JSON.stringify(lines).includes(result.captions[0]!.text));
    assert.deepEqual(metricsOf(lambda).ColdStart, [1]);
    assert.deepEqual(metricsOf(lambda).Captions?.[0], 1);
  });

  it('keeps the policy of its pages when they are asked for again', async (t) => {
    const lambda = await http.startFor(t);
    for (const path of ['/', '/docs']) {
      const first = answerOf(await lambda.invoke(request('GET', path)));
      const event = request('GET', path);
      const ifNoneMatch = { 'if-none-match': String(first.headers?.etag) };
      const again = answerOf(
        await lambda.invoke({ ...event, headers: { ...event.headers, ...ifNoneMatch } }),
      );
      assert.equal(again.statusCode, 304);
      assert.match(String(first.headers?.['content-security-policy']), /style-src 'sha256-/);
      assert.equal(again.headers?.['content-security-policy'], first.headers?.['content-security-policy']);
    }
  });

  it('has no metrics for Prometheus: nobody can scrape an environment', async (t) => {
    const lambda = await http.startFor(t);
    jsonOf(await lambda.invoke(request('GET', '/metrics')), 404);
  });

  it('tells its page where people sign in, as the deployment says', async (t) => {
    const environment = {
      LOGIN_ISSUER: 'https://issuer.example',
      LOGIN_CLIENT_ID: 'page',
      LOGIN_SCOPE: 'openid',
    };
    const lambda = await http.startFor(t, { environment });
    const { body } = answerOf(await lambda.invoke(request('GET', '/')));
    const told = { issuer: 'https://issuer.example', clientId: 'page', scope: 'openid' };
    assert.ok(body!.includes(`content="${JSON.stringify(told).replaceAll('"', '&quot;')}"`));
    assert.match(body!, /Sign in/);
  });

  it('compresses its page for the gateway to decode from base64', async (t) => {
    const lambda = await http.startFor(t);
    const event = request('GET', '/');
    const plain = answerOf(await lambda.invoke(event));
    const accepting = { ...event, headers: { ...event.headers, 'accept-encoding': 'gzip, br' } };
    const answer = answerOf(await lambda.invoke(accepting));
    assert.deepEqual([plain.isBase64Encoded, answer.isBase64Encoded], [false, true]);
    assert.equal(answer.headers?.['content-encoding'], 'br');
    const bytes = Buffer.from(answer.body!, 'base64');
    assert.equal(answer.headers?.['content-length'], String(bytes.length));
    assert.equal(brotliDecompressSync(bytes).toString(), plain.body);
    assert.equal(answer.headers?.etag, plain.headers?.etag);
  });

  it('stays in the trace of its caller', async (t) => {
    const lambda = await http.startFor(t);
    const traceId = 'a1'.repeat(16);
    const event = request('GET', '/nowhere');
    const traceparent = `00-${traceId}-${'b2'.repeat(8)}-01`;
    const invocation = await lambda.invoke({ ...event, headers: { ...event.headers, traceparent } });
    assert.equal(jsonOf<{ traceId: string }>(invocation, 404).traceId, traceId);
    const lines = lambda.logs() as Record<string, unknown>[];
    const line = lines.find(({ message }) => message === 'request')!;
    assert.deepEqual([line.trace_id, line.parent_span_id], [traceId, 'b2'.repeat(8)]);
    assert.equal(answerOf(invocation).headers?.traceresponse, `00-${traceId}-${line.span_id}-01`);
  });

  it('answers what is wrong with a problem document of the right status', async (t) => {
    const lambda = await http.startFor(t);
    const cases: [ReturnType<typeof request>, number, string][] = [
      [request('POST', '/captions', 'image/jpeg', Buffer.from('no image')), 415, 'UnsupportedImage'],
      [request('POST', '/captions?beamWidth=99', 'image/jpeg', PHOTO), 422, 'InvalidRequest'],
      [request('POST', '/captions', 'application/json', '{"image":'), 400, 'MalformedRequest'],
    ];
    for (const [event, status, code] of cases) {
      const invocation = await lambda.invoke(event);
      assert.equal(jsonOf<{ code: string }>(invocation, status).code, code);
      assert.match(String(answerOf(invocation).headers?.['content-type']), /^application\/problem\+json/);
    }
    assert.deepEqual(metricsOf(lambda).Failures, [1, 1, 1]);
  });

  it('passes over a body of GET and HEAD, which means nothing', async (t) => {
    const lambda = await http.startFor(t);
    for (const [method, path] of [
      ['GET', '/health'],
      ['GET', '/model'],
      ['HEAD', '/'],
    ] as const) {
      for (const body of ['{}', Buffer.from('{}')]) {
        const { statusCode } = answerOf(await lambda.invoke(request(method, path, 'application/json', body)));
        assert.equal(statusCode, 200, `${method} ${path}`);
      }
    }
  });

  it('refuses what is no request with a problem document, logs and counts it', async (t) => {
    const lambda = await http.startFor(t);
    const plain = request('POST', '/captions', 'application/json', '{"image":"YWJj"}');
    const withHeader = { ...plain, headers: { ...plain.headers, 'x y': 'z' } };
    const events: [what: string, event: unknown][] = [
      ['a base64 flag on a plain body', { ...plain, isBase64Encoded: true }],
      ['half a byte of base64', { ...plain, isBase64Encoded: true, body: 'YWJjY' }],
      ['a method that nobody may send', request('TRACE', '/captions')],
      ['a header that is none', withHeader],
      ['a test event of the console', { key1: 'value1', key2: 'value2', key3: 'value3' }],
      ['a scheduled event', { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} }],
      ['a request without its context', { ...plain, requestContext: undefined }],
      ['nothing', null],
      ['a text', 'text'],
    ];
    for (const [what, event] of events) {
      const invocation = await lambda.invoke(event);
      assert.equal(jsonOf<{ code: string }>(invocation, 400).code, 'MalformedRequest', what);
      const { headers } = answerOf(invocation);
      assert.match(String(headers?.['content-type']), /^application\/problem\+json/, what);
    }
    const lines = lambda.logs() as Record<string, unknown>[];
    assert.deepEqual(
      lines.filter(({ message }) => message === 'request').map(({ status, code }) => [status, code]),
      Array(events.length).fill([400, 'MalformedRequest']),
    );
    assert.deepEqual(metricsOf(lambda).Failures, Array(events.length).fill(1));
  });

  it('gives no answer that Lambda would not pass on', async (t) => {
    const lambda = await http.startFor(t);
    const ask = async (images: number) => {
      const head = 'content-disposition: form-data; name="image"; filename="a.jpg"';
      const parts = Array(images).fill([
        Buffer.from(`--edge\r\n${head}\r\n\r\n`),
        PHOTO,
        Buffer.from('\r\n'),
      ]);
      const form = Buffer.concat([...parts.flat(), Buffer.from('--edge--\r\n')]);
      const options = 'beamWidth=10&maxLength=60&minLength=50&trace=true&explain=true';
      return await lambda.invoke(
        request('POST', `/captions?${options}`, 'multipart/form-data; boundary=edge', form),
      );
    };
    for (const images of [1, 2]) {
      const invocation = await ask(images);
      assert.equal(answerOf(invocation).statusCode, 200);
      assert.ok(Buffer.byteLength(JSON.stringify(answerOf(invocation))) < 6_291_556);
    }
    const { code, detail } = jsonOf<{ code: string; detail: string }>(await ask(12), 422);
    assert.equal(code, 'InvalidRequest');
    assert.match(detail, /^the answer would have more than 6226020 bytes; ask for fewer images/);
    const lines = lambda.logs() as Record<string, unknown>[];
    const [, , refused] = lines.filter(({ message }) => message === 'request');
    assert.deepEqual([refused?.status, refused?.code], [422, 'InvalidRequest']);
    // Those after the one that went too far are not captioned.
    assert.ok(Number(refused?.images) < 12, String(refused?.images));
  });

  it('takes the name of a stage off the path', async (t) => {
    const lambda = await http.startFor(t);
    const staged = (path: string, stage: string) => {
      const event = request('GET', path);
      return { ...event, requestContext: { ...event.requestContext, stage } };
    };
    for (const [path, stage, status] of [
      ['/prod/health', 'prod', 200],
      ['/prod/', 'prod', 200],
      ['/prod', 'prod', 200],
      ['/health', 'prod', 200],
      ['/health/health', 'health', 200],
      ['/product/health', 'prod', 404],
      ['/prod/prod/health', 'prod', 404],
      ['/prod/health', '$default', 404],
    ] as const) {
      const { statusCode } = answerOf(await lambda.invoke(staged(path, stage)));
      assert.equal(statusCode, status, `${path} of ${stage}`);
    }
  });

  it('reads S3 only where buckets are allowed, and only those', async (t) => {
    fake.put('photos', 'a b+c.jpg', PHOTO);
    const body = (bucket: string, key = 'a b+c.jpg') =>
      request('POST', '/captions', 'application/json', JSON.stringify({ s3: { bucket, key } }));
    const open = await http.startFor(t, {
      environment: { ALLOWED_BUCKETS: 'photos', MAX_OBJECT_BYTES: String(PHOTO.length) },
    });
    jsonOf(await open.invoke(body('photos')), 200);
    jsonOf(await open.invoke(body('photos', 'gone.jpg')), 404);
    jsonOf(await open.invoke(body('elsewhere')), 403);
    fake.put('photos', 'large.jpg', Buffer.concat([PHOTO, PHOTO]));
    jsonOf(await open.invoke(body('photos', 'large.jpg')), 413);
    const closed = await http.startFor(t);
    fake.requests.length = 0;
    assert.notEqual(answerOf(await closed.invoke(body('photos'))).statusCode, 200);
    assert.deepEqual(fake.requests, []);
  });

  it('tells its limits', async (t) => {
    const environment = {
      ALLOWED_BUCKETS: 'photos',
      MAX_OBJECT_BYTES: '12345',
      MAX_PIXELS: '1000',
      UPLOADS_BUCKET: 'photos',
      UPLOADS_PREFIX: 'uploads/',
      RESULTS_BUCKET: 'results',
      RESULTS_PREFIX: '',
    };
    const lambda = await http.startFor(t, { environment, timeout: 20_000 });
    const { body = '' } = answerOf(await lambda.invoke(request('GET', '/docs')));
    const rows = body.slice(body.indexOf('id="limits"')).matchAll(/<dt>(.*?)<\/dt>\s*<dd>(.*?)<\/dd>/gs);
    const limits = Object.fromEntries(
      [...rows].map(([, what = '', value = '']) => [what, value.split('. ')[0]]),
    );
    assert.partialDeepStrictEqual(limits, {
      // Lambda's 6 MB without 64 KiB of headers, as base64.
      'Body of a request': '4,669,440 bytes (4.5 MiB)',
      'Answer with captions, its quotes escaped': '6,226,020 bytes (5.9 MiB)',
      'Pixels of an image': '1,000',
      'Image in S3': '12,345 bytes (12.1 KiB)',
      Upload: '12,345 bytes (12.1 KiB)',
    });
    assert.match(limits['Time from a request to its answer, its images together']!, /^1[0-7](\.\d+)? s$/);
  });

  it('takes no image above its limit of pixels', async (t) => {
    const small = await http.startFor(t, { environment: { MAX_PIXELS: '1000' } });
    const { detail } = jsonOf<{ detail: string }>(
      await small.invoke(request('POST', '/captions', 'image/jpeg', PHOTO)),
      413,
    );
    assert.match(detail, /more than the 1000 allowed/);
  });

  it('takes uploads only where there is a bucket for them', async (t) => {
    const announcement = request(
      'POST',
      '/uploads',
      'application/json',
      '{"contentType":"image/jpeg","bytes":9}',
    );
    const environment = {
      UPLOADS_BUCKET: 'photos',
      UPLOADS_PREFIX: 'uploads/',
      RESULTS_BUCKET: 'results',
      RESULTS_PREFIX: 'captions/',
    };
    const open = await http.startFor(t, { environment });
    const { id, url } = jsonOf<{ id: string; url: string }>(await open.invoke(announcement), 201);
    assert.match(url, /photos.*uploads\//);
    jsonOf(await open.invoke(request('GET', `/captions/${id}`)), 404);
    assert.equal(answerOf(await open.invoke(request('PUT', `/captions/${id}`))).headers?.allow, 'GET, HEAD');
    const logs = open.logs() as Record<string, unknown>[];
    assert.deepEqual(
      logs.filter(({ message }) => message === 'request').map(({ route }) => route),
      ['/uploads', '/captions/:id', '/captions/:id'],
    );
    assert.ok(!JSON.stringify(logs).includes(id));
    const closed = await http.startFor(t);
    assert.equal(answerOf(await closed.invoke(announcement)).statusCode, 404);
    for (const [lambda, has] of [
      [open, true],
      [closed, false],
    ] as const) {
      const { paths } = jsonOf<{ paths: object }>(await lambda.invoke(request('GET', '/openapi.json')), 200);
      assert.deepEqual(['/uploads' in paths, '/captions/{id}' in paths], [has, has]);
    }
  });

  it('answers 504 when the time does not suffice, instead of being killed', async (t) => {
    // All of it is kept back for answering.
    const lambda = await http.startFor(t, { timeout: 3_000 });
    const answer = answerOf(await lambda.invoke(request('POST', '/captions', 'image/jpeg', PHOTO)));
    assert.equal(answer.statusCode, 504);
    assert.equal(lambda.starts(), 1);
    const line = (lambda.logs() as Record<string, unknown>[]).find(({ message }) => message === 'request');
    assert.deepEqual([line?.level, line?.status, line?.code], ['ERROR', 504, 'DeadlineExceeded']);
    assert.deepEqual(metricsOf(lambda).Failures, [1]);
  });

  it('fails by name while its model is unusable, and reports why', async (t) => {
    const lambda = await http.startFor(t, { environment: { MODEL_DIR: '/nowhere' } });
    const invocation = await lambda.invoke(request('POST', '/captions', 'image/jpeg', PHOTO));
    assert.equal('error' in invocation && invocation.error.errorType, 'ModelUnusable');
    assert.ok((lambda.logs() as Record<string, unknown>[]).some(({ level }) => level === 'CRITICAL'));
  });
});

/** What the OpenAPI document promises to clients, without its wording: a change here is a change of the interface. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PIXEL_BASE64 } from '../../../src/http/files.ts';
import { app, appWith } from '../harness.ts';

interface Operation {
  operationId: string;
  tags: string[];
  requestBody?: {
    required: boolean;
    content: Record<string, { examples: Record<string, { value: unknown }> }>;
  };
  responses: Record<string, { content?: object; headers?: object }>;
}
interface Document {
  openapi: string;
  info: object;
  servers: { url: string }[];
  tags: { name: string }[];
  security: object[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const everything = appWith({
  uploads: { maxBytes: 64 << 20, announce: () => assert.fail(), outcome: () => assert.fail() },
  metrics: async () => ({ type: 'text/plain; version=9', text: 'up 1\n' }),
});
const document = withoutWording(await (await everything.request('/openapi.json')).json()) as Document;

/** Descriptions of schemas that have a property of that name are kept. */
function withoutWording(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWording);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, text]) => typeof text !== 'string' || !['description', 'summary'].includes(key),
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutWording(inner)]));
}

/** Kinds of each answer, and headers that it always has. */
function answersOf({ responses }: Operation): string {
  return Object.entries(responses)
    .map(([status, { content = {}, headers = {} }]) =>
      [status, ...Object.keys(content), ...Object.keys(headers)].join(' '),
    )
    .join(', ');
}

describe('the document', () => {
  const PROBLEM = 'application/problem+json';
  const OF_SERVICE = `429, 500 ${PROBLEM}, 503 ${PROBLEM} Retry-After, 504 ${PROBLEM}`;
  const problems = (...statuses: number[]) =>
    [...statuses.map((status) => `${status} ${PROBLEM}`), OF_SERVICE].join(', ');

  it('has these operations with these bodies and answers', () => {
    const found = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [
        `${method.toUpperCase()} ${path}`,
        operation.operationId,
        operation.tags.join(),
        Object.keys(operation.requestBody?.content ?? {}).join(', '),
        answersOf(operation),
      ]),
    );
    assert.deepEqual(found, [
      [
        'POST /captions',
        'caption',
        'captions',
        'image/*, application/octet-stream, multipart/form-data, application/json',
        `200 application/json Server-Timing, ${problems(400, 403, 404, 413, 415, 422)}`,
      ],
      [
        'POST /uploads',
        'announceUpload',
        'uploads',
        'application/json',
        `201 application/json Location, ${problems(400, 413, 422)}`,
      ],
      [
        'GET /captions/{id}',
        'getOutcome',
        'uploads',
        '',
        `200 application/json, 202 application/json Retry-After, ${problems(404)}`,
      ],
      ['GET /health', 'getHealth', 'service', '', `200 application/json, ${problems()}`],
      ['GET /metrics', 'getMetrics', 'service', '', '200 text/plain, 429'],
      [
        'POST /model/predict',
        'maxPredict',
        'max',
        'multipart/form-data',
        `200 application/json Server-Timing, 400 application/json, 413 application/json, ${OF_SERVICE.replaceAll(PROBLEM, 'application/json')}`,
      ],
      ['GET /model/metadata', 'maxMetadata', 'max', '', '200 application/json, 429'],
      ['GET /model', 'getModel', 'service', '', '200 application/json, 429'],
    ]);
    for (const item of Object.values(document.paths)) {
      for (const { requestBody } of Object.values(item)) assert.ok(requestBody?.required ?? true);
    }
  });

  it('is one of this service, open to whom what stands in front lets through', () => {
    const { openapi, info, servers, tags, security } = document;
    assert.deepEqual(
      { openapi, info, servers, tags, security },
      {
        openapi: '3.1.0',
        info: {
          title: 'Show and Tell',
          version: '1',
          license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
        },
        servers: [{ url: '/' }],
        tags: [{ name: 'captions' }, { name: 'uploads' }, { name: 'service' }, { name: 'max' }],
        security: [],
      },
    );
  });

  it('shows bodies that can be sent as they are', () => {
    const examplesOf = (path: string) =>
      Object.fromEntries(
        Object.entries(document.paths[path]!.post!.requestBody!.content).map(([type, { examples }]) => [
          type,
          Object.fromEntries(Object.entries(examples).map(([name, { value }]) => [name, value])),
        ]),
      );
    assert.deepEqual(examplesOf('/captions')['application/json'], {
      inline: { image: PIXEL_BASE64, count: 1 },
      stored: { s3: { bucket: 'photos', key: '2026/coffee.jpg' }, requiredWords: ['cup'] },
    });
    assert.deepEqual(examplesOf('/uploads'), {
      'application/json': { jpeg: { contentType: 'image/jpeg', bytes: 12_582_912 } },
    });
  });

  it('has the schemas of what goes in', () => {
    const { CaptionForm, MaxForm, UploadRequest, CaptionRequest, S3Reference } = document.components.schemas;
    const file = { type: 'string', format: 'binary', contentMediaType: 'application/octet-stream' };
    assert.deepEqual(CaptionForm, {
      type: 'object',
      required: ['image'],
      properties: { image: { type: 'array', items: file, minItems: 1, maxItems: 20 } },
      additionalProperties: false,
    });
    assert.deepEqual(MaxForm, { type: 'object', required: ['image'], properties: { image: file } });
    assert.deepEqual(UploadRequest, {
      type: 'object',
      properties: {
        contentType: {
          type: 'string',
          enum: ['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/gif', 'image/tiff'],
        },
        bytes: { type: 'integer', minimum: 1, maximum: 64 << 20 },
      },
      required: ['contentType', 'bytes'],
      additionalProperties: false,
    });
    const { properties, ...request } = CaptionRequest as { properties: Record<string, object> };
    assert.deepEqual(request, {
      type: 'object',
      additionalProperties: false,
      not: {
        not: {
          oneOf: [
            { properties: { image: {} }, required: ['image'] },
            { properties: { s3: {} }, required: ['s3'] },
          ],
        },
      },
      example: { image: PIXEL_BASE64, count: 1 },
    });
    assert.deepEqual(properties.image, { type: 'string', contentEncoding: 'base64' });
    assert.deepEqual(properties.s3, { $ref: '#/components/schemas/S3Reference' });
    assert.deepEqual(S3Reference, {
      type: 'object',
      properties: {
        bucket: { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$' },
        key: { type: 'string', minLength: 1, maxLength: 1024 },
        versionId: { type: 'string', minLength: 1, maxLength: 1024 },
      },
      required: ['bucket', 'key'],
      additionalProperties: false,
    });
  });

  it('has the schemas of what comes out', () => {
    const { CaptionResults, CaptionedImage, FailedImage, UploadAnnouncement, PendingOutcome } =
      document.components.schemas;
    assert.deepEqual(CaptionResults, {
      type: 'object',
      properties: {
        results: {
          type: 'array',
          items: {
            anyOf: [
              { $ref: '#/components/schemas/CaptionedImage' },
              { $ref: '#/components/schemas/FailedImage' },
            ],
          },
        },
      },
      required: ['results'],
    });
    const name = { type: 'string', example: 'photo.jpg' };
    const captioned = CaptionedImage as { properties: Record<string, object>; required: string[] };
    assert.deepEqual(captioned.properties.name, name);
    assert.ok(captioned.required.includes('name'));
    assert.deepEqual(FailedImage, {
      type: 'object',
      properties: { name, error: { $ref: '#/components/schemas/Problem' } },
      required: ['name', 'error'],
    });
    assert.deepEqual(UploadAnnouncement, {
      type: 'object',
      properties: {
        id: { type: 'string' },
        method: { type: 'string', enum: ['PUT'] },
        url: { type: 'string', format: 'uri' },
        headers: { type: 'object', additionalProperties: { type: 'string' } },
        expiresInSeconds: { type: 'integer' },
        result: { type: 'string' },
      },
      required: ['id', 'method', 'url', 'headers', 'expiresInSeconds', 'result'],
    });
    assert.deepEqual(PendingOutcome, {
      type: 'object',
      properties: { status: { type: 'string', enum: ['pending'] } },
      required: ['status'],
    });
  });
});

describe('beside the document', () => {
  it('metrics are sent as they are, and where there are none there is no route', async () => {
    const answer = await everything.request('/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=9');
    assert.equal(await answer.text(), 'up 1\n');
    assert.equal((await app.request('/metrics')).status, 404);
  });

  it('the page’s photographs are kept by browsers', async () => {
    for (const [name, file] of [
      ['cat.jpg', 'health.jpg'],
      ['coffee.jpg', 'coffee.jpg'],
      ['giraffes.jpg', 'giraffes.jpg'],
    ] as const) {
      const answer = await app.request(`/samples/${name}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'image/jpeg');
      assert.equal(answer.headers.get('cache-control'), 'no-cache');
      assert.match(answer.headers.get('etag')!, /^W\//);
      const bytes = readFileSync(new URL(`../../../src/http/routes/${file}`, import.meta.url));
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
    }
  });
});

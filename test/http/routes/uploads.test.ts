import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { S3Client } from '@aws-sdk/client-s3';
import { createApp } from '../../../src/http/app.ts';
import type { Problem } from '../../../src/http/failures.ts';
import { modelCardOf } from '../../../src/http/model-card.ts';
import { readUploadSettings } from '../../../src/lambda/uploads-env.ts';
import { readBundle } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { captionObject } from '../../../src/s3/caption-object.ts';
import { createUploads, type UploadParts } from '../../../src/s3/uploads.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { COFFEE } from '../../support/samples.ts';

const image = readFileSync(COFFEE);
const bundle = await readBundle(DEFAULT_BUNDLE);
const { caption, plan, model } = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const places = {
  uploads: { bucket: 'images', prefix: 'uploads/' },
  results: { bucket: 'results', prefix: 'captions/' },
};

interface Announcement {
  id: string;
  url: string;
  headers: Record<string, string>;
  result: string;
}

let store: FakeS3;
let parts: UploadParts;
let app: ReturnType<typeof createApp>;

before(async () => {
  store = await startFakeS3(['images', 'results']);
  const options = {
    endpoint: store.url,
    forcePathStyle: true,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  parts = {
    ...places,
    s3: new S3Client(options),
    signer: new S3Client({ ...options, requestChecksumCalculation: 'WHEN_REQUIRED' }),
    modelHash: model.hash,
    maxObjectBytes: 1 << 20,
  };
  const uploads = createUploads(parts);
  app = createApp({ caption, plan, model: modelCardOf(bundle), maxBodyBytes: 1 << 20, uploads });
});

after(() => store.close());

function announce(body: unknown): Response | Promise<Response> {
  return app.request('/uploads', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function announced(bytes = image.length): Promise<Announcement> {
  const response = await announce({ contentType: 'image/jpeg', bytes });
  assert.equal(response.status, 201);
  return (await response.json()) as Announcement;
}

/** What the queue does with the event of the upload. */
async function captionUpload(id: string): Promise<void> {
  const request = { bucket: 'images', key: `uploads/${id}` };
  const { s3, maxObjectBytes, results } = parts;
  await captionObject(request, { s3, caption, model, allowedBuckets: ['images'], results, maxObjectBytes });
}

test('an image is announced, uploaded, captioned and its result fetched', async () => {
  const { id, url, headers, result } = await announced();
  assert.equal((await app.request(result)).status, 404);

  const put = await fetch(url, { method: 'PUT', body: image, headers });
  assert.equal(put.status, 200);
  const pending = await app.request(result);
  assert.equal(pending.status, 202);
  assert.ok(Number(pending.headers.get('retry-after')) > 0);

  await captionUpload(id);
  const response = await app.request(result);
  assert.equal(response.status, 200);
  const outcome = (await response.json()) as { status: string; result: { captions: { text: string }[] } };
  assert.equal(outcome.status, 'captioned');
  const direct = await caption(image);
  assert.deepEqual(
    outcome.result.captions.map(({ text }) => text),
    direct.captions.map(({ text }) => text),
  );
});

test('an address takes one image only', async () => {
  const { url, headers } = await announced();
  assert.equal((await fetch(url, { method: 'PUT', body: image, headers })).status, 200);
  assert.equal((await fetch(url, { method: 'PUT', body: image, headers })).status, 412);
});

test('the signature binds size, kind and place, ends soon, and carries no checksum of an empty object', async () => {
  const { searchParams, pathname } = new URL((await announced()).url);
  assert.deepEqual(searchParams.get('X-Amz-SignedHeaders')?.split(';'), [
    'content-length',
    'content-type',
    'host',
    'if-none-match',
  ]);
  assert.match(pathname, /^\/images\/uploads\/[A-Za-z0-9_-]{32}$/);
  assert.ok(Number(searchParams.get('X-Amz-Expires')) <= 300);
  assert.deepEqual(
    [...searchParams.keys()].filter((name) => name.includes('checksum')),
    [],
  );
});

test('no two addresses are alike', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await announced()).id));
  assert.equal(new Set(ids).size, ids.length);
});

test('an upload that is no image ends as a failure that names no bucket', async () => {
  const { id, url, headers, result } = await announced(7);
  await fetch(url, { method: 'PUT', body: 'no JPEG', headers });
  await captionUpload(id);
  const response = await app.request(result);
  const text = await response.text();
  assert.equal(response.status, 200);
  assert.equal(JSON.parse(text).error.code, 'UnsupportedImage');
  assert.doesNotMatch(text, /s3:|uploads/);
});

for (const [what, body, status, code] of [
  ['no JSON', '{', 400, 'MalformedRequest'],
  ['no size', { contentType: 'image/jpeg' }, 422, 'InvalidRequest'],
  ['no image', { contentType: 'text/html', bytes: 10 }, 422, 'InvalidRequest'],
  ['an unknown field', { contentType: 'image/png', bytes: 10, key: '../x' }, 422, 'InvalidRequest'],
  ['more bytes than allowed', { contentType: 'image/png', bytes: (1 << 20) + 1 }, 413, 'ImageTooLarge'],
  ['a body without end', JSON.stringify({ contentType: 'x'.repeat(2000) }), 413, 'ImageTooLarge'],
] as const) {
  test(`an announcement with ${what} is refused as ${code}`, async () => {
    const response = await announce(body);
    assert.equal(response.status, status);
    assert.equal(((await response.json()) as Problem).code, code);
  });
}

for (const id of ['x', '..%2F..%2Fsecret', 'A'.repeat(32), `${'A'.repeat(31)}%00`]) {
  test(`nothing is found under the id ${id}`, async () => {
    const response = await app.request(`/captions/${id}`);
    assert.equal(response.status, 404);
    const { code, detail } = (await response.json()) as Problem;
    assert.equal(code, 'ImageNotFound');
    assert.doesNotMatch(detail ?? '', /s3:/);
  });
}

test('a deployment without a bucket for uploads has no upload route', () => {
  assert.equal(readUploadSettings({ RESULTS_BUCKET: 'results' }), null);
  assert.throws(() => readUploadSettings({ UPLOADS_BUCKET: 'images', UPLOADS_PREFIX: 'no-slash' }));
  assert.deepEqual(
    readUploadSettings({
      UPLOADS_BUCKET: 'images',
      UPLOADS_PREFIX: 'uploads/',
      RESULTS_BUCKET: 'results',
      RESULTS_PREFIX: 'captions/',
    }),
    places,
  );
});

test('the document of an app with uploads has both routes, and one without has none of them', async () => {
  const { paths } = (await (await app.request('/openapi.json')).json()) as { paths: Record<string, object> };
  assert.deepEqual(Object.keys(paths['/uploads']!), ['post']);
  assert.deepEqual(Object.keys(paths['/captions/{id}']!), ['get']);
  assert.match(await (await app.request('/docs')).text(), /GET \/captions\/\{id\}/);
  const plain = createApp({ caption, plan, model: modelCardOf(bundle), maxBodyBytes: 1 << 20 });
  assert.equal((await plain.request('/uploads', { method: 'POST' })).status, 404);
  assert.equal((await plain.request(`/captions/${'A'.repeat(32)}`)).status, 404);
});

test('reports name the route and not the id', async () => {
  const routes: string[] = [];
  const reported = createApp({
    caption,
    plan,
    model: modelCardOf(bundle),
    maxBodyBytes: 1 << 20,
    uploads: createUploads(parts),
    report: ({ route }) => routes.push(route),
  });
  await reported.request(`/captions/${'A'.repeat(32)}`);
  const wrong = await reported.request(`/captions/${'A'.repeat(32)}`, { method: 'PUT' });
  await reported.request('/captions/');
  assert.deepEqual(routes, ['/captions/:id', '/captions/:id', 'other']);
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD']);
});

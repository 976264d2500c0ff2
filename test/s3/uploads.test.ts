/** Addresses for uploads, and what became of what was put there, without the routes around them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { createS3Client } from '../../src/aws/s3-client.ts';
import { CaptionError } from '../../src/errors.ts';
import { resultKey } from '../../src/s3/result-key.ts';
import { type ResultDocument, writeResult } from '../../src/s3/results.ts';
import { createSigningClient, createUploads } from '../../src/s3/uploads.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { setEnvironment, setProxies } from '../support/network/servers.ts';

const PLACES = {
  uploads: { bucket: 'images', prefix: 'uploads/' },
  results: { bucket: 'results', prefix: 'captions/' },
  modelHash: 'f'.repeat(64),
  maxObjectBytes: 1000,
};
const ID = 'Ab0_-'.repeat(7).slice(0, 32);
const KEY = `uploads/${ID}`;

let fake: FakeS3;
let uploads: ReturnType<typeof createUploads>;
before(async () => {
  fake = await startFakeS3(['images', 'results']);
});
after(() => fake.close());
beforeEach((t) => {
  setProxies(t as TestContext, {});
  setEnvironment(t as TestContext, {
    AWS_ENDPOINT_URL_S3: fake.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  fake.onRequest(() => undefined);
  fake.requests.length = 0;
  fake.delete('images', KEY);
  uploads = createUploads({ ...PLACES, s3: createS3Client(), signer: createSigningClient() });
});

describe('an announced image', () => {
  it('gets an address that takes it, with its headers, and no larger or other one', async () => {
    const { url, id, ...rest } = await uploads.announce({ contentType: 'image/png', bytes: 3 });
    const headers = { 'content-type': 'image/png', 'content-length': '3', 'if-none-match': '*' };
    assert.deepEqual(rest, { method: 'PUT', headers, expiresInSeconds: 300 });
    assert.match(id, /^[A-Za-z0-9_-]{32}$/);
    const { origin, pathname, searchParams } = new URL(url);
    assert.deepEqual([origin, pathname], [fake.url, `/images/uploads/${id}`]);
    const {
      'X-Amz-Date': _,
      'X-Amz-Signature': __,
      'X-Amz-Credential': ___,
      ...query
    } = Object.fromEntries(searchParams);
    assert.deepEqual(query, {
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
      'X-Amz-Expires': '300',
      'X-Amz-SignedHeaders': 'content-length;content-type;host;if-none-match',
      'x-id': 'PutObject',
    });
    assert.equal((await fetch(url, { method: 'PUT', body: 'abc', headers })).status, 200);
    assert.equal(fake.get('images', `uploads/${id}`)?.bytes.toString(), 'abc');
    assert.equal(await uploads.outcome(id), null);
  });

  it('may have as many bytes as an object, and not one more', async () => {
    assert.equal(uploads.maxBytes, 1000);
    await uploads.announce({ contentType: 'image/png', bytes: 1000 });
    const { message } = await rejectsWith(
      uploads.announce({ contentType: 'image/png', bytes: 1001 }),
      'ImageTooLarge',
    );
    assert.match(message, /^the image has 1001 bytes, more than 1000$/);
  });
});

describe('the outcome of an upload', () => {
  for (const id of ['', ID.slice(1), `${ID}a`, `${ID.slice(1)}.`, `${ID.slice(1)}/`, `${ID}\n`, `/${ID}`]) {
    it(`is not looked for under what is no id: ${JSON.stringify(id)}`, async () => {
      await rejectsWith(uploads.outcome(id), 'ImageNotFound');
      assert.deepEqual(fake.requests, []);
    });
  }

  it('is ImageNotFound before anything was put there, and says no bucket, though its cause does', async () => {
    const error = await rejectsWith(uploads.outcome(ID), 'ImageNotFound');
    assert.equal(error.message, 'nothing was uploaded there');
    assert.ok(error.cause instanceof CaptionError);
    assert.equal(error.cause.message, `s3://images/${KEY} does not exist`);
  });

  /** What a bundle wrote of this content. */
  async function record(
    modelHash: string,
    { etag }: { etag: string },
    options?: object,
  ): Promise<ResultDocument> {
    const document: ResultDocument = {
      formatVersion: 1,
      source: { bucket: 'images', key: KEY, etag },
      model: { name: 'test', hash: modelHash },
      writtenAt: '2026-03-02T10:00:00.000Z',
      status: 'failed',
      error: { code: 'UnsupportedImage', message: 'no image' },
    };
    const identity = { bucket: 'images', key: KEY, revision: etag, modelHash, ...(options && { options }) };
    const { results } = PLACES;
    const place = { bucket: results.bucket, key: resultKey(results.prefix, identity) };
    await writeResult(createS3Client(), place, document);
    return document;
  }

  it('is nothing yet until the result is there, and then the result, in two requests', async () => {
    const image = fake.put('images', KEY, Buffer.from('abc'));
    assert.equal(await uploads.outcome(ID), null);
    const document = await record(PLACES.modelHash, image);
    fake.requests.length = 0;
    assert.deepEqual(await uploads.outcome(ID), document);
    assert.deepEqual(
      fake.requests.map(({ method }) => method),
      ['HEAD', 'GET'],
    );
  });

  it('is the newest of other bundles as long as the present one has none', async () => {
    const image = fake.put('images', KEY, Buffer.from('abcd'));
    // Other contents, other options, and what is no result.
    await record('1'.repeat(64), { etag: `${image.etag}0` });
    await record('1'.repeat(64), image, { beamWidth: 1 });
    fake.put('results', `captions/images/${KEY}/${image.etag}.notes.json`, Buffer.from('{}'));
    assert.equal(await uploads.outcome(ID), null);
    // The newer one lists first.
    await record('e'.repeat(64), image);
    const newer = await record('2'.repeat(64), image);
    assert.deepEqual(await uploads.outcome(ID), newer);
    const own = await record(PLACES.modelHash, image);
    await record('3'.repeat(64), image);
    assert.deepEqual(await uploads.outcome(ID), own);
  });

  for (const bucket of ['images', 'results']) {
    it(`is not known while S3 does not answer for ${bucket}`, async () => {
      fake.put('images', KEY, Buffer.from('abc'));
      fake.onRequest((request) =>
        request.bucket === bucket ? { kind: 'error', status: 409, code: 'OperationAborted' } : undefined,
      );
      await rejectsWith(uploads.outcome(ID), 'UpstreamUnavailable');
    });
  }

  it('is not known where S3 refuses the image, which names no bucket, though its cause does', async () => {
    fake.onRequest(() => ({ kind: 'error', status: 403, code: 'AccessDenied' }));
    const error = await rejectsWith(uploads.outcome(ID), 'ObjectRefused');
    assert.equal(error.message, 'S3 does not give out the upload');
    assert.ok(error.cause instanceof CaptionError);
    assert.equal(error.cause.message, `S3 refuses to read s3://images/${KEY}: 403 Forbidden`);
  });

  it('is not known where a permission is missing', async () => {
    fake.put('images', KEY, Buffer.from('abc'));
    fake.onRequest(({ bucket }) =>
      bucket === 'results' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
    );
    await assert.rejects(uploads.outcome(ID), { name: 'AccessDenied' });
  });
});

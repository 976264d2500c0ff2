/** Result documents as they lie in S3, and what is said where one is not there, is no document or cannot be had. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { CaptionError } from '../../src/errors.ts';
import { findResult, type ResultDocument, readResult, writeJson, writeResult } from '../../src/s3/results.ts';
import { type FakeS3, type Fault, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { clientOf } from './fake-client.ts';

const LOCATION = { bucket: 'results', key: 'captions/photos/a.jpg/x.json' };
const FAILED: ResultDocument = {
  formatVersion: 1,
  source: { bucket: 'photos', key: 'a.jpg', etag: 'e' },
  model: { name: 'test', hash: 'f'.repeat(64) },
  writtenAt: '2026-03-02T10:00:00.000Z',
  status: 'failed',
  error: { code: 'UnsupportedImage', message: 'no image' },
};

let fake: FakeS3;
let s3: S3Client;
before(async () => {
  fake = await startFakeS3(['results']);
  s3 = clientOf(fake);
});
after(() => fake.close());
beforeEach(() => {
  fake.onRequest(() => undefined);
  fake.delete(LOCATION.bucket, LOCATION.key);
});

const stored = () => fake.get(LOCATION.bucket, LOCATION.key);

describe('a result document', () => {
  it('is JSON with its status beside it, written once, and never over another', async () => {
    assert.equal(await findResult(s3, LOCATION), null);
    assert.equal(await writeResult(s3, LOCATION, FAILED), true);
    const { bytes, contentType, metadata } = stored()!;
    assert.deepEqual([contentType, metadata], ['application/json', { status: 'failed' }]);
    assert.deepEqual(JSON.parse(bytes.toString()), FAILED);
    const other = { ...FAILED, status: 'captioned', result: {} } as unknown as ResultDocument;
    assert.equal(await writeResult(s3, LOCATION, other), false);
    assert.deepEqual(await readResult(s3, LOCATION), FAILED);
    assert.equal((await findResult(s3, LOCATION))?.status, 'failed');
    fake.delete(LOCATION.bucket, LOCATION.key);
    await writeResult(s3, LOCATION, other);
    assert.equal((await findResult(s3, LOCATION))?.status, 'captioned');
  });

  it('of which S3 tells no status is one of a captioned image, as those from before were', async () => {
    fake.put(LOCATION.bucket, LOCATION.key, Buffer.from('{}'));
    assert.equal((await findResult(s3, LOCATION))?.status, 'captioned');
  });

  for (const [what, text] of [
    ['no JSON', '<xml>'],
    ['nothing', ''],
    ['a later format', JSON.stringify({ ...FAILED, formatVersion: 2 })],
    ['a time that is none', JSON.stringify({ ...FAILED, writtenAt: 'yesterday' })],
    ['no status', JSON.stringify({ ...FAILED, status: undefined })],
    ['no source', JSON.stringify({ ...FAILED, source: undefined })],
    ['no model', JSON.stringify({ ...FAILED, model: undefined })],
    ['a bucket that is none', JSON.stringify({ ...FAILED, source: { bucket: 'A', key: 'a.jpg' } })],
  ] as const) {
    it(`is not read from ${what}`, async () => {
      fake.put(LOCATION.bucket, LOCATION.key, Buffer.from(text));
      await assert.rejects(readResult(s3, LOCATION));
    });
  }

  it('has whatever options were asked for', async () => {
    const document = { ...FAILED, options: { count: 1, bannedWords: ['a'] } };
    await writeResult(s3, LOCATION, document);
    assert.deepEqual(await readResult(s3, LOCATION), document);
  });
});

test('a list is written as JSON, and over what was there', async () => {
  for (const json of ['{"results":[1]}', '{"results":[2]}']) {
    await writeJson(s3, LOCATION, json);
    const { bytes, contentType } = stored()!;
    assert.deepEqual([bytes.toString(), contentType], [json, 'application/json']);
  }
});

const REQUESTS: Record<string, (deadline?: number) => Promise<unknown>> = {
  findResult: (deadline) => findResult(s3, LOCATION, deadline),
  writeResult: (deadline) => writeResult(s3, LOCATION, FAILED, deadline),
  readResult: () => readResult(s3, LOCATION),
  writeJson: () => writeJson(s3, LOCATION, '{}'),
};
for (const [name, request] of Object.entries(REQUESTS)) {
  describe(name, () => {
    it('says UpstreamUnavailable and the name of the document when others write there', async () => {
      fake.onRequest(() => ({ kind: 'error', status: 409, code: 'OperationAborted' }));
      const { message } = await rejectsWith(request(), 'UpstreamUnavailable');
      assert.match(message, /s3:\/\/results\/captions\/photos\/a\.jpg\/x\.json/);
    });

    it('leaves a missing permission what it is', async () => {
      fake.onRequest((): Fault => ({ kind: 'error', status: 403, code: 'AccessDenied' }));
      await assert.rejects(request(), (error) => !(error instanceof CaptionError));
    });

    if (name === 'findResult' || name === 'writeResult') {
      it('says DeadlineExceeded when its time is over', async () => {
        await rejectsWith(request(Date.now() - 1), 'DeadlineExceeded');
        assert.equal(stored(), undefined);
      });
    }
  });
}

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { readImage } from '../../src/s3/images.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';

const IMAGE = { bucket: 'photos', key: 'a.jpg' };

let fake: FakeS3;
let s3: S3Client;

before(async () => {
  fake = await startFakeS3(['photos']);
  fake.put(IMAGE.bucket, IMAGE.key, Buffer.alloc(1_000_000));
  s3 = clientOf(fake);
});
after(() => fake.close());

describe('the S3 client', () => {
  it('gives a body up that stops coming, without anybody setting a deadline', async () => {
    fake.onRequest(() => ({ kind: 'stall' }));
    const start = Date.now();
    await rejectsWith(readImage(s3, IMAGE, { maxBytes: 1_000_000 }), 'UpstreamUnavailable');
    assert.ok(Date.now() - start < 10_000);
  });
});

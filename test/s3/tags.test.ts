import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ErrorCode } from '../../src/errors.ts';
import { tagObject, tagValue } from '../../src/s3/tags.ts';
import { type FakeS3, type Fault, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { clientOf } from './fake-client.ts';

const BYTES = Buffer.from('x');
const OBJECT = { bucket: 'versions', key: 'a b.jpg' };

let fake: FakeS3;
let s3: S3Client;
before(async () => {
  fake = await startFakeS3(['versions'], ['versions']);
  s3 = clientOf(fake);
});
after(() => fake.close());
beforeEach(() => {
  fake.onRequest(() => undefined);
  fake.delete(OBJECT.bucket, OBJECT.key);
  fake.requests.length = 0;
});

const puts = () => fake.requests.filter(({ method }) => method === 'PUT').length;

describe('the caption as a tag', () => {
  it('stands beside the tags of others, takes the place of its own, and is not written twice', async () => {
    const object = fake.put(OBJECT.bucket, OBJECT.key, BYTES);
    object.tags = { title: 'a dog .', caption: 'a cat' };
    for (let i = 0; i < 2; i++) assert.equal(await tagObject(s3, OBJECT, 'a dog .'), 'tagged');
    assert.deepEqual(object.tags, { title: 'a dog .', caption: 'a dog .' });
    assert.equal(puts(), 1);
  });

  it('is on the version that was looked at', async () => {
    const old = fake.put(OBJECT.bucket, OBJECT.key, BYTES);
    const current = fake.put(OBJECT.bucket, OBJECT.key, BYTES);
    await tagObject(s3, { ...OBJECT, versionId: old.versionId }, 'a dog .');
    assert.deepEqual([old.tags, current.tags], [{ caption: 'a dog .' }, {}]);
  });

  it('takes no tag away where there are ten', async () => {
    const object = fake.put(OBJECT.bucket, OBJECT.key, BYTES);
    const ten = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, 'v']));
    object.tags = { ...ten };
    assert.equal(await tagObject(s3, OBJECT, 'a dog .'), 'no room');
    assert.deepEqual(object.tags, ten);
    const { t9: _, ...nine } = ten;
    object.tags = { ...nine, caption: 'old' };
    assert.equal(await tagObject(s3, OBJECT, 'a dog .'), 'tagged');
  });

  it('needs an object: one that is gone is no failure', async () => {
    assert.equal(await tagObject(s3, OBJECT, 'a dog .'), 'gone');
  });

  const failures: [Fault, ErrorCode][] = [
    [{ kind: 'error', status: 403, code: 'AccessDenied' }, 'ObjectRefused'],
    [{ kind: 'error', status: 503, code: 'SlowDown' }, 'UpstreamUnavailable'],
    [{ kind: 'error', status: 409, code: 'OperationAborted' }, 'UpstreamUnavailable'],
    [{ kind: 'hang up' }, 'UpstreamUnavailable'],
  ];
  for (const [fault, code] of failures) {
    it(`is ${code} where S3 answers ${JSON.stringify(fault)}`, async () => {
      fake.put(OBJECT.bucket, OBJECT.key, BYTES);
      fake.onRequest(({ method }) => (method === 'PUT' ? fault : undefined));
      const { message } = await rejectsWith(tagObject(s3, OBJECT, 'a dog .'), code);
      assert.match(message, /versions\/a b.jpg/);
    });
  }

  it('is written while there is time', async () => {
    fake.put(OBJECT.bucket, OBJECT.key, BYTES);
    await rejectsWith(tagObject(s3, OBJECT, 'a dog .', Date.now() - 1), 'DeadlineExceeded');
  });
});

test('a tag has letters of any script, digits, spaces and a few signs, and no more than 256', () => {
  const values: [string, string][] = [
    ['a dog runs on the grass .', 'a dog runs on the grass .'],
    ["a man 's hat, red & blue", 'a man s hat red blue'],
    ['ein Käse / 日本 + 1=2 @x_y:z-', 'ein Käse / 日本 + 1=2 @x_y:z-'],
    ['  "<b>" \n', 'b'],
    [`${'word '.repeat(60)}`, 'word '.repeat(51).trim()],
    ['x'.repeat(300), 'x'.repeat(256)],
    [`${'x'.repeat(255)}𝒳`, 'x'.repeat(255)],
  ];
  for (const [caption, value] of values) assert.equal(tagValue(caption), value, caption);
});

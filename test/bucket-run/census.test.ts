import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { countObjects, typeOf } from '../../src/bucket-run/census.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';

describe('the type of an object', () => {
  const cases = {
    'a.jpg': 'jpeg',
    'a.b/C.JPEG': 'jpeg',
    'a.png': 'png',
    'a.tif': 'tiff',
    'a.txt': 'other',
    'a.jpg/': 'other',
    jpg: 'other',
    'a.constructor': 'other',
    '': 'other',
  };
  for (const [key, type] of Object.entries(cases)) {
    it(`${key === '' ? 'nothing' : key} is ${type}`, () => assert.equal(typeOf(key), type));
  }
});

describe('counting', () => {
  let s3: FakeS3;
  let client: S3Client;
  before(async () => {
    s3 = await startFakeS3(['photos', 'folders'], [], 3);
    client = clientOf(s3);
    const sizes = {
      'a/1.jpg': 10,
      'a/2.JPG': 20,
      'a/3.png': 30,
      'a/ü & <b>.jpg': 40,
      'a/x.txt': 5,
      'b/1.jpg': 7,
    };
    for (const [key, bytes] of Object.entries(sizes)) s3.put('photos', key, Buffer.alloc(bytes));
  });
  after(async () => {
    client.destroy();
    await s3.close();
  });

  it('goes through all pages, and tells after each', async () => {
    const told: number[] = [];
    const census = await countObjects(client, { bucket: 'photos', prefix: '' }, ({ objects }) =>
      told.push(objects),
    );
    assert.deepEqual(census, {
      objects: 6,
      bytes: 112,
      types: {
        jpeg: { objects: 4, bytes: 77 },
        png: { objects: 1, bytes: 30 },
        other: { objects: 1, bytes: 5 },
      },
    });
    assert.deepEqual(told, [3, 6]);
  });

  it('passes over folders, but no other empty objects', async () => {
    for (const key of ['c/', 'c/d/', 'c/d/1.jpg', 'c/empty']) s3.put('folders', key, Buffer.alloc(0));
    s3.put('folders', 'c/full/', Buffer.alloc(1));
    assert.deepEqual(await countObjects(client, { bucket: 'folders', prefix: '' }), {
      objects: 3,
      bytes: 1,
      types: { jpeg: { objects: 1, bytes: 0 }, other: { objects: 2, bytes: 1 } },
    });
  });

  it('of nothing tells nothing', async () => {
    const told: unknown[] = [];
    const census = await countObjects(client, { bucket: 'photos', prefix: 'z' }, (tally) => told.push(tally));
    assert.deepEqual(census, { objects: 0, bytes: 0, types: {} });
    assert.deepEqual(told, [census]);
  });

  it('looks at no other prefix', async () => {
    const { objects } = await countObjects(client, { bucket: 'photos', prefix: 'b/' });
    assert.equal(objects, 1);
  });

  it('of a bucket that is not there is the request’s fault', async () => {
    const { message } = await rejectsWith(
      countObjects(client, { bucket: 'nowhere', prefix: 'a/' }),
      'InvalidRequest',
    );
    assert.match(message, /^listing s3:\/\/nowhere\/a\/: NoSuchBucket/);
  });
});

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { createImageReader } from '../../src/s3/access.ts';
import { describeImage, readImage, until } from '../../src/s3/images.ts';
import { type FakeS3, type Fault, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { clientOf } from './fake-client.ts';

const BYTES = Buffer.from('0123456789'.repeat(100_000));
const IMAGE = { bucket: 'photos', key: 'a b+c/日本.jpg' };
const LIMITS = { maxBytes: BYTES.length };

let fake: FakeS3;
let s3: S3Client;

before(async () => {
  fake = await startFakeS3(['photos', 'versions'], ['versions']);
  s3 = clientOf(fake);
});
after(() => fake.close());
beforeEach(() => {
  fake.onRequest(() => undefined);
  fake.requests.length = 0;
});

/** The same fault for the first requests of a method, or for all. */
function faults(method: string, fault: Fault, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  fake.onRequest((request) => (request.method === method && left-- > 0 ? fault : undefined));
}

describe('readImage', () => {
  it('reads exactly the bytes of any key', async () => {
    fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    assert.ok(BYTES.equals(await readImage(s3, IMAGE, LIMITS)));
    assert.deepEqual(fake.requests, [{ method: 'GET', ...IMAGE, versionId: null }]);
  });

  it('reads the version that is named', async () => {
    const first = fake.put('versions', 'a.jpg', Buffer.from('first'));
    fake.put('versions', 'a.jpg', Buffer.from('second'));
    const object = { bucket: 'versions', key: 'a.jpg', versionId: first.versionId };
    assert.equal(Buffer.from(await readImage(s3, object, LIMITS)).toString(), 'first');
  });

  it('refuses one byte more than the limit before the content comes', async () => {
    fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    // The rest of the body never arrives: whoever waited for it would wait forever.
    faults('GET', { kind: 'stall' });
    await rejectsWith(readImage(s3, IMAGE, { maxBytes: BYTES.length - 1 }), 'ImageTooLarge');
  });

  it('does not read what has changed since it was described', async () => {
    const { etag } = fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    fake.put(IMAGE.bucket, IMAGE.key, Buffer.from('other'));
    await rejectsWith(readImage(s3, { ...IMAGE, etag }, LIMITS), 'UpstreamUnavailable');
  });

  it('gives up at the deadline when the body stalls', async () => {
    fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    faults('GET', { kind: 'stall' });
    const start = Date.now();
    await rejectsWith(readImage(s3, IMAGE, { ...LIMITS, deadline: start + 300 }), 'DeadlineExceeded');
    assert.ok(Date.now() - start < 2_000);
  });

  it('does not take half a body for a whole one', async () => {
    fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    faults('GET', { kind: 'cut' });
    await rejectsWith(readImage(s3, IMAGE, LIMITS), 'UpstreamUnavailable');
  });
});

const READS = {
  describeImage: { method: 'HEAD', read: (object = IMAGE) => describeImage(s3, object) },
  readImage: { method: 'GET', read: (object = IMAGE) => readImage(s3, object, LIMITS) },
};

for (const [name, { method, read }] of Object.entries(READS)) {
  describe(`${name}, when S3 has nothing or fails`, () => {
    it('says ImageNotFound for a missing key, version or bucket', async () => {
      fake.put('versions', 'a.jpg', BYTES);
      for (const object of [
        { bucket: 'photos', key: 'nothing.jpg' },
        { bucket: 'nowhere', key: 'a.jpg' },
        { bucket: 'versions', key: 'a.jpg', versionId: 'other' },
      ]) {
        await rejectsWith(read(object), 'ImageNotFound');
      }
    });

    it('says ImageNotFound for a delete marker', async () => {
      faults(method, { kind: 'error', status: 405, code: 'MethodNotAllowed' });
      await rejectsWith(read(), 'ImageNotFound');
    });

    for (const [status, code] of [
      [503, 'SlowDown'],
      [500, 'InternalError'],
      [429, 'TooManyRequests'],
    ] as const) {
      it(`tries ${code} again, and says UpstreamUnavailable when it stays`, async () => {
        fake.put(IMAGE.bucket, IMAGE.key, BYTES);
        faults(method, { kind: 'error', status, code }, 1);
        await read();
        assert.equal(fake.requests.length, 2);
        faults(method, { kind: 'error', status, code });
        await rejectsWith(read(), 'UpstreamUnavailable');
        assert.equal(fake.requests.length, 2 + 3);
      });
    }

    it('says UpstreamUnavailable when connections break', async () => {
      faults(method, { kind: 'hang up' });
      await rejectsWith(read(), 'UpstreamUnavailable');
    });

    it('names a missing permission: no fault of the image, and nothing that passes', async () => {
      faults(method, { kind: 'error', status: 403, code: 'AccessDenied' });
      const { fault, message } = await rejectsWith(read(), 'ObjectRefused');
      assert.equal(fault, 'service');
      assert.match(message, /^S3 refuses to read s3:\/\/.*: 403 /);
      assert.equal(fake.requests.length, 1);
    });
  });
}

it('an archived object is not found', async () => {
  faults('GET', { kind: 'error', status: 403, code: 'InvalidObjectState' });
  await rejectsWith(readImage(s3, IMAGE, LIMITS), 'ImageNotFound');
});

describe('createImageReader', () => {
  it('reads from the buckets on its list and asks no other', async () => {
    fake.put(IMAGE.bucket, IMAGE.key, BYTES);
    const read = createImageReader(s3, { allowedBuckets: ['photos'], maxBytes: BYTES.length });
    assert.equal((await read(IMAGE)).length, BYTES.length);
    for (const bucket of ['versions', 'photos2', 'Photos', '']) {
      await rejectsWith(read({ bucket, key: IMAGE.key }), 'InvalidRequest');
    }
    assert.equal(fake.requests.length, 1);
  });
});

describe('what S3 says of an object', () => {
  it('is its size, its version, and its entity tag without quotes', async () => {
    const { etag, versionId } = fake.put('versions', 'b.jpg', BYTES);
    const object = { bucket: 'versions', key: 'b.jpg' };
    const described = { ...object, versionId, etag, bytes: BYTES.length };
    assert.deepEqual(await describeImage(s3, object), described);
    assert.deepEqual(await describeImage(s3, { ...object, versionId }), described);
  });

  for (const [told, etag] of [
    ['"abc"', 'abc'],
    ['W/"abc"', 'abc'],
    ['abc', 'abc'],
    ['"a"b"', 'a"b'],
    ['aW/"b', 'aW/"b'],
  ] as const) {
    it(`has the entity tag ${etag} where it is told as ${told}`, async () => {
      const head = { send: async () => ({ ETag: told }) } as unknown as S3Client;
      const object = { ...IMAGE, versionId: 'v1' };
      assert.deepEqual(await describeImage(head, object), { ...object, etag, bytes: 0 });
    });
  }
});

describe('a body', () => {
  const read = (chunks: string[], length: number | undefined, maxBytes = 100) => {
    const Body = Readable.from(chunks.map((text) => Buffer.from(text)));
    const client = { send: async () => ({ Body, ContentLength: length }) } as unknown as S3Client;
    return { Body, bytes: readImage(client, IMAGE, { maxBytes }) };
  };

  it('is put together from its pieces', async () => {
    assert.equal(Buffer.from(await read(['ab', '', 'c'], 3, 3).bytes).toString(), 'abc');
    assert.equal((await read([], 0, 0).bytes).length, 0);
  });

  for (const [what, chunks, length] of [
    ['more', ['ab', 'cd'], 3],
    ['fewer', ['ab'], 3],
    ['some', ['ab'], undefined],
  ] as const) {
    it(`of ${what} bytes than were announced is none`, async () => {
      const { message } = await rejectsWith(read([...chunks], length).bytes, 'UpstreamUnavailable');
      assert.ok(
        message.startsWith(`S3 announced ${length ?? 0} bytes of s3://photos/${IMAGE.key} and`),
        message,
      );
    });
  }

  it('above the limit is let go of', async () => {
    const { Body, bytes } = read(['abc'], 3, 2);
    const { message } = await rejectsWith(bytes, 'ImageTooLarge');
    assert.equal(message, `s3://photos/${IMAGE.key} has 3 bytes, more than 2`);
    assert.equal(Body.destroyed, true);
  });
});

it('a request without a deadline has no limit, one whose deadline has passed ends at once', async () => {
  assert.deepEqual(until(undefined), {});
  assert.equal(until(Date.now() + 60_000).abortSignal?.aborted, false);
  fake.put(IMAGE.bucket, IMAGE.key, BYTES);
  await rejectsWith(describeImage(s3, IMAGE, Date.now() - 1), 'DeadlineExceeded');
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { CaptionResult } from '../../src/caption/result.ts';
import { CaptionerHung, DeadlineExceeded, Overloaded } from '../../src/errors.ts';
import { DEFAULT_BUNDLE, type LoadedCaptioner, loadCaptioner } from '../../src/model/load.ts';
import { captionObject, type ObjectCaptioner } from '../../src/s3/caption-object.ts';
import { type ResultDocument, readResult, resultDocumentSchema } from '../../src/s3/results.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { withoutTimings } from '../support/captions.ts';
import { rejectsWith } from '../support/errors.ts';
import { COFFEE, readSamples } from '../support/samples.ts';
import { clientOf } from './fake-client.ts';

const PHOTO = readFileSync(COFFEE);
const OTHER = readSamples().find(({ name }) => name === 'chelsea.jpg')!.bytes;

let captioner: LoadedCaptioner;
let fake: FakeS3;
let parts: ObjectCaptioner;
let captioned: number;

before(async () => {
  captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
});
after(() => captioner.close());
beforeEach(async () => {
  fake = await startFakeS3(['photos', 'versions', 'results'], ['versions']);
  captioned = 0;
  parts = {
    s3: clientOf(fake),
    caption: (...args) => {
      captioned++;
      return captioner.caption(...args);
    },
    model: captioner.model,
    allowedBuckets: ['photos', 'versions', 'results'],
    results: { bucket: 'results', prefix: 'captions/' },
    maxObjectBytes: PHOTO.length,
  };
});
afterEach(() => fake.close());

function documents(): ResultDocument[] {
  return fake.keys('results').map((key) => JSON.parse(fake.get('results', key)!.bytes.toString()));
}

describe('captionObject', () => {
  it('writes what the captioner says of the photograph, as the schema has it', async () => {
    const { etag } = fake.put('photos', 'ein Bild.jpg', PHOTO);
    const before = Date.now();
    const outcome = await captionObject({ bucket: 'photos', key: 'ein Bild.jpg' }, parts);
    const hash = captioner.model.hash.slice(0, 16);
    assert.deepEqual(fake.keys('results'), [`captions/photos/ein Bild.jpg/${etag}.${hash}.json`]);
    const [document] = documents();
    assert.deepEqual(resultDocumentSchema.parse(document), document);
    assert.ok(document?.status === 'captioned');
    assert.deepEqual(document.source, { bucket: 'photos', key: 'ein Bild.jpg', etag });
    assert.deepEqual(document.model, captioner.model);
    const direct = await captioner.caption(PHOTO);
    assert.deepEqual(withoutTimings(document.result as CaptionResult), withoutTimings(direct));
    const written = Date.parse(document.writtenAt);
    assert.ok(written >= before && written <= Date.now());
    assert.ok(outcome.status === 'captioned');
    assert.deepEqual(await readResult(parts.s3, outcome.location), document);
  });

  it('does a second delivery no work, and reads no content for it', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    await captionObject({ bucket: 'photos', key: 'a.jpg' }, parts);
    fake.requests.length = 0;
    const again = await captionObject({ bucket: 'photos', key: 'a.jpg' }, parts);
    assert.deepEqual(again.document, undefined);
    assert.equal(again.status, 'captioned');
    assert.equal(captioned, 1);
    assert.deepEqual(
      fake.requests.map(({ method }) => method),
      ['HEAD', 'HEAD'],
    );
  });

  for (const Failure of [Overloaded, DeadlineExceeded, CaptionerHung]) {
    it(`writes nothing of ${Failure.name}, which is the machine’s, and captions the image another time`, async () => {
      fake.put('photos', 'a.jpg', PHOTO);
      const object = { bucket: 'photos', key: 'a.jpg' };
      const failing = { ...parts, caption: () => Promise.reject(new Failure('not now')) };
      await assert.rejects(captionObject(object, failing), Failure);
      assert.deepEqual(fake.keys('results'), []);
      assert.equal((await captionObject(object, parts)).status, 'captioned');
    });
  }

  it('writes one document when two deliveries come at once', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    const both = [1, 2].map(() => captionObject({ bucket: 'photos', key: 'a.jpg' }, parts));
    const outcomes = await Promise.all(both);
    assert.equal(outcomes.filter(({ document }) => document !== undefined).length, 1);
    assert.equal(fake.keys('results').length, 1);
  });

  it('gives each version its own result, in whatever order the events come', async () => {
    const first = fake.put('versions', 'a.jpg', PHOTO);
    const second = fake.put('versions', 'a.jpg', OTHER);
    for (const { versionId } of [second, first]) {
      await captionObject({ bucket: 'versions', key: 'a.jpg', versionId }, { ...parts, maxObjectBytes: 1e6 });
    }
    const byVersion = new Map(documents().map((d) => [d.source.versionId, d]));
    assert.deepEqual([...byVersion.keys()].sort(), [first.versionId, second.versionId]);
    for (const [{ versionId }, bytes] of [
      [first, PHOTO],
      [second, OTHER],
    ] as const) {
      const document = byVersion.get(versionId);
      assert.ok(document?.status === 'captioned');
      assert.equal(document.result.captions[0]?.text, (await captioner.caption(bytes)).captions[0]?.text);
    }
  });

  it('captions what is there now when an old event comes late to a bucket without versions', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    await captionObject({ bucket: 'photos', key: 'a.jpg', sequencer: '01' }, parts);
    const { etag } = fake.put('photos', 'a.jpg', PHOTO.subarray(0, -2));
    for (const sequencer of ['02', '01'])
      await captionObject({ bucket: 'photos', key: 'a.jpg', sequencer }, parts);
    assert.equal(captioned, 2);
    assert.equal(documents().length, 2);
    assert.ok(documents().some(({ source }) => source.etag === etag));
  });

  it('keeps results of other options and other bundles apart', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    const object = { bucket: 'photos', key: 'a.jpg' };
    await captionObject(object, parts);
    await captionObject({ ...object, plan: captioner.plan({ count: 1 }) }, parts);
    await captionObject(object, { ...parts, model: { name: 'other', hash: 'f'.repeat(64) } });
    assert.equal(documents().length, 3);
    assert.deepEqual(
      documents().map(({ options }) => options),
      [undefined, { count: 1 }, undefined],
    );
  });
});

describe('captionObject, of a folder', () => {
  it('writes nothing, and reads no content', async () => {
    fake.put('photos', '2026/', Buffer.alloc(0));
    fake.put('versions', '2026/', Buffer.alloc(0));
    const { versionId } = fake.put('versions', '2026/', Buffer.alloc(0));
    for (const folder of [
      { bucket: 'photos', key: '2026/' },
      { bucket: 'versions', key: '2026/', versionId },
    ])
      assert.deepEqual(await captionObject(folder, parts), { status: 'passed over' });
    assert.deepEqual(
      fake.requests.map(({ method }) => method),
      ['HEAD', 'HEAD'],
    );
  });

  it('is not what is only called like one, nor what is only empty', async () => {
    fake.put('photos', 'photo/', PHOTO);
    fake.put('photos', '2026/empty.jpg', Buffer.alloc(0));
    assert.equal((await captionObject({ bucket: 'photos', key: 'photo/' }, parts)).status, 'captioned');
    assert.equal((await captionObject({ bucket: 'photos', key: '2026/empty.jpg' }, parts)).status, 'failed');
  });

  it('is passed over also where a failure was recorded of the key', async () => {
    await captionObject({ bucket: 'photos', key: '2026/', sequencer: '01' }, parts);
    assert.equal(documents().length, 1);
    fake.put('photos', '2026/', Buffer.alloc(0));
    const folder = { bucket: 'photos', key: '2026/', sequencer: '02' };
    assert.deepEqual(await captionObject(folder, parts), { status: 'passed over' });
    assert.equal(documents().length, 1);
  });
});

describe('captionObject, when the image is at fault', () => {
  const failures: [what: string, bytes: Buffer, code: string][] = [
    ['a text', Buffer.from('no image'), 'UnsupportedImage'],
    ['nothing', Buffer.alloc(0), 'UnsupportedImage'],
    ['half a JPEG', PHOTO.subarray(0, PHOTO.length >> 1), 'UnsupportedImage'],
    [
      'an SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      'UnsupportedImage',
    ],
    ['one byte too many', Buffer.concat([PHOTO, Buffer.alloc(1)]), 'ImageTooLarge'],
  ];
  for (const [what, bytes, code] of failures) {
    it(`records ${code} for ${what}, once`, async () => {
      const { etag } = fake.put('photos', 'a.jpg', bytes);
      for (const isFirst of [true, false]) {
        const outcome = await captionObject({ bucket: 'photos', key: 'a.jpg' }, parts);
        assert.equal(outcome.status, 'failed');
        assert.equal(outcome.document !== undefined, isFirst);
      }
      const [document, ...others] = documents();
      assert.deepEqual(others, []);
      assert.ok(document?.status === 'failed');
      assert.equal(document.error.code, code);
      assert.equal(document.source.etag, etag);
      assert.deepEqual(resultDocumentSchema.parse(document), document);
    });
  }

  it('asks S3 for no content that is too large', async () => {
    fake.put('photos', 'a.jpg', Buffer.alloc(PHOTO.length + 1));
    await captionObject({ bucket: 'photos', key: 'a.jpg' }, parts);
    assert.ok(fake.requests.every(({ method }) => method !== 'GET'));
  });

  it('records an object that is gone for the event alone, so that it can come back', async () => {
    const event = { bucket: 'photos', key: 'a.jpg', sequencer: '01' };
    for (const isFirst of [true, false]) {
      const outcome = await captionObject(event, parts);
      assert.equal(outcome.document !== undefined, isFirst);
    }
    const [document] = documents();
    assert.ok(document?.status === 'failed');
    assert.equal(document.error.code, 'ImageNotFound');
    assert.equal(document.source.etag, undefined);
    fake.put('photos', 'a.jpg', PHOTO);
    assert.equal((await captionObject({ ...event, sequencer: '02' }, parts)).status, 'captioned');
  });

  it('records an object that goes between its description and its content as gone', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    fake.onRequest(({ method, bucket, key }) => {
      if (method === 'GET') fake.delete(bucket, key);
      return undefined;
    });
    await captionObject({ bucket: 'photos', key: 'a.jpg', sequencer: '01' }, parts);
    assert.deepEqual(
      documents().map((d) => d.status === 'failed' && d.error.code),
      ['ImageNotFound'],
    );
    fake.onRequest(() => undefined);
    fake.put('photos', 'a.jpg', PHOTO);
    assert.equal(
      (await captionObject({ bucket: 'photos', key: 'a.jpg', sequencer: '02' }, parts)).status,
      'captioned',
    );
  });
});

describe('captionObject, when it is not the image', () => {
  it('writes nothing when S3 fails, and goes on when it is back', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    for (const method of ['HEAD', 'GET', 'PUT']) {
      fake.onRequest((r) =>
        r.method === method ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined,
      );
      await rejectsWith(captionObject({ bucket: 'photos', key: 'a.jpg' }, parts), 'UpstreamUnavailable');
      assert.deepEqual(fake.keys('results'), []);
    }
    fake.onRequest(() => undefined);
    assert.equal((await captionObject({ bucket: 'photos', key: 'a.jpg' }, parts)).status, 'captioned');
  });

  it('asks S3 nothing once the deadline has passed', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    const call = { deadline: Date.now() - 1 };
    await rejectsWith(captionObject({ bucket: 'photos', key: 'a.jpg' }, parts, call), 'DeadlineExceeded');
    assert.deepEqual(fake.requests, []);
  });

  it('still writes down a caption that was there after the deadline', async (t) => {
    fake.put('photos', 'a.jpg', PHOTO);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const deadline = Date.now() + 5_000;
    const caption: ObjectCaptioner['caption'] = async (...args) => {
      const result = await captioner.caption(...args);
      t.mock.timers.setTime(deadline + 60_000);
      return result;
    };
    const outcome = await captionObject(
      { bucket: 'photos', key: 'a.jpg' },
      { ...parts, caption },
      { deadline },
    );
    assert.equal(outcome.status, 'captioned');
    assert.equal(fake.keys('results').length, 1);
  });

  it('does not take a missing results bucket for a missing image', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    const wrong = { ...parts, results: { bucket: 'nowhere', prefix: '' } };
    await assert.rejects(captionObject({ bucket: 'photos', key: 'a.jpg' }, wrong), { name: 'NoSuchBucket' });
  });

  it('reads no bucket that is not allowed and no result, and records nothing about them', async () => {
    for (const object of [
      { bucket: 'elsewhere', key: 'a.jpg' },
      { bucket: 'results', key: 'captions/photos/a.jpg/x.json' },
    ]) {
      await rejectsWith(captionObject(object, parts), 'InvalidRequest');
    }
    assert.deepEqual(fake.requests, []);
  });

  it('records nothing about options that no caption can fulfil', async () => {
    fake.put('photos', 'a.jpg', PHOTO);
    const plan = captioner.plan({ requiredWords: ['a red ball'], maxLength: 3 });
    const request = { bucket: 'photos', key: 'a.jpg', plan };
    await rejectsWith(captionObject(request, parts), 'InvalidRequest');
    assert.deepEqual(fake.keys('results'), []);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import type { CaptionPlan } from '../../src/caption/plan.ts';
import { InvalidRequest } from '../../src/errors.ts';
import { readWorkflowInput } from '../../src/lambda/workflow-input.ts';

/** What a plan was asked for; none without options, since that names another result. */
const plan = (asked: CaptionOptionsInput = {}) => ({ asked }) as CaptionPlan;
const read = (event: unknown) => readWorkflowInput(event, plan);
const options = { count: 1 };

test('one object is read as it is, with its version and a plan where options are given', () => {
  const object = { bucket: 'photos', key: 'a%20b+c.jpg' };
  assert.deepEqual(read(object), { kind: 'object', object: { ...object, plan: undefined } });
  assert.deepEqual(read({ ...object, versionId: 'v1', options }), {
    kind: 'object',
    object: { ...object, versionId: 'v1', plan: { asked: options } },
  });
  assert.deepEqual(read({ ...object, options: {} }), {
    kind: 'object',
    object: { ...object, plan: { asked: {} } },
  });
});

test('an image is read from base64, with a plan where options are given', () => {
  const bytes = Buffer.from('abc');
  for (const given of [undefined, options]) {
    const image = read({ image: bytes.toString('base64'), ...(given && { options: given }) });
    assert.ok(image.kind === 'image');
    assert.deepEqual(Buffer.from(image.bytes), bytes);
    assert.deepEqual(image.plan, given && { asked: given });
  }
});

describe('items of a batch are', () => {
  const one = { bucket: 'photos', key: 'a b.jpg', versionId: undefined, plan: undefined };
  const cases: [what: string, event: object, objects: object[]][] = [
    ['entries of a list', { Items: [{ Key: 'a b.jpg', Size: 1 }], BatchInput: { bucket: 'photos' } }, [one]],
    [
      'rows of an inventory',
      { Items: [{ Bucket: 'more', Key: 'a%20b.jpg', VersionId: 'v1' }], BatchInput: { keyEncoding: 'url' } },
      [{ ...one, bucket: 'more', versionId: 'v1' }],
    ],
    [
      'rows of a CSV in small letters, which go before others',
      {
        Items: [{ bucket: 'photos', key: 'a b.jpg', versionId: 'v1', Bucket: 'B', Key: 'K', VersionId: 'V' }],
      },
      [{ ...one, versionId: 'v1' }],
    ],
    [
      'without a version where its column is empty',
      { Items: [{ bucket: 'photos', key: 'a b.jpg', versionId: '', VersionId: 'V' }] },
      [one],
    ],
    [
      'in the bucket that they name, or else in that of the batch, all with its options',
      { Items: [{ Key: 'a%20b' }, { Key: 'c', Bucket: 'more' }], BatchInput: { bucket: 'photos', options } },
      [
        { ...one, key: 'a%20b', plan: { asked: options } },
        { ...one, bucket: 'more', key: 'c', plan: { asked: options } },
      ],
    ],
    [
      'none of the delete markers',
      {
        Items: ['true', 'TRUE', true, 'false', '', null].map((IsDeleteMarker, i) => ({
          Bucket: 'photos',
          Key: `${i}.jpg`,
          IsDeleteMarker,
        })),
      },
      [3, 4, 5].map((i) => ({ ...one, key: `${i}.jpg` })),
    ],
    [
      'none of the delete markers in small letters, which may have no key',
      { Items: [{ isDeleteMarker: 'true' }, { bucket: 'photos', key: 'a b.jpg', isDeleteMarker: 'false' }] },
      [one],
    ],
    [
      'with their keys as they are where that is said',
      { Items: [{ Key: 'a+b' }], BatchInput: { bucket: 'photos', keyEncoding: 'plain' } },
      [{ ...one, key: 'a+b' }],
    ],
  ];
  for (const [what, event, objects] of cases) {
    test(what, () => assert.deepEqual(read(event), { kind: 'batch', objects }));
  }

  test('read behind a byte order mark, and in the bucket of the batch where theirs is empty', () => {
    for (const [mark, key] of [
      ['\uFEFF', 'key'],
      ['\uFEFF', 'Key'],
      ['', 'key'],
    ]) {
      const event = {
        Items: [{ [`${mark}${key}`]: 'a b.jpg', bucket: '' }],
        BatchInput: { bucket: 'photos' },
      };
      assert.deepEqual(read(event), { kind: 'batch', objects: [one] });
    }
    const event = { Items: [{ '\uFEFFbucket': 'more', key: 'a b.jpg' }], BatchInput: { bucket: 'photos' } };
    assert.deepEqual(read(event), { kind: 'batch', objects: [{ ...one, bucket: 'more' }] });
    const empty = { Items: [{ bucket: '', key: '', Bucket: 'more', Key: 'a b.jpg' }] };
    assert.deepEqual(read(empty), { kind: 'batch', objects: [{ ...one, bucket: 'more' }] });
  });

  test('a thousand at most', () => {
    const BatchInput = { bucket: 'photos' };
    const batch = read({ Items: Array(1000).fill({ Key: 'a' }), BatchInput });
    assert.equal(batch.kind === 'batch' && batch.objects.length, 1000);
    assert.throws(() => read({ Items: Array(1001).fill({ Key: 'a' }), BatchInput }), {
      code: 'InvalidRequest',
    });
  });
});

describe('what is wrong with an event is named:', () => {
  const cases: [event: unknown, says: RegExp][] = [
    [null, /bucket/],
    ['text', /bucket/],
    [{ bucket: 'photos' }, /key/],
    [{ bucket: 'photos', key: 'a', options: 7 }, /options/],
    [{ bucket: 'photos', key: 'a', more: 1 }, /more/],
    [{ image: '' }, /image/],
    [{ image: '***' }, /base64/],
    [{ image: 'YWJj', more: 1 }, /more/],
    [{ image: 'YWJj', options: [] }, /options/],
    [{ Items: [] }, /Items/],
    [{ Items: 'a' }, /Items/],
    [{ Items: [{ Key: 'a' }], more: 1 }, /more/],
    [{ Items: [{ Key: 'a' }], BatchInput: { more: 1 } }, /more/],
    [{ Items: [{ Key: 'a' }], BatchInput: { bucket: '' } }, /bucket/],
    [{ Items: [{ Key: 'a' }], BatchInput: { bucket: 'photos', keyEncoding: 'html' } }, /keyEncoding/],
    [{ Items: [{ Key: 'a' }], BatchInput: { bucket: 'photos', options: 7 } }, /options/],
    [{ Items: [7] }, /Items\.0/],
    [{ Items: [{}] }, /^Items: none has a key; /],
    [
      { Items: [{ Bucket: 'b' }, { name: 'a' }], BatchInput: { bucket: 'photos' } },
      /^Items: none has a key; /,
    ],
    [{ Items: [{ IsDeleteMarker: 'true' }, { Bucket: 'b' }] }, /^Items: none has a key; /],
  ];
  for (const [event, says] of cases) {
    test(JSON.stringify(event), () => {
      assert.throws(
        () => read(event),
        (error: Error) => error instanceof InvalidRequest && says.test(error.message),
      );
    });
  }
});

test('a batch may say when its run began, in the form of Step Functions', () => {
  const of = (startedAt: unknown) =>
    read({ Items: [{ Key: 'a' }], BatchInput: { bucket: 'photos', startedAt } });
  const input = of('2026-03-02T10:00:00.123Z');
  assert.ok(input.kind === 'batch');
  assert.equal(input.startedAt, Date.UTC(2026, 2, 2, 10, 0, 0, 123));
  assert.partialDeepStrictEqual(of('2026-03-02T10:00:00Z'), { startedAt: Date.UTC(2026, 2, 2, 10) });
  for (const wrong of ['yesterday', 1_772_445_600, '']) assert.throws(() => of(wrong), InvalidRequest);
});

describe('an item that cannot be read fails alone:', () => {
  const BatchInput = { bucket: 'photos', keyEncoding: 'url' };
  const cases: [item: object, bucket: string, key: string, says: RegExp, batch?: object][] = [
    [{ key: '', bucket: 'photos' }, 'photos', '', /^Items\.1: names no key$/],
    [{ Key: '', Bucket: '' }, 'photos', '', /^Items\.1: names no key$/],
    [{ bucket: 'more' }, 'more', '', /^Items\.1: names no key$/],
    [{}, 'photos', '', /^Items\.1: names no key$/],
    [{ Key: '%ff' }, 'photos', '%ff', /^Items\.1: the key is not URL-encoded UTF-8$/],
    [{ Key: '100%.jpg', Bucket: 'more' }, 'more', '100%.jpg', /^Items\.1: the key is not URL-encoded/],
    [{ Key: 7 }, 'photos', '', /^Items\.1: Key: .*string/],
    [{ key: 'a', bucket: null }, 'photos', '', /^Items\.1: bucket: .*string/],
    [{ key: 'a' }, '', 'a', /^Items\.1: names no bucket$/, {}],
  ];
  for (const [item, bucket, key, says, batch = BatchInput] of cases) {
    test(JSON.stringify(item), () => {
      const input = read({ Items: [{ Bucket: 'photos', Key: 'b' }, item], BatchInput: batch });
      assert.ok(input.kind === 'batch');
      const [whole, broken] = input.objects;
      assert.deepEqual(whole, { bucket: 'photos', key: 'b', versionId: undefined, plan: undefined });
      assert.ok(broken && 'error' in broken && broken.error instanceof InvalidRequest);
      assert.deepEqual([broken.bucket, broken.key], [bucket, key]);
      assert.match(broken.error.message, says);
    });
  }
});

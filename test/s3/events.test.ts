import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEvent } from '../../src/s3/events.ts';
import { detail, notification, record, throughTopic } from './event-factory.ts';

/** Keys as they are, and as a notification spells them: the encoding of HTML forms. */
const KEYS = [
  ['holiday/beach.jpg', 'holiday/beach.jpg'],
  ['a photo.jpg', 'a+photo.jpg'],
  ['1+1=2.jpg', '1%2B1%3D2.jpg'],
  ['100%.jpg', '100%25.jpg'],
  ['Käse/日本/😀.png', 'K%C3%A4se/%E6%97%A5%E6%9C%AC/%F0%9F%98%80.png'],
  ['a%2Bb.jpg', 'a%252Bb.jpg'],
  ['q?x=1&y#z.jpg', 'q%3Fx%3D1%26y%23z.jpg'],
] as const;

for (const [key, encoded] of KEYS) {
  test(`a notification's key ${encoded} means ${key}`, () => {
    const { readable } = readEvent(notification([record('photos', encoded)]));
    assert.deepEqual(readable[0]?.key, key);
  });

  test(`EventBridge's key ${key} means itself`, () => {
    assert.deepEqual(readEvent(detail('photos', key)).readable[0]?.key, key);
  });
}

test('every record of a message counts, with its version and sequencer', () => {
  const body = notification([
    record('photos', 'a.jpg', { versionId: 'v1', sequencer: '0A' }),
    record('other', 'b.jpg', { sequencer: '0B' }),
  ]);
  assert.deepEqual(readEvent(body), {
    readable: [
      { bucket: 'photos', key: 'a.jpg', versionId: 'v1', sequencer: '0A' },
      { bucket: 'other', key: 'b.jpg', versionId: undefined, sequencer: '0B' },
    ],
    ignored: 0,
  });
});

test('an event of EventBridge carries version and sequencer as well', () => {
  assert.deepEqual(readEvent(detail('photos', 'a.jpg', { 'version-id': 'v1', sequencer: '0A' })).readable, [
    { bucket: 'photos', key: 'a.jpg', versionId: 'v1', sequencer: '0A' },
  ]);
});

test('some senders put the service before the name of an event', () => {
  const names = ['s3:ObjectCreated:Put', 'xs3:ObjectCreated:Put', 'xObjectCreated:Put', 'ObjectCreated'];
  const records = names.map((name) => record('photos', `${name}.jpg`, {}, name));
  const { readable, ignored } = readEvent(notification(records));
  assert.deepEqual([readable.map(({ key }) => key), ignored], [['s3:ObjectCreated:Put.jpg'], 3]);
});

for (const name of [
  'ObjectCreated:Put',
  'ObjectCreated:Post',
  'ObjectCreated:Copy',
  'ObjectCreated:CompleteMultipartUpload',
  'ObjectRestore:Completed',
  's3:ObjectRestore:Completed',
]) {
  test(`${name} makes an object readable`, () => {
    const body = notification([record('photos', 'a+b.jpg', { versionId: 'v1' }, name)]);
    assert.deepEqual(readEvent(body), {
      readable: [{ bucket: 'photos', key: 'a b.jpg', versionId: 'v1', sequencer: undefined }],
      ignored: 0,
    });
  });
}

for (const name of [
  'ObjectRemoved:Delete',
  'ObjectRemoved:DeleteMarkerCreated',
  'ObjectRestore:Post',
  'ObjectRestore:Delete',
  'ObjectRestore:CompletedX',
  'xObjectRestore:Completed',
  'ObjectTagging:Put',
]) {
  test(`${name} is ignored and counted`, () => {
    const body = notification([record('photos', 'a.jpg', {}, name), record('photos', 'b.jpg')]);
    const { readable, ignored } = readEvent(body);
    assert.deepEqual(
      readable.map(({ key }) => key),
      ['b.jpg'],
    );
    assert.equal(ignored, 1);
  });
}

/** An event of EventBridge of another kind. */
const eventOf = (type: string) =>
  JSON.stringify({ ...JSON.parse(detail('photos', 'a b.jpg', { 'version-id': 'v1' })), 'detail-type': type });

for (const type of [
  'Object Deleted',
  'Object Restore Initiated',
  'Object Restore Expired',
  'Object Tags Added',
]) {
  test(`${type} of EventBridge is ignored and counted`, () => {
    assert.deepEqual(readEvent(eventOf(type)), { readable: [], ignored: 1 });
  });
}

test('Object Restore Completed of EventBridge makes an object readable', () => {
  assert.deepEqual(readEvent(eventOf('Object Restore Completed')), {
    readable: [{ bucket: 'photos', key: 'a b.jpg', versionId: 'v1', sequencer: undefined }],
    ignored: 0,
  });
});

test("a bucket's test event is ignored", () => {
  const body = {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: '2026-01-01T00:00:00.000Z',
    Bucket: 'photos',
  };
  assert.deepEqual(readEvent(JSON.stringify(body)), { readable: [], ignored: 1 });
});

test('later minor versions of the event, with fields that nobody knows yet, are read', () => {
  const later = {
    ...record('photos', 'a.jpg'),
    eventVersion: '2.9',
    requestParameters: { sourceIPAddress: '2001:db8::1' },
  };
  assert.equal(readEvent(JSON.stringify({ Records: [later], extra: 1 })).readable.length, 1);
});

const TEST_EVENT = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'photos' });

for (const [what, body] of [
  ['a notification', notification([record('photos', 'a+%C3%BC.jpg', { sequencer: '0A' })])],
  ['an event of EventBridge', detail('photos', 'a ü.jpg')],
  ['a test event', TEST_EVENT],
] as const) {
  test(`${what} says the same through a topic of SNS`, () => {
    assert.deepEqual(readEvent(throughTopic(body)), readEvent(body));
  });
}

const BAD_BODIES: [string, string][] = [
  ['nothing', ''],
  ['no JSON', '{"Records":'],
  ['null', 'null'],
  ['a number', '7'],
  ['a list', '[]'],
  ['an empty object', '{}'],
  ['Records that are no list', '{"Records":{}}'],
  ['a record of nothing', '{"Records":[null]}'],
  ['a record of another service', notification([{ ...record('photos', 'a.jpg'), eventSource: 'aws:ses' }])],
  [
    'a record without a bucket',
    notification([{ ...record('photos', 'a.jpg'), s3: { object: { key: 'a' } } }]),
  ],
  ['a bucket without a name', notification([record('', 'a.jpg')])],
  ['an event without a name', notification([record('photos', 'a.jpg', {}, '')])],
  ['an empty version', notification([record('photos', 'a.jpg', { versionId: '' })])],
  ['an empty sequencer', notification([record('photos', 'a.jpg', { sequencer: '' })])],
  ['an empty key from EventBridge', detail('photos', '')],
  ['a bucket without a name from EventBridge', detail('', 'a.jpg')],
  ['an empty version from EventBridge', detail('photos', 'a.jpg', { 'version-id': '' })],
  ['an empty sequencer from EventBridge', detail('photos', 'a.jpg', { sequencer: '' })],
  ['an empty key', notification([record('photos', '')])],
  ['a key that is not UTF-8', notification([record('photos', '%ff.jpg')])],
  ['a key with half an escape', notification([record('photos', '50%.jpg')])],
  ['an event of another source', detail('photos', 'a.jpg').replace('aws.s3', 'aws.ec2')],
  ['another test event', '{"Event":"sns:TestEvent"}'],
  ['a text through a topic', throughTopic('hello')],
  ['something else through a topic', throughTopic('{"hello":"world"}')],
  ['nothing through a topic', throughTopic('')],
  ['a topic within a topic', throughTopic(throughTopic(notification([record('photos', 'a.jpg')])))],
  [
    'a topic that asks to be confirmed',
    throughTopic('You have chosen to subscribe', 'SubscriptionConfirmation'),
  ],
  ['an event that ends a subscription', throughTopic(TEST_EVENT, 'UnsubscribeConfirmation')],
  ['an event in an envelope of another kind', JSON.stringify({ Message: TEST_EVENT })],
  ['an object in an envelope', JSON.stringify({ ...JSON.parse(throughTopic('')), Message: {} })],
];
for (const [what, body] of BAD_BODIES) {
  test(`${what} is an InvalidRequest`, () => {
    assert.throws(() => readEvent(body), { code: 'InvalidRequest' });
  });
}

test('what could not be read is the cause of what is said', () => {
  for (const [body, cause] of [
    ['{', SyntaxError],
    [notification([record('photos', '%ff')]), URIError],
  ] as const) {
    assert.throws(
      () => readEvent(body),
      (error: Error) => error.cause instanceof cause,
    );
  }
});

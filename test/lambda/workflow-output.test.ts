import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { InvalidRequest, ObjectRefused, Overloaded } from '../../src/errors.ts';
import type { WorkflowObject } from '../../src/lambda/workflow-input.ts';
import { batchOutcome, failedItem, type ItemOutcome, itemOf } from '../../src/lambda/workflow-output.ts';
import type { ObjectOutcome } from '../../src/s3/caption-object.ts';
import { listKey } from '../../src/s3/result-key.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';

const PLACE = { bucket: 'results', prefix: 'captions/' };
/** Bytes of JSON that Step Functions is given at most. */
const LIMIT = 240 << 10;

let fake: FakeS3;
let s3: S3Client;
before(async () => {
  fake = await startFakeS3(['results']);
  s3 = clientOf(fake);
});
after(() => fake.close());

/** One item whose list has so many bytes. */
function listOf(bytes: number): ItemOutcome[] {
  const item: ItemOutcome = { bucket: 'photos', key: '', status: 'captioned' };
  const empty = JSON.stringify({ results: [item] }).length;
  return [{ ...item, key: 'k'.repeat(bytes - empty) }];
}

test('outcomes are counted, those that were there before apart', async () => {
  const item = { bucket: 'photos', key: 'a' };
  const results: ItemOutcome[] = [
    { ...item, status: 'captioned' },
    { ...item, status: 'failed' },
    { ...item, status: 'failed' },
    { ...item, status: 'captioned', skipped: true },
    { ...item, status: 'failed', skipped: true },
    { ...item, status: 'captioned', skipped: true },
  ];
  assert.deepEqual(await batchOutcome(results, s3, PLACE), { captioned: 1, failed: 2, skipped: 3, results });
});

test('a list is passed on as long as it may, and lies in S3 from then on', async () => {
  const most = listOf(LIMIT);
  assert.deepEqual((await batchOutcome(most, s3, PLACE)).results, most);
  assert.deepEqual(fake.keys('results'), []);
  const more = listOf(LIMIT + 1);
  const { results, resultsAt } = await batchOutcome(more, s3, PLACE);
  assert.equal(results, undefined);
  assert.deepEqual(
    [resultsAt?.bucket, resultsAt?.key],
    [PLACE.bucket, listKey(PLACE.prefix, JSON.stringify({ results: more }))],
  );
  // Whoever is told of the list finds it.
  const stored = fake.get('results', resultsAt!.key)!.bytes.toString();
  assert.deepEqual(JSON.parse(stored), { results: more });
});

test('a list that cannot be written fails the batch, which is then tried again', async () => {
  fake.onRequest(() => ({ kind: 'error', status: 503, code: 'SlowDown' }));
  await rejectsWith(batchOutcome(listOf(LIMIT + 2), s3, PLACE), 'UpstreamUnavailable');
  fake.onRequest(() => undefined);
});

describe('an item of a batch', () => {
  const object = { bucket: 'photos', key: 'a.jpg', versionId: 'v1' };
  const location = { bucket: 'results', key: 'x.json' };
  const captioned = (captions: { text: string; probability: number }[]) =>
    ({
      status: 'captioned',
      location,
      document: { status: 'captioned', result: { captions } },
    }) as ObjectOutcome;

  test('has the best caption and its probability', () => {
    const captions = [
      { text: 'a dog', probability: 0.5 },
      { text: 'a cat', probability: 0.1 },
    ];
    const item = { ...object, status: 'captioned', result: location };
    const plan = {} as WorkflowObject['plan'];
    assert.deepEqual(itemOf({ ...object, plan }, captioned(captions)), {
      ...item,
      caption: 'a dog',
      probability: 0.5,
    });
    assert.deepEqual(itemOf(object, captioned([])), item);
  });

  test('has what failed, as it was recorded', () => {
    const error = { code: 'UnsupportedImage', message: 'no image' };
    const outcome = { status: 'failed', location, document: { status: 'failed', error } } as ObjectOutcome;
    assert.deepEqual(itemOf(object, outcome), { ...object, status: 'failed', result: location, ...error });
  });

  test('that was there before says so, and no more', () => {
    for (const status of ['captioned', 'failed'] as const) {
      assert.deepEqual(itemOf(object, { status, location }), {
        ...object,
        status,
        result: location,
        skipped: true,
      });
    }
  });

  test('that S3 refuses has failed, without a result that would keep a later run from it', () => {
    assert.deepEqual(failedItem(object, new ObjectRefused('403 for it')), {
      ...object,
      status: 'failed',
      code: 'ObjectRefused',
      message: '403 for it',
    });
  });

  test('whose own fault it is has failed, any other failure is that of the batch', () => {
    assert.deepEqual(failedItem(object, new InvalidRequest('wrong')), {
      ...object,
      status: 'failed',
      code: 'InvalidRequest',
      message: 'wrong',
    });
    for (const error of [new Overloaded('no place'), new TypeError('a bug')]) {
      assert.throws(
        () => failedItem(object, error),
        (thrown) => thrown === error,
      );
    }
  });
});

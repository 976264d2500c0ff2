/** Who is told and what is tagged, of outcomes that are new and of those that were there before. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectOutcome } from '../../src/s3/caption-object.ts';
import { followUp } from '../../src/s3/follow-up.ts';
import { type ResultDocument, writeResult } from '../../src/s3/results.ts';
import { CAPTIONED, LOCATION, REFUSED } from '../events/results.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { clientOf } from './fake-client.ts';

let fake: FakeS3;
let s3: S3Client;
let told: unknown[];
before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  s3 = clientOf(fake);
});
after(() => fake.close());
beforeEach(() => {
  for (const bucket of ['photos', 'results']) for (const key of fake.keys(bucket)) fake.delete(bucket, key);
  fake.put('photos', 'a.jpg', Buffer.from('x'));
  fake.requests.length = 0;
  told = [];
});

const NOW = Date.now();
const withoutVersion = (document: ResultDocument): ResultDocument => ({
  ...document,
  source: { bucket: 'photos', key: 'a.jpg' },
});

async function outcomeOf(document: ResultDocument, when: 'new' | number): Promise<ObjectOutcome> {
  const written = withoutVersion(document);
  await writeResult(s3, LOCATION, written);
  fake.requests.length = 0;
  const { status } = document;
  if (when === 'new') return { status, location: LOCATION, document: written };
  return { status, location: LOCATION, writtenAt: when };
}

const announce = async ({ status }: ResultDocument, location: object) => void told.push([status, location]);
const caption = () => fake.get('photos', 'a.jpg')?.tags.caption;
const reads = () => fake.requests.filter(({ bucket }) => bucket === 'results').length;

test('what is new is told and tagged, without a look at its document', async () => {
  const followUps = { announce, tagObjects: ['photos'] };
  const outcome = await outcomeOf(CAPTIONED, 'new');
  assert.equal(await followUp(outcome, { s3, followUps, since: NOW + 10_000 }), 'tagged');
  assert.deepEqual(told, [['captioned', LOCATION]]);
  assert.equal(caption(), 'a dog runs .');
  assert.equal(reads(), 0);
});

test('what was there before is told if it is not older than asked for, in whole seconds', async () => {
  const since = 1_000_500;
  for (const [writtenAt, times] of [
    [999_000, 0],
    [1_000_000, 1],
    [1_001_000, 2],
  ] as const) {
    const outcome = await outcomeOf(CAPTIONED, writtenAt);
    await followUp(outcome, { s3, followUps: { announce }, since });
    assert.equal(told.length, times, String(writtenAt));
    assert.equal(reads(), writtenAt < 1_000_000 ? 0 : 1);
  }
  await followUp(await outcomeOf(CAPTIONED, 0), { s3, followUps: { announce } });
  assert.equal(told.length, 3);
});

test('a tag is made up for whenever its object is looked at', async () => {
  const outcome = await outcomeOf(CAPTIONED, 0);
  await followUp(outcome, {
    s3,
    followUps: { tagObjects: ['photos'], announce },
    since: Number.POSITIVE_INFINITY,
  });
  assert.equal(caption(), 'a dog runs .');
  assert.deepEqual(told, []);
});

test('a refusal is told and gives no tag; a folder neither', async () => {
  const followUps = { announce, tagObjects: ['photos'] };
  assert.equal(await followUp(await outcomeOf(REFUSED, 'new'), { s3, followUps }), null);
  assert.equal(await followUp({ status: 'passed over' }, { s3, followUps }), null);
  assert.deepEqual(told, [['failed', LOCATION]]);
  assert.equal(caption(), undefined);
});

test('nothing is written on objects of other buckets', async () => {
  const followUps = { tagObjects: ['others'] };
  assert.equal(await followUp(await outcomeOf(CAPTIONED, 'new'), { s3, followUps }), null);
  assert.deepEqual(fake.requests, []);
});

test('nothing is asked of S3 where nothing is wanted', async () => {
  assert.equal(await followUp(await outcomeOf(CAPTIONED, 0), { s3, followUps: {} }), null);
  assert.equal(
    await followUp(await outcomeOf(REFUSED, 0), { s3, followUps: { tagObjects: ['photos'] } }),
    null,
  );
  assert.deepEqual(fake.requests, []);
});

test('a tag that fails keeps the event back, so that both come with the next try', async () => {
  const outcome = await outcomeOf(CAPTIONED, 'new');
  fake.onRequest(({ tagging }) =>
    tagging ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined,
  );
  await assert.rejects(followUp(outcome, { s3, followUps: { announce, tagObjects: ['photos'] } }), {
    code: 'ObjectRefused',
  });
  assert.deepEqual(told, []);
});

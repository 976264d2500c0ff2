/** What events say, held against docs/events.md, whose example rules are tried on them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MAX_KEY_BYTES } from '../../src/aws/object-reference.ts';
import { PRICE_TABLE } from '../../src/bucket-run/prices.ts';
import { MAX_BEAM_WIDTH, MAX_CAPTION_LENGTH } from '../../src/caption/options.ts';
import { DETAILS, type EventType, imageEvent, type ResultEvent, runEvent } from '../../src/events/details.ts';
import { blocksOf, readDocument } from '../docs/documents.ts';
import { matchesPattern } from '../support/aws/event-pattern.ts';
import { CAPTIONED, LOCATION, REFUSED, RUN } from './results.ts';

const captioned = imageEvent(CAPTIONED, LOCATION, 'ShowAndTell-prod');
const refused = imageEvent(REFUSED, LOCATION, 'ShowAndTell-prod');
const finished = runEvent(RUN, 'ShowAndTell-prod');
const document = readDocument('docs/events.md');

test('an image that was captioned is told with captions, best first, and without words, times and options', () => {
  assert.deepEqual(captioned, {
    type: 'Image Captioned',
    time: new Date('2026-03-02T10:00:00Z'),
    detail: {
      version: '1',
      deployment: 'ShowAndTell-prod',
      source: { bucket: 'photos', key: 'a.jpg', versionId: 'v1', etag: 'e' },
      result: LOCATION,
      model: { name: 'everyday', hash: 'f'.repeat(64) },
      writtenAt: '2026-03-02T10:00:00.000Z',
      captions: [
        { text: 'a dog runs .', probability: 0.5 },
        { text: 'a dog .', probability: 0.25 },
      ],
      confidence: 0.75,
      needsReview: false,
    },
  });
});

test('an image that was refused is told with what is wrong with it, a run with its summary', () => {
  assert.equal(refused.type, 'Image Refused');
  assert.deepEqual((refused.detail as { error: unknown }).error, {
    code: 'UnsupportedImage',
    message: 'no image',
  });
  assert.equal(finished.type, 'Bucket Run Finished');
  assert.deepEqual(finished.detail, { version: '1', deployment: 'ShowAndTell-prod', ...RUN });
});

test('every event is as its schema says', () => {
  for (const { type, detail } of [captioned, refused, finished])
    assert.deepEqual(DETAILS[type].strict().parse(detail), JSON.parse(JSON.stringify(detail)), type);
});

test('the largest event that can be counts as one', () => {
  const key = '\u0001'.repeat(MAX_KEY_BYTES);
  const text = Array(MAX_CAPTION_LENGTH).fill('Donaudampfschifffahrtsgesellschaft').join(' ');
  const captions = Array(MAX_BEAM_WIDTH).fill({ text, probability: 0.123_456_789_012_345_6 });
  const largest = { ...CAPTIONED, source: { ...CAPTIONED.source, key } };
  if (largest.status === 'captioned') largest.result = { ...largest.result, captions };
  const { detail } = imageEvent(largest, { bucket: 'b'.repeat(63), key }, 'd'.repeat(128));
  assert.ok(Buffer.byteLength(JSON.stringify(detail)) < 64_000);
});

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `images.captioned`, `captions[].text`: every field that is no object or list of objects itself. */
function leavesOf(schema: JsonSchema, all: JsonSchema, name = ''): string[] {
  const { properties, items, $ref } = schema;
  const id = $ref?.split('/').at(-1);
  if (id !== undefined) return leavesOf(all.$defs![id] as JsonSchema, all, name);
  if (properties) {
    return Object.entries(properties).flatMap(([key, inner]) =>
      leavesOf(inner as JsonSchema, all, name ? `${name}.${key}` : key),
    );
  }
  return items ? leavesOf(items as JsonSchema, all, `${name}[]`) : [name];
}

for (const type of Object.keys(DETAILS) as EventType[]) {
  test(`docs/events.md tells of every field of ${type}`, () => {
    const schema = z.toJSONSchema(DETAILS[type]) as JsonSchema;
    const start = document.text.indexOf(`### ${type}`);
    assert.ok(start > 0);
    const section = document.text.slice(start, document.text.indexOf('\n#', start + 4));
    const common = document.text.slice(
      document.text.indexOf('### Of every event'),
      document.text.indexOf('### Image Captioned'),
    );
    const told = [...`${section}${type === 'Bucket Run Finished' ? '' : common}`.matchAll(/^\| `([^`]+)`/gm)];
    const ofAll = type === 'Bucket Run Finished' ? ['version', 'deployment'] : [];
    assert.deepEqual([...told.map(([, field]) => field!), ...ofAll].sort(), leavesOf(schema, schema).sort());
  });
}

/** As it comes from the bus. */
function delivered({ type, time, detail }: ResultEvent, more: object = {}): object {
  return {
    version: '0',
    id: '1',
    'detail-type': type,
    source: 'show-and-tell',
    account: '111122223333',
    time: time.toISOString(),
    region: 'eu-west-1',
    resources: [],
    detail: { ...detail, ...more },
  };
}

test('a million events cost what the document says', () => {
  const { event } = PRICE_TABLE.prices;
  assert.equal(event * 1e6, 1);
  assert.match(document.text, /a dollar for a million events/);
});

test('the rules that the document shows take what it says they take', () => {
  const [good, doubtful, failed, run] = blocksOf(document, 'json').map((block) => JSON.parse(block));
  const other = delivered(captioned, { deployment: 'ShowAndTell-dev' });
  assert.deepEqual(
    [delivered(captioned), delivered(refused), delivered(finished), other].map((event) =>
      matchesPattern(good, event),
    ),
    [true, false, false, false],
  );
  assert.ok(matchesPattern(doubtful, delivered(captioned, { needsReview: true })));
  assert.ok(!matchesPattern(doubtful, delivered(captioned)));
  assert.deepEqual(
    [delivered(captioned), delivered(refused)].map((event) => matchesPattern(failed, event)),
    [false, true],
  );
  assert.ok(
    matchesPattern(
      run,
      delivered(finished, { images: { captioned: 0, failed: 0, skipped: 0, unfinished: 1 } }),
    ),
  );
  assert.ok(!matchesPattern(run, delivered(finished)));
});

/** What is logged and counted of one object. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { CaptionResult } from '../../src/caption/result.ts';
import { UnsupportedImage } from '../../src/errors.ts';
import { captionAndReport, type ObjectRuntime } from '../../src/lambda/objects.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';
import { noting } from './noting.ts';

const TIMINGS = { decode: 1, preprocess: 2, encode: 3, search: 4, total: 5 };
const RESULT = { captions: [{ text: 'a dog' }], timings: TIMINGS } as unknown as CaptionResult;
const MODEL = { name: 'test', hash: 'f'.repeat(64) };

let fake: FakeS3;
let logged: unknown[][];
let counted: unknown[][];
let asked: unknown[][];
let runtime: ObjectRuntime;

before(async () => {
  fake = await startFakeS3(['versions', 'results'], ['versions']);
});
after(() => fake.close());
beforeEach(() => {
  [logged, counted, asked] = [[], [], []];
  const caption = async (bytes: Uint8Array, ...rest: unknown[]) => {
    asked.push([Buffer.from(bytes).toString(), ...rest]);
    if (bytes.length === 1) throw new UnsupportedImage('no image');
    return RESULT;
  };
  runtime = {
    s3: clientOf(fake),
    settings: {
      allowedBuckets: ['versions'],
      maxObjectBytes: 3,
      results: { bucket: 'results', prefix: 'captions/' },
    },
    captioner: Promise.resolve({ caption, model: MODEL }),
    logger: noting(logged),
    metrics: noting(counted),
  } as unknown as ObjectRuntime;
});

/** Of a new object with this content. */
function requestFor(content: string) {
  const { versionId } = fake.put('versions', 'a.jpg', Buffer.from(content));
  const source = { bucket: 'versions', key: 'a.jpg', versionId };
  const result = { bucket: 'results', key: `captions/versions/a.jpg/${versionId}.ffffffffffffffff.json` };
  return { source, facts: { source, result } };
}

const FAILURE = (code: string) => [
  ['singleMetric'],
  ['addDimension', 'code', code],
  ['addMetric', 'Failures', 'Count', 1],
];

describe('an object', () => {
  it('that is captioned is logged with its times, and the next time as done before', async () => {
    const { source, facts } = requestFor('abc');
    const deadline = Date.now() + 60_000;
    const outcome = await captionAndReport(source, runtime, deadline);
    assert.deepEqual([outcome.status, outcome.location], ['captioned', facts.result]);
    assert.deepEqual(asked, [['abc', undefined, { deadline }]]);
    assert.deepEqual(logged, [['info', 'captioned', { ...facts, timings: TIMINGS }]]);
    assert.deepEqual(counted[0], ['addMetric', 'Captions', 'Count', 1]);
    assert.equal(counted.length, 6);

    [logged.length, counted.length] = [0, 0];
    const again = await captionAndReport({ ...source, sequencer: '01' }, runtime, deadline);
    assert.deepEqual([again.status, again.location, again.document], ['captioned', facts.result, undefined]);
    assert.deepEqual(logged, [['info', 'done before', { ...facts, status: 'captioned' }]]);
    assert.deepEqual(counted, [['addMetric', 'Skipped', 'Count', 1]]);
    assert.equal(asked.length, 1);
  });

  for (const [content, code] of [
    ['a', 'UnsupportedImage'],
    ['abcd', 'ImageTooLarge'],
  ] as const) {
    it(`whose failure is recorded is logged with its code: ${code}`, async () => {
      const { source, facts } = requestFor(content);
      assert.equal((await captionAndReport(source, runtime, Date.now() + 60_000)).status, 'failed');
      assert.deepEqual(logged, [['info', 'recorded a failure', { ...facts, code }]]);
      assert.deepEqual(counted, FAILURE(code));
    });
  }

  it('that stands for a folder is neither counted nor logged here', async () => {
    fake.put('versions', '2026/', Buffer.alloc(0));
    const outcome = await captionAndReport(
      { bucket: 'versions', key: '2026/' },
      runtime,
      Date.now() + 60_000,
    );
    assert.deepEqual(outcome, { status: 'passed over' });
    assert.deepEqual([asked, logged, counted], [[], [], []]);
  });

  it('that fails for now is left to the caller', async () => {
    const { source } = requestFor('abc');
    await rejectsWith(captionAndReport(source, runtime, Date.now() - 1), 'DeadlineExceeded');
    await rejectsWith(
      captionAndReport({ bucket: 'elsewhere', key: 'a.jpg' }, runtime, Date.now() + 60_000),
      'InvalidRequest',
    );
    assert.deepEqual([logged, counted], [[], []]);
  });
});

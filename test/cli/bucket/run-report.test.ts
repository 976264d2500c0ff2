/** What a person reads of a run over a bucket, letter by letter. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endLines, planLines, type ShownPlan } from '../../../src/cli/bucket/run-report.ts';

const COST = {
  lambda: 0.0999,
  stepFunctions: 0.1,
  s3: 12.345,
  total: 12.5449,
  region: 'r-1',
  date: '2026-01-02',
};
const COST_LINE = '$12.54 (Lambda $0.0999, Step Functions $0.10, S3 $12.35)';

describe('a plan in words', () => {
  const shown = (types: ShownPlan['census']['types'], minutes: number): ShownPlan => ({
    place: { bucket: 'photos', prefix: '2026/' },
    region: 'eu-west-1',
    census: {
      objects: Object.values(types).reduce((sum, { objects }) => sum + objects, 0),
      bytes: Object.values(types).reduce((sum, { bytes }) => sum + bytes, 0),
      types,
    },
    plan: { batchSize: 100, concurrency: 5, memory: 1769, architecture: 'arm64' },
    estimate: { batches: 12, minutes, cost: COST },
  });

  it('has the most frequent type first, says what is no image, and what all takes', () => {
    const types = {
      other: { objects: 1, bytes: 999_949 },
      png: { objects: 20, bytes: 1e6 },
      jpeg: { objects: 1200, bytes: 1e9 },
    };
    assert.equal(
      planLines(shown(types, 1.2)),
      [
        's3://photos/2026/ in eu-west-1',
        '  jpeg          1,200 objects     1.0 GB',
        '  png              20 objects     1.0 MB',
        '  other             1 objects   999.9 kB  no images by their names: each costs a try and is recorded as failed',
        '  all           1,221 objects     1.0 GB',
        '12 batches of 100, 5 at a time, on 1769 MB of arm64',
        `about 2 min and ${COST_LINE}`,
        '(150 ms an image, none captioned before; prices of r-1, 2026-01-02)',
        '',
      ].join('\n'),
    );
  });

  it('takes a minute at least', () => {
    for (const [minutes, said] of [
      [0, 1],
      [0.2, 1],
      [1, 1],
      [1.01, 2],
    ] as const) {
      assert.match(planLines(shown({}, minutes)), new RegExp(`\\nabout ${said} min and `));
    }
  });
});

describe('the end of a run in words', () => {
  const ended = (unfinished: number, errors: Record<string, number>) =>
    endLines({
      status: 'succeeded',
      summary: {
        images: { captioned: 1, failed: 2, skipped: 3, unfinished },
        batches: { succeeded: 4, failed: 5 },
        errors,
        milliseconds: 900,
        cost: COST,
      },
    });

  it('is what became of images and batches, and what to do about the unfinished ones', () => {
    const cost = `at most ${COST_LINE}, prices of r-1, 2026-01-02\n`;
    assert.equal(
      ended(0, {}),
      `captioned 1, failed 2, skipped 3, unfinished 0\n4 batches succeeded, 5 failed\n${cost}`,
    );
    assert.equal(
      ended(1, { ModelUnusable: 3, Unknown: 2 }),
      'captioned 1, failed 2, skipped 3, unfinished 1\n' +
        `4 batches succeeded, 5 failed (ModelUnusable 3, Unknown 2)\n${cost}` +
        'Run it again for the unfinished ones: the others are skipped.\n',
    );
  });

  it('is why it did not come to one', () => {
    for (const [status, verb] of [
      ['failed', 'failed'],
      ['timed out', 'timed out'],
      ['aborted', 'was stopped'],
    ] as const) {
      assert.equal(endLines({ status, error: 'E', cause: 'so' }), `The run ${verb}: E: so\n`);
    }
  });
});

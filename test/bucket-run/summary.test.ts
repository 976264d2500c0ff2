import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { costOf } from '../../src/bucket-run/cost.ts';
import { summarizeRun } from '../../src/bucket-run/summary.ts';
import { clientOf } from '../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { rejectsWith } from '../support/errors.ts';

const BUCKET = 'results';
const KEY = 'runs/1/manifest.json';
const WORK = { manifest: { Bucket: BUCKET, Key: KEY }, memory: 1024, architecture: 'arm64' } as const;

let s3: FakeS3;
let client: S3Client;
before(async () => {
  s3 = await startFakeS3([BUCKET]);
  client = clientOf(s3);
});
after(async () => {
  client.destroy();
  await s3.close();
});

const batch = (captioned: number, failed: number, skipped: number, milliseconds: number) => ({
  captioned,
  failed,
  skipped,
  milliseconds,
  // Longer than what one read of a stream brings, with characters of several bytes at its ends.
  results: [{ key: 'ü'.repeat(40_000) }],
});
const failure = (name: string | undefined, items: number) => ({
  ...(name && { Error: name }),
  Input: JSON.stringify({ Items: Array(items).fill({ Key: 'a\n"b' }), BatchInput: {} }),
  Status: 'FAILED',
});

/** Writes a run as Step Functions does: by status, each file its lines. */
function write(files: Record<string, object[][]>, end = ''): void {
  const named = Object.entries(files).map(([status, contents]) => {
    const keys = contents.map((lines, i) => {
      const Key = `runs/1/${status}_${i}.jsonl`;
      s3.put(BUCKET, Key, Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n') + end));
      return { Key, Size: 1 };
    });
    return [status, keys];
  });
  const manifest = { DestinationBucket: BUCKET, MapRunArn: 'arn:x', ResultFiles: Object.fromEntries(named) };
  s3.put(BUCKET, KEY, Buffer.from(JSON.stringify(manifest)));
}

describe('the summary of a run', () => {
  it('adds up the batches of all files, and the items of those that failed', async () => {
    write({
      SUCCEEDED: [[batch(10, 0, 0, 100), batch(8, 2, 0, 200)], [batch(0, 0, 10, 30)]],
      FAILED: [[failure('ModelUnusable', 10), failure('Overloaded', 7), failure('Overloaded', 3)]],
      PENDING: [[failure(undefined, 4)]],
    });
    const { images, batches, errors, milliseconds, cost } = await summarizeRun(client, WORK);
    assert.deepEqual(images, { captioned: 18, failed: 2, skipped: 10, unfinished: 24 });
    assert.deepEqual(batches, { succeeded: 3, failed: 4 });
    assert.deepEqual(errors, { ModelUnusable: 1, Overloaded: 2, unknown: 1 });
    assert.equal(milliseconds, 330);
    const work = { processed: 20, skipped: 10, batches: 3, milliseconds: 330 };
    assert.deepEqual(cost, costOf({ ...work, memory: 1024, architecture: 'arm64' }));
  });

  it('of an empty bucket is all zeros', async () => {
    write({ SUCCEEDED: [], FAILED: [], PENDING: [] });
    const { images, batches } = await summarizeRun(client, WORK);
    assert.deepEqual(images, { captioned: 0, failed: 0, skipped: 0, unfinished: 0 });
    assert.deepEqual(batches, { succeeded: 0, failed: 0 });
  });

  it('is the same whether or not the last line has an end, or empty ones follow', async () => {
    for (const end of ['', '\n', '\n\n\n']) {
      write({ SUCCEEDED: [[batch(1, 0, 0, 100), batch(2, 0, 0, 100)], []] }, end);
      const { images, batches } = await summarizeRun(client, WORK);
      assert.deepEqual([images.captioned, batches.succeeded], [3, 2]);
    }
  });

  it('is UpstreamUnavailable where S3 does not answer, so that the workflow tries again', async () => {
    write({ SUCCEEDED: [[batch(1, 0, 0, 1)]] });
    s3.onRequest(() => ({ kind: 'error', status: 503, code: 'SlowDown' }));
    const { message } = await rejectsWith(summarizeRun(client, WORK), 'UpstreamUnavailable');
    assert.match(message, /s3:\/\/results\/runs\/1\/manifest\.json/);
    s3.onRequest(() => undefined);
  });

  it('is a bug where a batch left something else', async () => {
    write({ SUCCEEDED: [[{ captioned: 'many' }]] });
    await assert.rejects(summarizeRun(client, WORK), { name: 'ZodError' });
  });
});

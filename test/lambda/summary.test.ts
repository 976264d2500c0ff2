/** The function that ends a run over a bucket: what it is asked, answers and logs. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { setEnvironment } from '../support/network/servers.ts';

let fake: FakeS3;
before(async () => {
  fake = await startFakeS3(['results']);
});
after(() => fake.close());

it('sums up what was left in S3, logs it, and refuses what is no such question by name', async (t) => {
  setEnvironment(t, {
    AWS_ENDPOINT_URL_S3: fake.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Through the console of this process, which can be watched.
    POWERTOOLS_DEV: 'true',
  });
  const lines: Record<string, unknown>[] = [];
  t.mock.method(console, 'info', (line: string) => lines.push(JSON.parse(line)));
  const { handler } = await import('../../src/lambda/summary.ts');
  const batch = { captioned: 1, failed: 2, skipped: 3, milliseconds: 4 };
  fake.put('results', 'runs/1/a.jsonl', Buffer.from(JSON.stringify(batch)));
  const ResultFiles = { SUCCEEDED: [{ Key: 'runs/1/a.jsonl' }] };
  fake.put('results', 'runs/1/manifest.json', Buffer.from(JSON.stringify({ ResultFiles })));
  const event = {
    manifest: { Bucket: 'results', Key: 'runs/1/manifest.json' },
    memory: 1024,
    architecture: 'arm64',
  };
  const summary = await handler(event);
  assert.deepEqual(summary.images, { captioned: 1, failed: 2, skipped: 3, unfinished: 0 });
  assert.equal(lines.length, 1);
  assert.partialDeepStrictEqual(lines[0], { level: 'INFO', ...summary });
  for (const wrong of [null, {}, { ...event, memory: 0 }]) {
    await assert.rejects(handler(wrong), { name: 'InvalidRequest', message: /event|manifest|memory/ });
  }
});

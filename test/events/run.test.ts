/** A run over a bucket whose state machine and functions are the real ones: who is told of what, whatever fails. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { type Deployment, deploy, IMAGES } from '../infra/workflow/workflow-run.ts';
import { type BusFault, type FakeEventBus, startFakeEventBus } from '../support/aws/fake-event-bus.ts';
import { COFFEE } from '../support/samples.ts';

const PHOTO = readFileSync(COFFEE);
const KEYS = ['2026/a.jpg', '2026/b.jpg', '2026/c.jpg'];
/** As long as the client and the function try by themselves. */
const REFUSED: BusFault[] = Array(3).fill({ codes: Array(KEYS.length).fill('ThrottlingException') });

let bus: FakeEventBus;
let deployment: Deployment;
before(async () => {
  bus = await startFakeEventBus();
  const variables = { EVENT_BUS: 'own', DEPLOYMENT: 'test', AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url };
  deployment = await deploy(1, undefined, variables);
});
after(() => Promise.all([deployment.close(), bus.close()]));

it('each image is told of although the bus refuses at first, then the end, and in the next run the end alone', async () => {
  for (const key of KEYS) deployment.s3.put(IMAGES, key, PHOTO);
  bus.failNext(...REFUSED);
  const input = { bucket: IMAGES, prefix: '2026/' };
  const { ended, waits } = await deployment.run('WholeBucket', input);
  assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
  assert.deepEqual(waits, [2]);
  const keyOf = ({ detail }: { detail: Record<string, unknown> }) =>
    (detail.source as { key: string } | undefined)?.key;
  assert.deepEqual(bus.events().map(keyOf), [...KEYS, undefined]);
  const { type, detail } = bus.events().at(-1)!;
  assert.equal(type, 'Bucket Run Finished');
  const { version, deployment: name, execution, bucket, ...summary } = detail;
  assert.deepEqual([version, name, bucket, typeof execution], ['1', 'test', IMAGES, 'string']);
  assert.deepEqual(summary, (ended as { output: unknown }).output);

  // S3 and the start of a run tell seconds.
  for (const key of deployment.s3.keys('results')) {
    deployment.s3.get('results', key)!.written = new Date(Date.now() - 60_000);
  }
  const again = await deployment.run('WholeBucket', input);
  assert.equal(again.ended.status, 'SUCCEEDED');
  const types = bus.events().map(({ type }) => type);
  assert.deepEqual(types.slice(KEYS.length), ['Bucket Run Finished', 'Bucket Run Finished']);
});

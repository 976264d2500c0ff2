/** 1,500 images through the state machine of the whole stack, with the real functions: a minute on a busy machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import validate from 'asl-validator';
import { runSummarySchema } from '../../../src/bucket-run/summary.ts';
import { readSamples } from '../../support/samples.ts';
import { synthesise } from '../synthesis.ts';
import { deploy, IMAGES, RESULTS, type Run } from '../workflow/workflow-run.ts';
import { definitionIn } from '../workflow/workflow-template.ts';

const IMAGES_IN_ALL = 1500;
/** One in so many is damaged. */
const DAMAGED_EVERY = 100;
const BATCH = 50;
const ENVIRONMENTS = 2;

test('1,500 images over two pages: 1 % damaged, throttled, given up, resumed, skipped', async (t) => {
  const deployment = await deploy(ENVIRONMENTS);
  t.after(() => deployment.close());
  const { s3 } = deployment;
  const samples = readSamples();
  for (let i = 0; i < IMAGES_IN_ALL; i++) {
    const isDamaged = i % DAMAGED_EVERY === 0;
    const bytes = isDamaged ? Buffer.from('damaged') : samples[i % samples.length]!.bytes;
    s3.put(IMAGES, `album/${String(i).padStart(5, '0')}.jpg`, bytes);
  }
  const damaged = IMAGES_IN_ALL / DAMAGED_EVERY;
  const workflow = { batchSize: BATCH, toleratedFailurePercentage: 5, oneImage: 'standard' } as const;
  const { template } = synthesise({ settings: { workflow } });
  assert.ok('WholeBucketStateMachine' in template.toJSON().Outputs, 'the output that the command line reads');
  for (const name of ['OneImage', 'WholeBucket'] as const) {
    assert.deepEqual(validate(definitionIn(template, name)).errors, []);
  }
  const results = () => s3.keys(RESULTS).filter((key) => key.startsWith('captions/')).length;
  const run = async (fault: (n: number) => string | undefined): Promise<Run> => {
    const started = performance.now();
    const input = { bucket: IMAGES, prefix: 'album/' };
    const done = await deployment.run('WholeBucket', input, { template, fault: (_name, n) => fault(n) });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    t.diagnostic(
      `${done.ended.status} in ${seconds} s: ${JSON.stringify(done.mapRun)}, ${results()} results`,
    );
    return done;
  };

  // Every sixth batch fails: a sixth of the images, and 5 % are tolerated.
  const broken = await run((n) => (n % 6 === 0 ? 'ModelUnusable' : undefined));
  assert.equal((broken.ended as { error?: string }).error, 'States.ExceedToleratedFailureThreshold');
  assert.ok(broken.mapRun!.failed > IMAGES_IN_ALL * 0.05);
  const before = broken.mapRun!.succeeded;
  assert.equal(results(), before);

  s3.lists = 0;
  const resumed = await run((n) => (n % 5 === 0 ? 'Lambda.TooManyRequestsException' : undefined));
  assert.equal(s3.lists, 2);
  assert.ok(resumed.refused.length > 0 && resumed.waits.length === resumed.refused.length);
  assert.deepEqual(resumed.mapRun, { total: IMAGES_IN_ALL, succeeded: IMAGES_IN_ALL, failed: 0, pending: 0 });
  const summary = summaryOf(resumed);
  assert.equal(summary.images.skipped, before);
  assert.equal(summary.images.captioned + summary.images.failed, IMAGES_IN_ALL - before);
  assert.equal(summary.images.unfinished, 0);
  assert.equal(results(), IMAGES_IN_ALL);
  assert.equal(failedResults(), damaged);
  t.diagnostic(JSON.stringify(summary));

  const reads = () =>
    s3.requests.filter((r) => r.method === 'GET' && r.bucket === IMAGES && r.list === undefined).length;
  const readBefore = reads();
  const again = summaryOf(await run(() => undefined));
  assert.deepEqual(again.images, { captioned: 0, failed: 0, skipped: IMAGES_IN_ALL, unfinished: 0 });
  assert.equal(reads(), readBefore, 'no image is read again');
  assert.equal(results(), IMAGES_IN_ALL);

  function failedResults(): number {
    return s3.keys(RESULTS).filter((key) => s3.get(RESULTS, key)!.metadata.status === 'failed').length;
  }
});

function summaryOf({ ended }: Run) {
  assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
  return runSummarySchema.parse((ended as { output: unknown }).output);
}

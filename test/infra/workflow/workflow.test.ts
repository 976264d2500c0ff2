/** The state machines as they are synthesised: valid, no more allowed than they need, and run against the real functions. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import aslValidator from 'asl-validator';
import { type RunSummary, runSummarySchema } from '../../../src/bucket-run/summary.ts';
import { type ResultDocument, resultDocumentSchema } from '../../../src/s3/results.ts';
import { readSamples } from '../../support/samples.ts';
import { type Deployment, deploy, IMAGES, RESULTS, type Run } from './workflow-run.ts';
import { definition, REFERENCES, synthesiseWorkflows } from './workflow-template.ts';

const SAMPLES = readSamples();
const DAMAGED = Buffer.from('no image at all');
const THROTTLED = 'Lambda.TooManyRequestsException';

let deployment: Deployment;
before(async () => {
  deployment = await deploy(2, 40);
});
after(() => deployment.close());

/** Puts `count` objects below a prefix, every `nth` of them damaged; returns the number of good ones. */
function fill(prefix: string, count: number, nth = 0): number {
  let good = 0;
  for (let i = 0; i < count; i++) {
    const isDamaged = nth > 0 && i % nth === nth - 1;
    if (!isDamaged) good++;
    const bytes = isDamaged ? DAMAGED : SAMPLES[i % SAMPLES.length]!.bytes;
    // Keys as people write them.
    deployment.s3.put(IMAGES, `${prefix}Foto ${String(i).padStart(4, '0')} + ä.jpg`, bytes);
  }
  return good;
}

function documents(prefix: string): ResultDocument[] {
  return deployment.s3
    .keys(RESULTS)
    .filter((key) => key.startsWith(`captions/${IMAGES}/${prefix}`))
    .map((key) =>
      resultDocumentSchema.parse(JSON.parse(deployment.s3.get(RESULTS, key)!.bytes.toString('utf8'))),
    );
}

/** The summary that an execution ended with. */
function summaryOf({ ended }: Run): RunSummary {
  assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
  return runSummarySchema.parse((ended as { output: unknown }).output);
}

describe('the definitions', () => {
  for (const name of ['OneImage', 'WholeBucket'] as const) {
    it(`of ${name} pass the validator of the States Language`, () => {
      assert.deepEqual(aslValidator(definition(name)).errors, []);
    });
  }

  it('write the results of a run to S3: the CDK drops the writer without its feature flag', () => {
    const { States } = definition('WholeBucket') as { States: Record<string, { Type: string }> };
    const maps = Object.values(States).filter(({ Type }) => Type === 'Map');
    assert.equal(maps.length, 3);
    for (const map of maps) assert.ok('ResultWriter' in map);
  });

  it('may list the images, read lists, write below runs/, invoke two functions and nothing more in S3 or Lambda', () => {
    const policies = Object.entries(synthesiseWorkflows().findResources('AWS::IAM::Policy'));
    const [, policy] = policies.find(([id]) => id.includes('WholeBucketRole'))!;
    const statements: { Action: string | string[]; Resource: unknown }[] =
      policy.Properties.PolicyDocument.Statement;
    const allowed = statements
      .map(({ Action, Resource }) => ({ actions: [Action].flat(), resource: JSON.stringify(Resource) }))
      .filter(({ actions }) => actions.some((action) => /^(s3|lambda):/.test(action)));
    const resourceOf = (action: string) =>
      allowed.filter(({ actions }) => actions.includes(action)).map(({ resource }) => resource);
    assert.deepEqual([...new Set(allowed.flatMap(({ actions }) => actions))].sort(), [
      'lambda:InvokeFunction',
      's3:AbortMultipartUpload',
      's3:GetObject',
      's3:ListBucket',
      's3:ListMultipartUploadParts',
      's3:PutObject',
    ]);
    assert.match(resourceOf('s3:ListBucket').join(), /^[^*]*:s3:::photos"\]\]\}$/);
    assert.match(resourceOf('s3:PutObject').join(), /:s3:::results\/runs\/\*"/);
    for (const resource of resourceOf('s3:GetObject'))
      assert.match(resource, /:s3:::results\/(runs|lists)\/\*"/);
  });
});

describe('one image', () => {
  it('ends as its result document', async () => {
    deployment.s3.put(IMAGES, 'one/coffee.jpg', SAMPLES[2]!.bytes);
    const { ended } = await deployment.run('OneImage', { bucket: IMAGES, key: 'one/coffee.jpg' });
    assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
    const { output } = ended as { output: unknown };
    assert.deepEqual(resultDocumentSchema.parse(output), documents('one/coffee.jpg')[0]);
  });

  const refused: { title: string; input: unknown; code: string }[] = [
    { title: 'a damaged image', input: { bucket: IMAGES, key: 'one/damaged.jpg' }, code: 'UnsupportedImage' },
    { title: 'no image', input: { bucket: IMAGES, key: 'one/nowhere.jpg' }, code: 'ImageNotFound' },
    { title: 'a bucket of others', input: { bucket: 'theirs', key: 'a.jpg' }, code: 'InvalidRequest' },
    { title: 'an input without a key', input: { bucket: IMAGES }, code: 'InvalidRequest' },
  ];
  for (const { title, input, code } of refused) {
    it(`${title} is an outcome, not a failure: ${code}`, async () => {
      deployment.s3.put(IMAGES, 'one/damaged.jpg', DAMAGED);
      const { ended, waits, errors } = await deployment.run('OneImage', input);
      assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
      // Which Lambda would count, and an alarm with it.
      assert.deepEqual(errors, []);
      const { output } = ended as { output: { status: string; error: { code: string; message: string } } };
      assert.deepEqual([output.status, output.error.code, waits], ['failed', code, []]);
      assert.notEqual(output.error.message, '');
    });
  }

  const faults: { error: string; times: number; ends: string; waits: number[] }[] = [
    { error: THROTTLED, times: 3, ends: 'SUCCEEDED', waits: [2, 4, 8] },
    { error: 'Overloaded', times: 99, ends: 'FAILED', waits: [2, 4, 8, 16, 30, 30] },
    { error: 'DeadlineExceeded', times: 1, ends: 'SUCCEEDED', waits: [2] },
    { error: 'CaptionerHung', times: 1, ends: 'SUCCEEDED', waits: [2] },
    { error: 'UpstreamUnavailable', times: 1, ends: 'SUCCEEDED', waits: [2] },
    { error: 'Lambda.ServiceException', times: 4, ends: 'SUCCEEDED', waits: [1, 2, 4, 8] },
    { error: 'Lambda.Unknown', times: 2, ends: 'FAILED', waits: [2] },
    { error: 'ObjectRefused', times: 1, ends: 'FAILED', waits: [] },
    { error: 'ModelUnusable', times: 1, ends: 'FAILED', waits: [] },
    // A bug of ours.
    { error: 'TypeError', times: 1, ends: 'FAILED', waits: [] },
  ];
  for (const { error, times, ends, waits } of faults) {
    it(`${error} ${times === 99 ? 'for ever' : `${times} times`}: ${ends} after ${waits.length} retries`, async () => {
      deployment.s3.put(IMAGES, 'one/coffee.jpg', SAMPLES[2]!.bytes);
      const run = await deployment.run(
        'OneImage',
        { bucket: IMAGES, key: 'one/coffee.jpg' },
        { fault: (_name, n) => (n <= times ? error : undefined) },
      );
      assert.deepEqual([run.ended.status, run.waits], [ends, waits]);
      if (run.ended.status === 'FAILED') assert.equal(run.ended.error, error);
    });
  }
});

describe('a whole bucket', () => {
  const COUNT = 60;

  it('is captioned over two pages and through throttling, damaged images recorded; a second run skips all', async () => {
    const good = fill('all/', COUNT, 20);
    const listsBefore = deployment.s3.lists;
    const input = { bucket: IMAGES, prefix: 'all/' };
    const first = await deployment.run('WholeBucket', input, {
      fault: (_name, n) => (n % 4 === 1 ? THROTTLED : undefined),
    });
    assert.equal(deployment.s3.lists - listsBefore, 2);
    assert.ok(first.refused.length >= 2);
    assert.equal(first.waits.length, first.refused.length);
    assert.deepEqual(first.mapRun, { total: COUNT, succeeded: COUNT, failed: 0, pending: 0 });
    const summary = summaryOf(first);
    assert.deepEqual(summary.images, { captioned: good, failed: COUNT - good, skipped: 0, unfinished: 0 });
    assert.deepEqual(summary.batches, { succeeded: 6, failed: 0 });
    assert.ok(summary.milliseconds > 0 && summary.cost.total > 0);

    const written = documents('all/');
    assert.equal(written.length, COUNT);
    assert.deepEqual(new Set(written.map(({ source }) => source.key)).size, COUNT);
    for (const document of written) {
      if (document.status === 'captioned') assert.notEqual(document.result.captions[0]!.text, '');
      else assert.equal(document.error.code, 'UnsupportedImage');
    }
    assert.equal(written.filter(({ status }) => status === 'captioned').length, good);

    const reads = () =>
      deployment.s3.requests.filter((r) => r.method === 'GET' && r.bucket === IMAGES && r.list === undefined)
        .length;
    const readsBefore = reads();
    const again = await deployment.run('WholeBucket', input);
    assert.deepEqual(summaryOf(again).images, { captioned: 0, failed: 0, skipped: COUNT, unfinished: 0 });
    assert.equal(reads(), readsBefore, 'no image is read again');
  });

  it('gives up once service faults leave more undone than is tolerated, and the next run finishes it', async () => {
    fill('broken/', COUNT);
    const input = { bucket: IMAGES, prefix: 'broken/' };
    // The first batch of six fails: a sixth of the images, and 5 % are tolerated.
    const broken = await deployment.run('WholeBucket', input, {
      fault: (_name, n) => (n === 1 ? 'ModelUnusable' : undefined),
    });
    assert.equal(broken.ended.status, 'FAILED');
    assert.equal((broken.ended as { error: string }).error, 'States.ExceedToleratedFailureThreshold');
    assert.equal(broken.invocations[REFERENCES.summaryFunction], undefined);
    const { failed, succeeded } = broken.mapRun!;
    assert.equal(failed, 10);
    assert.ok(succeeded < COUNT - failed, 'batches are left alone after the end');
    assert.equal(documents('broken/').length, succeeded);

    const { images } = summaryOf(await deployment.run('WholeBucket', input));
    assert.deepEqual(images, { captioned: COUNT - succeeded, failed: 0, skipped: succeeded, unfinished: 0 });
  });

  it('tolerates what the settings tolerate, and says what is left undone', async () => {
    fill('some/', 50);
    const run = await deployment.run(
      'WholeBucket',
      { bucket: IMAGES, prefix: 'some/' },
      {
        settings: { toleratedFailurePercentage: 40 },
        fault: (name, n) => (name === REFERENCES.workflowFunction && n <= 2 ? 'ModelUnusable' : undefined),
      },
    );
    const { images, batches, errors } = summaryOf(run);
    assert.deepEqual(images, { captioned: 30, failed: 0, skipped: 0, unfinished: 20 });
    assert.deepEqual([batches, errors], [{ succeeded: 3, failed: 2 }, { ModelUnusable: 2 }]);
  });

  it('may be a list in CSV', async () => {
    fill('csv/', 3);
    const keys = ['csv/Foto 0000 + ä.jpg', 'csv/Foto 0001 + ä.jpg'];
    const csv = `Key,Comment\r\n${keys.map((key) => `"${key}","what, ever"`).join('\r\n')}\r\n`;
    deployment.s3.put(RESULTS, 'lists/mine.csv', Buffer.from(csv));
    const run = await deployment.run('WholeBucket', { bucket: IMAGES, csv: 'lists/mine.csv' });
    assert.equal(summaryOf(run).images.captioned, 2);
    assert.deepEqual(
      documents('csv/')
        .map(({ source }) => source.key)
        .sort(),
      keys,
    );
  });

  it('may be an inventory, read where S3 delivered it, whose keys are URL-encoded', async () => {
    fill('inventory/', 2);
    const rows = ['0000', '0001'].map((n) => `"${IMAGES}","inventory/Foto+${n}+%2B+%C3%A4.jpg","123"`);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
    const place = `lists/inventory/${IMAGES}/images`;
    const data = {
      key: `${place}/data/0b5a.csv.gz`,
      size: 99,
      MD5checksum: 'f11166069f1990abeb9c97ace9cdfabc',
    };
    deployment.s3.put(RESULTS, data.key, gzipSync(rows.join('\n')));
    const manifest = {
      sourceBucket: IMAGES,
      destinationBucket: `arn:aws:s3:::${RESULTS}`,
      version: '2016-11-30',
      creationTimestamp: '1514944800000',
      fileFormat: 'CSV',
      fileSchema: 'Bucket, Key, Size',
      files: [data],
    };
    const inventory = `${place}/2026-11-06T21-32Z/manifest.json`;
    deployment.s3.put(RESULTS, inventory, Buffer.from(JSON.stringify(manifest)));
    const run = await deployment.run('WholeBucket', { bucket: IMAGES, inventory });
    assert.equal(summaryOf(run).images.captioned, 2);
  });

  it('without a list is refused before anything is done', async () => {
    for (const input of [{}, { bucket: IMAGES }, { prefix: 'all/' }, { bucket: IMAGES, prefix: 7 }]) {
      const { ended, invocations } = await deployment.run('WholeBucket', input);
      assert.equal(ended.status, 'SUCCEEDED', JSON.stringify(ended));
      const { output } = ended as { output: { status: string; error: { code: string } } };
      assert.deepEqual([output.status, output.error.code], ['failed', 'InvalidRequest']);
      assert.deepEqual(invocations, {});
    }
  });
});

/** The command as a process, against a Step Functions and an S3 that answer over real HTTP. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  EXECUTION,
  type FakeStepFunctions,
  failing,
  STATE_MACHINE,
  startFakeStepFunctions,
} from '../../bucket-run/fake-step-functions.ts';
import { definition } from '../../infra/workflow/workflow-template.ts';
import { type FakeS3, startFakeS3 } from '../../support/aws/fake-s3.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { type Finished, finished, LAUNCH, runCli, startCli } from '../../support/cli.ts';
import { ROOT } from '../../support/samples.ts';

const DEFINITION = definition('WholeBucket', { batchSize: 2 });
const files = temporaryDirectory();
let s3: FakeS3;
let sfn: FakeStepFunctions;

before(async () => {
  s3 = await startFakeS3(['photos'], [], 3);
  sfn = await startFakeStepFunctions();
  // What the processes started below inherit.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SFN: sfn.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Throttling is tried again at once.
    AWS_MAX_ATTEMPTS: '1',
  });
  for (const key of ['a/1.jpg', 'a/2.jpg', 'a/3.png', 'a/4.txt', 'a/5.jpg']) {
    s3.put('photos', key, Buffer.alloc(1000));
  }
});
after(async () => {
  files.dispose();
  await sfn.close();
  await s3.close();
});

const IMAGES = { captioned: 3, failed: 0, skipped: 2, unfinished: 0 };
const summaryWith = (images: Partial<typeof IMAGES>) => ({
  images: { ...IMAGES, ...images },
  batches: { succeeded: 3, failed: 0 },
  errors: {},
  milliseconds: 900,
  cost: { lambda: 0.01, stepFunctions: 0.02, s3: 0.03, total: 0.06, region: 'us-east-1', date: '2026-11-23' },
});
const succeededWith = (images: Partial<typeof IMAGES> = {}) => ({
  status: 'SUCCEEDED',
  output: JSON.stringify(summaryWith(images)),
});

function play(end: Record<string, unknown>, looks = 0): void {
  sfn.play({ definition: DEFINITION, looks, end });
}

function run(...flags: string[]): Promise<Finished> {
  return runCli(['run-bucket', '--bucket', 'photos', ...flags]);
}

const actions = () => sfn.requests.map(({ action }) => action);
const jsonLines = ({ stdout }: Finished) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a dry run', () => {
  it('counts all pages by type and estimates with the plan of the deployed state machine; starts nothing', async () => {
    play(succeededWith());
    const done = await run('--prefix', 'a/', '--state-machine', STATE_MACHINE, '--dry-run', '--json');
    assert.deepEqual([done.status, done.stderr], [0, '']);
    const [{ census, plan, estimate }] = jsonLines(done);
    assert.deepEqual(census, {
      objects: 5,
      bytes: 5000,
      types: {
        jpeg: { objects: 3, bytes: 3000 },
        png: { objects: 1, bytes: 1000 },
        other: { objects: 1, bytes: 1000 },
      },
    });
    assert.deepEqual(plan, { batchSize: 2, concurrency: 4, memory: 1769, architecture: 'x86_64' });
    assert.equal(estimate.batches, 3);
    assert.ok(estimate.cost.total > 0);
    assert.deepEqual(actions(), ['DescribeStateMachine']);
  });

  it('needs no deployment, and prints for people', async () => {
    play(succeededWith());
    const done = await run('--dry-run');
    assert.deepEqual([done.status, done.stderr], [0, '']);
    assert.match(done.stdout, /^s3:\/\/photos\/ in eu-west-1\n {2}jpeg +3 objects +3\.0 kB\n/);
    assert.match(done.stdout, /other +1 objects .*no images/);
    assert.match(done.stdout, /\n1 batches of 100, 5 at a time.*\nabout 1 min and \$0\.0\d+ \(Lambda /);
    assert.match(done.stdout, /us-east-1, 2026-11-23\)\n$/);
    assert.deepEqual(actions(), []);
  });
});

describe('a run', () => {
  it('is started with bucket and prefix, followed to its end, and reported', async () => {
    play(succeededWith(), 2);
    const done = await run('--prefix', 'a/', '--state-machine', STATE_MACHINE, '--json');
    assert.deepEqual([done.status, done.stderr], [0, '']);
    const [plan, started, end] = jsonLines(done);
    assert.deepEqual(plan.place, { bucket: 'photos', prefix: 'a/' });
    assert.deepEqual(started, { execution: EXECUTION });
    assert.deepEqual(end, { status: 'succeeded', summary: summaryWith({}) });
    const start = sfn.requests.find(({ action }) => action === 'StartExecution')!.input;
    assert.equal(start.stateMachineArn, STATE_MACHINE);
    assert.deepEqual(JSON.parse(String(start.input)), { bucket: 'photos', prefix: 'a/' });
    assert.ok(actions().includes('DescribeMapRun'));
  });

  it('takes bucket and prefix as `aws s3` writes them', async () => {
    play(succeededWith());
    const done = await runCli(['run-bucket', '--bucket', 's3://photos/a/', '--state-machine', STATE_MACHINE]);
    assert.equal(done.status, 0, done.stderr);
    const start = sfn.requests.find(({ action }) => action === 'StartExecution')!.input;
    assert.deepEqual(JSON.parse(String(start.input)), { bucket: 'photos', prefix: 'a/' });
  });

  it('finds the state machine among the outputs of the stack', async () => {
    play(succeededWith());
    const file = join(files.path, 'cdk-outputs.json');
    const outputs = { Url: 'https://example.com', WholeBucketStateMachine: STATE_MACHINE };
    writeFileSync(file, JSON.stringify({ Captioner: outputs }));
    const done = await run('--state-machine', file);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /captioned 3, failed 0, skipped 2, unfinished 0\n/);
  });

  const ends: { title: string; end: Record<string, unknown>; status: number }[] = [
    { title: 'images that failed', end: succeededWith({ failed: 1 }), status: 3 },
    { title: 'images left undone', end: succeededWith({ unfinished: 10 }), status: 3 },
    {
      title: 'a run that gave up',
      end: { status: 'FAILED', error: 'States.ExceedToleratedFailureThreshold', cause: 'too many' },
      status: 4,
    },
    { title: 'a run that somebody stopped', end: { status: 'ABORTED' }, status: 4 },
    { title: 'a run that took too long', end: { status: 'TIMED_OUT' }, status: 4 },
  ];
  for (const { title, end, status } of ends) {
    it(`exits with ${status} for ${title}`, async () => {
      play(end);
      const done = await run('--state-machine', STATE_MACHINE, '--json');
      assert.equal(done.status, status, done.stderr);
      const last = jsonLines(done).at(-1);
      if (status === 4) assert.equal(last.error, end.error ?? '');
      else assert.equal(last.status, 'succeeded');
    });
  }

  it('is not started for no object', async () => {
    play(succeededWith());
    const done = await run('--prefix', 'nothing/', '--state-machine', STATE_MACHINE);
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(actions(), ['DescribeStateMachine']);
  });

  it('goes on after Ctrl-C, which says how to look at it and how to stop it', async () => {
    play(succeededWith(), 1000);
    const child = startCli(['run-bucket', '--bucket', 'photos', '--state-machine', STATE_MACHINE]);
    const end = finished(child);
    await new Promise<void>((resolve) => {
      child.stdout!.on('data', (text: Buffer | string) => {
        if (String(text).includes('Started')) resolve();
      });
    });
    // The line is written before the signal has a listener.
    while (!actions().includes('DescribeExecution')) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    const { status, stderr } = await end;
    assert.equal(status, 130);
    assert.ok(stderr.includes(`describe-execution --execution-arn ${EXECUTION}`));
    assert.ok(stderr.includes(`stop-execution --execution-arn ${EXECUTION}`));
    assert.ok(!actions().includes('StopExecution'));
  });

  const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;
  it('shows a bar on a terminal', {
    skip: hasScript ? false : 'no pseudo terminal: `script` of util-linux is not installed',
  }, async () => {
    play(succeededWith(), 3);
    const words = [
      process.execPath,
      LAUNCH,
      'run-bucket',
      '--bucket',
      'photos',
      '--state-machine',
      STATE_MACHINE,
    ];
    const command = `${words.map((word) => `'${word}'`).join(' ')} > /dev/null`;
    const terminal = await shown(command);
    assert.match(terminal, /2\/5 images/);
  });
});

/** What a command shows on a terminal; not in this thread, which answers for AWS. */
async function shown(command: string): Promise<string> {
  return (await finished(spawn('script', ['-qec', command, '/dev/null'], { cwd: ROOT }))).stdout;
}

describe('wrong usage exits with 2, before anything is started', () => {
  const other = { StartAt: 'A', States: { A: { Type: 'Succeed' } } };
  const cases: { title: string; flags: string[]; prepare?: () => void; says: string }[] = [
    { title: 'no state machine', flags: [], says: '--state-machine' },
    { title: 'no such file', flags: ['--state-machine', 'nowhere.json'], says: 'nowhere.json' },
    { title: 'a file of something else', flags: ['--state-machine', 'package.json'], says: 'package.json' },
    {
      title: 'no such state machine',
      flags: ['--state-machine', STATE_MACHINE],
      prepare: () => {
        sfn.script = {};
      },
      says: 'StateMachineDoesNotExist',
    },
    {
      title: 'another state machine',
      flags: ['--state-machine', STATE_MACHINE],
      prepare: () => sfn.play({ definition: other, looks: 0, end: {} }),
      says: STATE_MACHINE,
    },
    {
      title: 'no permission to start',
      flags: ['--state-machine', STATE_MACHINE],
      prepare: () => {
        sfn.script.StartExecution = failing('AccessDeniedException');
      },
      says: 'AccessDeniedException',
    },
    {
      title: 'no such bucket',
      flags: ['--bucket', 'nowhere', '--state-machine', STATE_MACHINE],
      says: 'NoSuchBucket',
    },
  ];
  for (const { title, flags, prepare, says } of cases) {
    it(title, async () => {
      play(succeededWith());
      prepare?.();
      const done = await run(...flags);
      assert.equal(done.status, 2, done.stderr);
      assert.match(done.stderr, /^show-and-tell: InvalidRequest: /);
      assert.ok(done.stderr.includes(says), done.stderr);
      assert.ok(!actions().includes('DescribeExecution'));
    });
  }

  const without: { title: string; names: string[]; says: string }[] = [
    { title: 'no region', names: ['AWS_REGION'], says: 'AWS_REGION' },
    {
      title: 'no credentials',
      names: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
      says: 'CredentialsProviderError',
    },
  ];
  for (const { title, names, says } of without) {
    it(title, async () => {
      const { env } = process;
      // Neither the machine's own files nor a service of its network are asked.
      const none = { AWS_EC2_METADATA_DISABLED: 'true', HOME: files.path };
      const left = Object.entries({ ...env, ...none }).filter(([name]) => !names.includes(name));
      const words = [LAUNCH, 'run-bucket', '--bucket', 'photos', '--dry-run'];
      const child = spawn(process.execPath, words, { cwd: ROOT, env: Object.fromEntries(left) });
      const done = await finished(child);
      assert.deepEqual([done.status, done.stdout], [2, '']);
      assert.ok(done.stderr.includes(says), done.stderr);
    });
  }

  it('no bucket', async () => {
    assert.equal((await runCli(['run-bucket'])).status, 2);
  });
});

it('a Step Functions that answers with errors of its own is UpstreamUnavailable: exit 4', async () => {
  play(succeededWith());
  sfn.script.DescribeStateMachine = failing('ServiceUnavailable', 503);
  const done = await run('--state-machine', STATE_MACHINE);
  assert.deepEqual([done.status, done.stdout], [4, '']);
  assert.match(done.stderr, /^show-and-tell: UpstreamUnavailable: /);
});

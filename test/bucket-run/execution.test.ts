/** A run as it is started and watched. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { SFNClient } from '@aws-sdk/client-sfn';
import { costOf } from '../../src/bucket-run/cost.ts';
import { startRun } from '../../src/bucket-run/execution.ts';
import { readPlan } from '../../src/bucket-run/plan.ts';
import type { RunSummary } from '../../src/bucket-run/summary.ts';
import { rejectsWith } from '../support/errors.ts';
import {
  EXECUTION,
  type FakeStepFunctions,
  STATE_MACHINE,
  startFakeStepFunctions,
} from './fake-step-functions.ts';

const PLACE = { bucket: 'photos', prefix: '2026/' };
const SUMMARY: RunSummary = {
  images: { captioned: 1, failed: 2, skipped: 3, unfinished: 4 },
  batches: { succeeded: 5, failed: 6 },
  errors: { Overloaded: 6 },
  milliseconds: 7,
  cost: costOf({
    processed: 3,
    skipped: 3,
    batches: 5,
    milliseconds: 7,
    memory: 1024,
    architecture: 'arm64',
  }),
};

let fake: FakeStepFunctions;
let client: SFNClient;
before(async () => {
  fake = await startFakeStepFunctions();
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new SFNClient({ endpoint: fake.url, region: 'eu-west-1', credentials });
});
after(async () => {
  client.destroy();
  await fake.close();
});
beforeEach(() => fake.play({ definition: {}, looks: 0, end: {} }));

/** A run whose execution, maps and map are described so. */
async function runOf(execution: object, mapRuns?: object[], itemCounts?: object) {
  const run = await startRun(client, STATE_MACHINE, PLACE);
  fake.script.DescribeExecution = [{ body: { ...execution } }];
  fake.script.ListMapRuns = [{ body: { mapRuns } }];
  fake.script.DescribeMapRun = [{ body: { itemCounts } }];
  fake.requests.length = 0;
  return run;
}

describe('a run', () => {
  it('is started over a place, and known by its execution', async () => {
    const { execution } = await startRun(client, STATE_MACHINE, { ...PLACE, more: 1 } as typeof PLACE);
    assert.equal(execution, EXECUTION);
    const input = { stateMachineArn: STATE_MACHINE, input: JSON.stringify(PLACE) };
    assert.deepEqual(fake.requests, [{ action: 'StartExecution', input }]);
  });

  const ends: [described: object, end: unknown][] = [
    [{ status: 'RUNNING' }, null],
    [{ status: 'PENDING_REDRIVE' }, null],
    [
      { status: 'SUCCEEDED', output: JSON.stringify(SUMMARY) },
      { status: 'succeeded', summary: SUMMARY },
    ],
    [
      { status: 'FAILED', error: 'Overloaded', cause: 'no place' },
      { status: 'failed', error: 'Overloaded', cause: 'no place' },
    ],
    [{ status: 'FAILED' }, { status: 'failed', error: '', cause: '' }],
    [{ status: 'TIMED_OUT' }, { status: 'timed out', error: '', cause: '' }],
    [
      { status: 'ABORTED', cause: 'by hand' },
      { status: 'aborted', error: '', cause: 'by hand' },
    ],
  ];
  for (const [described, end] of ends) {
    it(`that is described as ${JSON.stringify(described).slice(0, 60)} has this end`, async () => {
      const run = await runOf(described);
      assert.deepEqual(await run.end(), end);
      assert.deepEqual(fake.requests, [{ action: 'DescribeExecution', input: { executionArn: EXECUTION } }]);
    });
  }

  it('that left no summary is a bug', async () => {
    for (const output of ['{}', undefined]) {
      const run = await runOf({ status: 'SUCCEEDED', output });
      await assert.rejects(run.end(), { name: output === undefined ? 'SyntaxError' : 'ZodError' });
    }
  });

  it('has no progress before its map, then that of all its batches that ended', async () => {
    for (const maps of [undefined, [], [{}]]) assert.equal(await (await runOf({}, maps)).progress(), null);
    const maps = [{ mapRunArn: 'arn:first' }, { mapRunArn: 'arn:second' }];
    const counts = { succeeded: 1, failed: 20, timedOut: 300, aborted: 4000, total: 50_000, running: 7 };
    const run = await runOf({}, maps, counts);
    assert.deepEqual(await run.progress(), { done: 4321, total: 50_000 });
    assert.deepEqual(fake.requests, [
      { action: 'ListMapRuns', input: { executionArn: EXECUTION } },
      { action: 'DescribeMapRun', input: { mapRunArn: 'arn:first' } },
    ]);
    for (const none of [undefined, {}]) {
      assert.deepEqual(await (await runOf({}, maps, none)).progress(), { done: 0, total: 0 });
    }
  });

  it('says what it was doing when Step Functions refuses', async () => {
    const refusal = [{ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } }];
    const run = await runOf({}, [{ mapRunArn: 'arn:first' }]);
    for (const action of [
      'DescribeExecution',
      'DescribeMapRun',
      'ListMapRuns',
      'StartExecution',
      'DescribeStateMachine',
    ])
      fake.script[action] = [...refusal];
    for (const [asked, says] of [
      [() => run.end(), `following ${EXECUTION}: AccessDeniedException: no`],
      [() => run.progress(), `following ${EXECUTION}: AccessDeniedException: no`],
      [() => startRun(client, STATE_MACHINE, PLACE), `starting ${STATE_MACHINE}: AccessDeniedException: no`],
      [() => readPlan(client, STATE_MACHINE), `reading ${STATE_MACHINE}: AccessDeniedException: no`],
    ] as const) {
      assert.equal((await rejectsWith(asked(), 'InvalidRequest')).message, says);
    }
  });
});

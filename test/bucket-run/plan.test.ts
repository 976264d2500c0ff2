import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SFNClient } from '@aws-sdk/client-sfn';
import { readPlan } from '../../src/bucket-run/plan.ts';
import { summaryInputSchema } from '../../src/bucket-run/summary.ts';
import { rejectsWith } from '../support/errors.ts';
import { type FakeStepFunctions, STATE_MACHINE, startFakeStepFunctions } from './fake-step-functions.ts';

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

function machine(payload: object, batcher: object = { MaxItemsPerBatch: 100 }): object {
  return {
    States: {
      Choose: { Type: 'Choice' },
      Map: { Type: 'Map', MaxConcurrency: 5, ItemBatcher: batcher },
      Summarize: { Type: 'Task', Arguments: { Payload: payload } },
    },
  };
}

test('the plan is read from the state machine that was named', async () => {
  for (const architecture of ['x86_64', 'arm64']) {
    fake.play({ definition: machine({ memory: 1769, architecture }), looks: 0, end: {} });
    const plan = await readPlan(client, STATE_MACHINE);
    assert.deepEqual(plan, { batchSize: 100, concurrency: 5, memory: 1769, architecture });
    assert.deepEqual(fake.requests, [
      { action: 'DescribeStateMachine', input: { stateMachineArn: STATE_MACHINE } },
    ]);
  }
});

test('a state machine that captions no bucket is refused', async () => {
  for (const definition of [
    {},
    { States: {} },
    machine({ memory: 1769, architecture: 'mips' }),
    machine({ memory: 0, architecture: 'arm64' }),
    machine({ memory: 1769, architecture: 'arm64' }, {}),
  ]) {
    fake.play({ definition, looks: 0, end: {} });
    await rejectsWith(readPlan(client, STATE_MACHINE), 'InvalidRequest');
  }
});

test('a summary is asked for a file, a memory and either architecture, and for nothing else', () => {
  const input = { manifest: { Bucket: 'results', Key: 'runs/1/manifest.json' }, memory: 1769 };
  for (const architecture of ['x86_64', 'arm64'] as const)
    assert.deepEqual(summaryInputSchema.parse({ ...input, architecture }), { ...input, architecture });
  const good = { ...input, architecture: 'arm64' };
  const bad = [
    { ...good, architecture: '' },
    { ...good, memory: 0 },
    { ...good, manifest: { ...input.manifest, Bucket: '' } },
    { ...good, manifest: { ...input.manifest, Key: '' } },
    { ...good, more: 1 },
  ];
  for (const wrong of bad)
    assert.equal(summaryInputSchema.safeParse(wrong).success, false, JSON.stringify(wrong));
});

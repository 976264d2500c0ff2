/** The interpreter itself: what it would be wrong about without a word. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { clientOf } from '../../s3/fake-client.ts';
import { type FakeS3, startFakeS3 } from '../aws/fake-s3.ts';
import { readDefinition } from './definition.ts';
import { type Ended, type Invoked, runStateMachine } from './state-machine.ts';

let s3: FakeS3;
let client: S3Client;
before(async () => {
  s3 = await startFakeS3(['in', 'out']);
  client = clientOf(s3);
  for (let i = 0; i < 20; i++) s3.put('in', String(i).padStart(2, '0'), Buffer.from('x'));
});
after(async () => {
  client.destroy();
  await s3.close();
});

const echo = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  TimeoutSeconds: 1,
  Arguments: { FunctionName: 'echo', Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  End: true,
};
const machineOf = (state: object) => ({ StartAt: 'A', States: { A: state } });

async function run(
  state: object,
  input: unknown,
  invoke: (payload: unknown) => Invoked = (payload) => ({ payload }),
): Promise<Ended> {
  return await runStateMachine(readDefinition(machineOf(state)), input, {
    invoke: async (_name, payload) => invoke(payload),
    s3: client,
    wait: () => undefined,
    mapRun: () => undefined,
  });
}

const errorOf = (ended: Ended) => (ended.status === 'FAILED' ? ended.error : null);

describe('an execution', () => {
  it('refuses fields that it does not know', () => {
    assert.throws(() => readDefinition(machineOf({ ...echo, HeartbeatSeconds: 1 })));
    assert.throws(() => readDefinition(machineOf({ Type: 'Wait', Seconds: 1, End: true })));
  });

  it('evaluates text in {% %} alone', async () => {
    const Output = { sum: '{% $sum($states.input.list) %}', text: '$states.input', list: [1, '{% 2 %}'] };
    assert.deepEqual(await run({ Type: 'Pass', Output, End: true }, { list: [1, 2] }), {
      status: 'SUCCEEDED',
      output: { sum: 3, text: '$states.input', list: [1, 2] },
    });
  });

  it('fails where an expression has no value', async () => {
    const ended = await run({ Type: 'Pass', Output: '{% $states.input.nothing %}', End: true }, {});
    assert.equal(errorOf(ended), 'States.QueryEvaluationError');
  });

  it('passes no more than 256 KiB, and nothing catches that', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'A' }];
    const ended = await run({ ...echo, Catch }, {}, () => ({ payload: 'x'.repeat(256 << 10) }));
    assert.equal(errorOf(ended), 'States.DataLimitExceeded');
  });

  it('counts the retries of each retrier apart', async () => {
    const Retry = [
      { ErrorEquals: ['A'], MaxAttempts: 2 },
      { ErrorEquals: ['States.ALL'], MaxAttempts: 1 },
    ];
    const errors = ['A', 'B', 'A', 'A', 'A'];
    let calls = 0;
    const ended = await run({ ...echo, Retry }, {}, () => ({
      error: { errorType: errors[calls++]!, errorMessage: '' },
    }));
    // Two retries for A, one for B: the third A is the end.
    assert.deepEqual([errorOf(ended), calls], ['A', 4]);
  });
});

describe('a distributed map', () => {
  const map = (tolerated: number, batcher: object = {}) => ({
    Type: 'Map',
    MaxConcurrency: 3,
    ToleratedFailurePercentage: tolerated,
    ItemReader: {
      Resource: 'arn:aws:states:::s3:listObjectsV2',
      Arguments: { Bucket: 'in', Prefix: '{% $states.input.prefix %}' },
    },
    ItemBatcher: {
      MaxItemsPerBatch: 5,
      MaxInputBytesPerBatch: 100_000,
      BatchInput: { who: '{% $states.input.who %}' },
      ...batcher,
    },
    ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' }, ...machineOf(echo) },
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Arguments: { Bucket: 'out', Prefix: 'runs' },
      WriterConfig: { OutputType: 'JSONL', Transformation: 'COMPACT' },
    },
    End: true,
  });
  type Batch = { Items: { Key: string }[]; BatchInput: { who: string } };
  const input = { prefix: '', who: 'me' };

  it('hands every item on once, with the input of the batch', async () => {
    const batches: Batch[] = [];
    await run(map(0), input, (payload) => ({ payload: batches.push(payload as Batch) }));
    const keys = batches.flatMap(({ Items }) => Items.map(({ Key }) => Key));
    assert.deepEqual(keys.sort(), s3.keys('in').sort());
    for (const { BatchInput } of batches) assert.deepEqual(BatchInput, { who: 'me' });
  });

  it('makes smaller batches where items are large', async () => {
    const sizes: number[] = [];
    await run(map(0, { MaxInputBytesPerBatch: 400 }), input, (payload) => {
      sizes.push(Buffer.byteLength(JSON.stringify(payload)));
      return { payload };
    });
    assert.ok(sizes.length > 4 && sizes.every((bytes) => bytes <= 400), String(sizes));
  });

  // One batch of four fails: 5 of 20 items.
  for (const [tolerated, error] of [
    [25, null],
    [24.9, 'States.ExceedToleratedFailureThreshold'],
  ] as const) {
    it(`with a quarter failed and ${tolerated} % tolerated ${error ? 'gives up' : 'succeeds'}`, async () => {
      const ended = await run(map(tolerated), input, (payload) =>
        (payload as Batch).Items[0]!.Key === '05'
          ? { error: { errorType: 'Broken', errorMessage: 'it is' } }
          : { payload },
      );
      assert.equal(errorOf(ended), error);
      if (error !== null) return;
      const { ResultWriterDetails } = (ended as { output: { ResultWriterDetails: { Key: string } } }).output;
      const manifest = JSON.parse(s3.get('out', ResultWriterDetails.Key)!.bytes.toString('utf8'));
      const linesOf = (status: string): Record<string, unknown>[] => {
        const text = s3.get('out', manifest.ResultFiles[status][0].Key)!.bytes.toString('utf8');
        return text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
      };
      assert.equal(linesOf('SUCCEEDED').length, 3);
      const [failed] = linesOf('FAILED');
      assert.deepEqual([failed!.Error, JSON.parse(String(failed!.Input)).Items.length], ['Broken', 5]);
    });
  }

  it('over a bucket that cannot be listed fails in its reader', async () => {
    const state = map(0);
    state.ItemReader.Arguments.Bucket = 'nowhere';
    assert.equal(errorOf(await run(state, input)), 'States.ItemReaderFailed');
  });
});

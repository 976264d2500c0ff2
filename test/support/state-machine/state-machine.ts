/**
 * Runs state machines as Step Functions does, written after its documentation: what agrees with it here fits
 * together, but only AWS itself can say that AWS behaves so.
 * https://states-language.net/spec.html
 */
import { randomUUID } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Machine, Retrier, State, Task } from './definition.ts';
import { evaluate, type States, StatesError } from './expressions.ts';
import { runDistributedMap } from './map.ts';

/** What passes between states, in bytes. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAX_PAYLOAD_BYTES = 256 << 10;
/** Not even `States.ALL` matches them. */
const NEVER_CAUGHT = ['States.DataLimitExceeded', 'States.Runtime'];

/** What an invocation of a function ends with. */
export type Invoked = { payload: unknown } | { error: { errorType: string; errorMessage: string } };

export interface Services {
  invoke(functionName: string, payload: unknown): Promise<Invoked>;
  s3: S3Client;
  /** Called in place of waiting. */
  wait(seconds: number): void;
  /** Called with what DescribeMapRun would tell, each time that it changes. */
  mapRun(counts: MapRunCounts): void;
}

/** Items, not batches. */
export interface MapRunCounts {
  total: number;
  succeeded: number;
  failed: number;
  pending: number;
}

export type Ended =
  | { status: 'SUCCEEDED'; output: unknown }
  | { status: 'FAILED'; error: string; cause: string };

/** One execution, from its input to its end. */
export async function runStateMachine(machine: Machine, input: unknown, services: Services): Promise<Ended> {
  const execution = { Id: randomUUID(), Input: input, StartTime: new Date().toISOString() };
  let name: string | null = machine.StartAt;
  let data = input;
  try {
    checkSize(data);
    while (name !== null) {
      const state: State | undefined = machine.States[name];
      if (state === undefined) throw new StatesError('States.Runtime', `no state is called ${name}`);
      const context = { Execution: execution, State: { Name: name, EnteredTime: new Date().toISOString() } };
      ({ next: name, data } = await runState(state, { input: data, context }, services));
      checkSize(data);
    }
    return { status: 'SUCCEEDED', output: data };
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { status: 'FAILED', error: error.error, cause: error.reason };
  }
}

interface Step {
  next: string | null;
  data: unknown;
}

async function runState(state: State, states: States, services: Services): Promise<Step> {
  switch (state.Type) {
    case 'Task':
      return await handled(state, services, () => runTask(state, states, services));
    case 'Map':
      return await handled(state, services, () => runDistributedMap(state, states, services));
    case 'Choice':
      return { next: await choose(state, states), data: states.input };
    case 'Pass':
      return { next: state.Next ?? null, data: await evaluate(state.Output, states) };
    case 'Succeed':
      return { next: null, data: states.input };
    case 'Fail':
      throw new StatesError(state.Error, state.Cause);
  }
}

async function choose(state: State & { Type: 'Choice' }, states: States): Promise<string> {
  for (const { Condition, Next } of state.Choices) {
    if ((await evaluate(Condition, states)) === true) return Next;
  }
  if (state.Default === undefined) throw new StatesError('States.NoChoiceMatched', 'no choice matched');
  return state.Default;
}

async function runTask(task: Task, states: States, services: Services): Promise<unknown> {
  const { FunctionName, Payload } = (await evaluate(task.Arguments, states)) as Task['Arguments'];
  checkSize(Payload);
  const invoked = await services.invoke(FunctionName, Payload);
  if ('error' in invoked) throw new StatesError(invoked.error.errorType, JSON.stringify(invoked.error));
  checkSize(invoked.payload);
  const result = { ExecutedVersion: '1', Payload: invoked.payload, StatusCode: 200 };
  return await evaluate(task.Output, { ...states, result });
}

/** Retry, then Catch. */
async function handled(
  { Retry, Catch, Next }: Pick<Task, 'Retry' | 'Catch' | 'Next'>,
  services: Services,
  run: () => Promise<unknown>,
): Promise<Step> {
  const attempts = new Map<Retrier, number>();
  for (;;) {
    try {
      return { next: Next ?? null, data: await run() };
    } catch (error) {
      if (!(error instanceof StatesError)) throw error;
      const retrier = Retry.find((r) => matches(error, r.ErrorEquals));
      const before = retrier === undefined ? 0 : (attempts.get(retrier) ?? 0);
      if (retrier !== undefined && before < retrier.MaxAttempts) {
        attempts.set(retrier, before + 1);
        services.wait(delayOf(retrier, before));
        continue;
      }
      const catcher = Catch.find((c) => matches(error, c.ErrorEquals));
      if (catcher === undefined) throw error;
      return { next: catcher.Next, data: { Error: error.error, Cause: error.reason } };
    }
  }
}

function matches({ error }: StatesError, names: string[]): boolean {
  if (names.includes(error)) return true;
  if (NEVER_CAUGHT.includes(error)) return false;
  return names.includes('States.ALL') || (names.includes('States.TaskFailed') && error !== 'States.Timeout');
}

/** Seconds; with full jitter anything up to them, of which the longest is told. */
function delayOf({ IntervalSeconds, BackoffRate, MaxDelaySeconds }: Retrier, before: number): number {
  return Math.min(IntervalSeconds * BackoffRate ** before, MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
}

function checkSize(data: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(data) ?? '');
  if (bytes > MAX_PAYLOAD_BYTES) throw new StatesError('States.DataLimitExceeded', `${bytes} bytes`);
}

/**
 * Every alarm with what must set it off, and something like it that must not. What functions and state machines count comes of
 * running them: the packed functions under the runtime client, with the variables of the template. What else AWS measures is
 * made up here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type FunctionName, settingsOf } from '../../infra/settings.ts';
import { objectEnvironment, type PackedFunction, pack } from '../lambda/packed-function.ts';
import { type Datapoint, stateOf } from '../support/aws/alarms.ts';
import { type FakeS3, startFakeS3 } from '../support/aws/fake-s3.ts';
import { arnOf } from '../support/aws/template.ts';
import type { Invocation, LambdaFunction } from '../support/runtime-api/runtime-api.ts';
import { COFFEE } from '../support/samples.ts';
import { readDefinition } from '../support/state-machine/definition.ts';
import { runStateMachine } from '../support/state-machine/state-machine.ts';
import { deployedAs } from './deployed.ts';
import { definitionIn } from './workflow/workflow-template.ts';

const FUNCTION = 'AWS::Lambda::Function';
const { propertiesOf, named, idOf, idsOf, resources, template } = deployedAs('prod');
const { coldStarts, p99Seconds, oldestMessageMinutes } = settingsOf('prod').alarms;
/** The alarms here look no further back. */
const NOW = 60;

let fake: FakeS3;
const packed: PackedFunction[] = [];
const running: LambdaFunction[] = [];
let functions: Record<FunctionName, LambdaFunction>;
before(async () => {
  fake = await startFakeS3(['photos', 'results']);
  fake.put('photos', 'good.jpg', readFileSync(COFFEE));
  fake.put('photos', 'damaged.jpg', Buffer.from('no image'));
  const start = async (name: FunctionName): Promise<LambdaFunction> => {
    const { Variables } = propertiesOf(FUNCTION, idOfFunction(name)).Environment as {
      Variables: Record<string, string>;
    };
    const reported = Object.entries(Variables).filter(([variable]) => variable.startsWith('POWERTOOLS_'));
    const environment = {
      ...Object.fromEntries(reported),
      ...objectEnvironment(fake),
      AWS_LAMBDA_FUNCTION_NAME: functionName(name),
    };
    const made = await pack(name, environment);
    packed.push(made);
    const lambda = await made.start();
    running.push(lambda);
    return lambda;
  };
  functions = {
    http: await start('http'),
    queue: await start('queue'),
    workflow: await start('workflow'),
    summary: await start('summary'),
  };
});
after(async () => {
  for (const lambda of running) await lambda.close();
  for (const { dispose } of packed) dispose();
  await fake.close();
});

const idOfFunction = (name: FunctionName) => `${name[0]!.toUpperCase()}${name.slice(1)}Function`;
const functionName = (name: FunctionName) => named(FUNCTION, idOfFunction(name));

/** As Lambda measures what is called through the alias. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html */
function ofLambda(
  name: FunctionName,
  metric: string,
  values: number[],
  version = newVersion(name),
): Datapoint[] {
  const FunctionName = functionName(name);
  const Resource = `${FunctionName}:live`;
  return [
    { FunctionName },
    { FunctionName, Resource },
    { FunctionName, Resource, ExecutedVersion: version },
  ].flatMap((dimensions) => each({ namespace: 'AWS/Lambda', metric, dimensions }, values));
}

/** The version that the template publishes. */
const newVersion = (name: FunctionName) => `${named('AWS::Lambda::Version', idOfFunction(name))}.Version`;

/** One value a minute, the last of them now. */
function each(metric: Omit<Datapoint, 'minute' | 'value'>, values: number[]): Datapoint[] {
  return values.map((value, i) => ({ ...metric, value, minute: NOW - values.length + 1 + i }));
}

/** All in one minute. */
const errorsOf = (name: FunctionName, invocations: Invocation[], version?: string) =>
  invocations.flatMap((invocation) => ofLambda(name, 'Errors', ['error' in invocation ? 1 : 0], version));

const sqs = (queue: string, metric: string, values: number[]) =>
  each(
    {
      namespace: 'AWS/SQS',
      metric,
      dimensions: { QueueName: `${named('AWS::SQS::Queue', queue)}.QueueName` },
    },
    values,
  );

const http = (metric: string, values: number[]) =>
  each(
    {
      namespace: 'AWS/ApiGateway',
      metric,
      dimensions: { ApiId: named('AWS::ApiGatewayV2::Api', 'HttpApi') },
    },
    values,
  );

type MachineName = 'OneImage' | 'WholeBucket';

function ofMachine(name: MachineName, metric: string, values: number[]): Datapoint[] {
  const StateMachineArn = arnOf(idOf('AWS::StepFunctions::StateMachine', `Workflows${name}`), resources);
  return each({ namespace: 'AWS/States', metric, dimensions: { StateMachineArn } }, values);
}

/** What an execution of a state machine ends with, run with the real function. */
async function failuresOf(name: MachineName, input: unknown): Promise<Datapoint[]> {
  const { status } = await runStateMachine(readDefinition(definitionIn(template, name)), input, {
    invoke: async (_name, payload) => await functions.workflow.invoke(payload),
    s3: undefined as never,
    wait: () => undefined,
    mapRun: () => undefined,
  });
  return status === 'FAILED' ? ofMachine(name, 'ExecutionsFailed', [1]) : [];
}

/** Lines of the log in CloudWatch's embedded format, as the metrics that it makes of them. */
function ofLog(lambda: LambdaFunction, metric: string): Datapoint[] {
  return (lambda.logs() as EmbeddedMetrics[]).flatMap((line) =>
    (line._aws?.CloudWatchMetrics ?? []).flatMap(({ Namespace: namespace, Dimensions, Metrics }) =>
      Metrics.filter(({ Name }) => Name === metric).flatMap(() =>
        Dimensions.flatMap((names) =>
          each(
            {
              namespace,
              metric,
              dimensions: Object.fromEntries(names.map((name) => [name, String(line[name])])),
            },
            [line[metric]].flat().map(Number),
          ),
        ),
      ),
    ),
  );
}

interface EmbeddedMetrics extends Record<string, unknown> {
  _aws?: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
}

const object = (key: string) => ({ bucket: 'photos', key });

/** While S3 denies every object, which is for operators to mend. */
async function denied<T>(ask: () => Promise<T>): Promise<T> {
  fake.onRequest(() => ({ kind: 'error', status: 403, code: 'AccessDenied' }));
  try {
    return await ask();
  } finally {
    fake.onRequest(() => undefined);
  }
}

const records = (...bodies: string[]) => ({
  Records: bodies.map((body, i) => ({ messageId: String(i), body, eventSource: 'aws:sqs' })),
});

const requestOf = (method: string, path: string, body?: Buffer) => ({
  version: '2.0',
  rawPath: path,
  rawQueryString: '',
  headers: { host: 'captions.example', ...(body && { 'content-type': 'image/jpeg' }) },
  requestContext: {
    domainName: 'captions.example',
    requestId: '1',
    stage: '$default',
    http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
  },
  ...(body && { body: body.toString('base64') }),
  isBase64Encoded: body !== undefined,
});

/** Each function once as it fails, and once as it answers what somebody did wrong. */
const FAILS: Record<FunctionName, () => Promise<Invocation>> = {
  // Killed as if its memory ran out.
  http: async () => {
    const answer = functions.http.invoke(requestOf('GET', '/health'));
    functions.http.kill();
    return await answer;
  },
  queue: async () => await functions.queue.invoke({ hello: 'world' }),
  workflow: async () => await denied(() => functions.workflow.invoke(object('good.jpg'))),
  summary: async () => await functions.summary.invoke({}),
};
const ANSWERS: Record<FunctionName, () => Promise<Invocation[]>> = {
  http: async () => [
    await functions.http.invoke(requestOf('POST', '/captions', Buffer.from('no image'))),
    await functions.http.invoke(requestOf('GET', '/nowhere')),
  ],
  queue: async () => {
    const detail = { bucket: { name: 'photos' }, object: { key: 'damaged.jpg' } };
    const event = JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', detail });
    return [await functions.queue.invoke(records(event, 'no event of S3'))];
  },
  workflow: async () => [
    await functions.workflow.invoke(object('damaged.jpg')),
    await functions.workflow.invoke(object('nowhere.jpg')),
    await functions.workflow.invoke({ bucket: 'of others', key: 'a.jpg' }),
    await functions.workflow.invoke({ image: Buffer.from('no image').toString('base64') }),
  ],
  summary: async () => {
    const failed = { captioned: 0, failed: 9, skipped: 0, milliseconds: 4 };
    fake.put('results', 'runs/1/a.jsonl', Buffer.from(JSON.stringify(failed)));
    const ResultFiles = { SUCCEEDED: [{ Key: 'runs/1/a.jsonl' }] };
    fake.put('results', 'runs/1/manifest.json', Buffer.from(JSON.stringify({ ResultFiles })));
    const manifest = { Bucket: 'results', Key: 'runs/1/manifest.json' };
    return [await functions.summary.invoke({ manifest, memory: 1769, architecture: 'x86_64' })];
  },
};

interface Trial {
  must: () => Datapoint[] | Promise<Datapoint[]>;
  mustNot: () => Datapoint[] | Promise<Datapoint[]>;
}

const minutes = (count: number, value: number) => Array<number>(count).fill(value);

const ofFunction = (name: FunctionName): Record<string, Trial> => ({
  [`${idOfFunction(name)}Errors`]: {
    must: async () => errorsOf(name, [await FAILS[name]()]),
    mustNot: async () => errorsOf(name, await ANSWERS[name]()),
  },
  // The new version's failures, and not those of the old one beside it.
  [`${idOfFunction(name)}NewVersionErrors`]: {
    must: async () => errorsOf(name, [await FAILS[name]()]),
    mustNot: async () => [
      ...errorsOf(name, [await FAILS[name]()], 'the version before'),
      ...errorsOf(name, await ANSWERS[name]()),
    ],
  },
  // A rush of five minutes passes.
  [`AlarmsThrottles${name}`]: {
    must: () => ofLambda(name, 'Throttles', [1, ...minutes(4, 0), 1, ...minutes(4, 0), 1, ...minutes(4, 0)]),
    mustNot: () => ofLambda(name, 'Throttles', [...minutes(9, 0), ...minutes(5, 1000)]),
  },
});

const ofStateMachine = (name: MachineName, mustNot: unknown): Record<string, Trial> => ({
  [`AlarmsFailed${name}`]: {
    must: async () =>
      name === 'OneImage'
        ? await denied(() => failuresOf(name, object('good.jpg')))
        : ofMachine(name, 'ExecutionsFailed', [1]),
    mustNot: async () => await failuresOf(name, mustNot),
  },
  [`AlarmsTimedOut${name}`]: {
    must: () => ofMachine(name, 'ExecutionsTimedOut', [1]),
    mustNot: () => ofMachine(name, 'ExecutionsAborted', [1]),
  },
  [`AlarmsThrottled${name}`]: {
    must: () => ofMachine(name, 'ExecutionThrottled', minutes(15, 1)),
    mustNot: () => ofMachine(name, 'ExecutionThrottled', minutes(5, 1000)),
  },
});

const TRIALS: Record<string, Trial> = {
  ...ofFunction('http'),
  ...ofFunction('queue'),
  ...ofFunction('workflow'),
  ...ofFunction('summary'),
  ...ofStateMachine('OneImage', object('damaged.jpg')),
  ...ofStateMachine('WholeBucket', { bucket: 'photos' }),
  AlarmsDeadLetters: {
    must: () => sqs('QueueDeadLetters', 'ApproximateNumberOfMessagesVisible', [0, 1]),
    mustNot: () => [
      ...sqs('QueueImages', 'ApproximateNumberOfMessagesVisible', [9_999]),
      ...sqs('QueueDeadLetters', 'ApproximateNumberOfMessagesVisible', [0]),
    ],
  },
  AlarmsOldestMessage: {
    must: () => sqs('QueueImages', 'ApproximateAgeOfOldestMessage', [oldestMessageMinutes * 60]),
    mustNot: () => [
      ...sqs('QueueImages', 'ApproximateAgeOfOldestMessage', [oldestMessageMinutes * 60 - 1]),
      // Where they wait for a person.
      ...sqs('QueueDeadLetters', 'ApproximateAgeOfOldestMessage', [86_400]),
    ],
  },
  AlarmsServerErrors: {
    must: () => http('5xx', [1, ...minutes(5, 0), 1]),
    mustNot: () => [...http('5xx', minutes(5, 1)), ...http('4xx', minutes(10, 99))],
  },
  AlarmsSlow: {
    must: () => ofLambda('http', 'Duration', minutes(15, p99Seconds * 1000)),
    // One request in two hundred.
    mustNot: () =>
      ofLambda('http', 'Duration', minutes(15, p99Seconds * 1000)).flatMap((slow) => [
        slow,
        ...Array.from({ length: 199 }, () => ({ ...slow, value: 50 })),
      ]),
  },
  AlarmsColdStarts: {
    must: async () => repeated(await coldStartOf('http'), coldStarts),
    mustNot: async () => [
      ...repeated(await coldStartOf('http'), coldStarts - 1),
      ...repeated(await coldStartOf('queue'), coldStarts),
    ],
  },
};

/** Its first start: those that ended without an answer say nothing. */
async function coldStartOf(name: FunctionName): Promise<Datapoint[]> {
  if (functions[name].starts() === 0) await ANSWERS[name]();
  const [first, ...others] = ofLog(functions[name], 'ColdStart');
  assert.ok(first && others.length < functions[name].starts());
  return [first];
}

const repeated = (points: Datapoint[], times: number) => Array<Datapoint[]>(times).fill(points).flat();

describe('what sets it off, and what does not', () => {
  for (const [name, { must, mustNot }] of Object.entries(TRIALS)) {
    test(name, async () => {
      const alarm = propertiesOf('AWS::CloudWatch::Alarm', name);
      assert.equal(stateOf(alarm, await must(), NOW), 'ALARM');
      assert.equal(stateOf(alarm, await mustNot(), NOW), 'OK');
      assert.equal(stateOf(alarm, [], NOW), 'OK');
    });
  }

  test('every alarm is among them', () => {
    const tried = Object.keys(TRIALS).map((name) => idOf('AWS::CloudWatch::Alarm', name));
    assert.deepEqual(tried.sort(), idsOf('AWS::CloudWatch::Alarm').sort());
  });
});

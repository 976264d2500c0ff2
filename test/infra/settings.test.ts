import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { SMALLEST_GPU } from '../../infra/gpu-settings.ts';
import { ENVIRONMENTS, OPEN_TO_EVERYBODY, type SettingsInput, settingsOf } from '../../infra/settings.ts';
import { USUAL_PLAN } from '../../src/bucket-run/plan.ts';
import { threadsOf } from '../../src/lambda/env.ts';

const limits = { requestsPerSecond: 5, burst: 5 };
const alarms = { oldestMessageMinutes: 1, p99Seconds: 1, coldStarts: 1 };

test('every environment has valid settings, and requests must be signed in each', () => {
  assert.deepEqual(ENVIRONMENTS, ['dev', 'prod']);
  for (const name of ENVIRONMENTS) assert.equal(settingsOf(name).api.auth.kind, 'iam');
});

test('what overrides name replaces the environment, the rest stays', () => {
  const settings = settingsOf('prod', { architecture: 'arm64' });
  assert.deepEqual(settings, { ...settingsOf('prod'), architecture: 'arm64' });
});

const refused: Record<string, { settings: object; at: string }> = {
  'an open address without the words that say so': {
    settings: { api: { ...limits, auth: { kind: 'none', acknowledge: 'yes' } } },
    at: 'api.auth.acknowledge',
  },
  'JWT without an audience': {
    settings: { api: { ...limits, auth: { kind: 'jwt', issuer: 'https://issuer.example', audience: [] } } },
    at: 'api.auth.audience',
  },
  'a timeout that the gateway does not wait for': {
    settings: {
      functions: {
        ...settingsOf('dev').functions,
        http: { memory: 1769, timeout: 30, reservedConcurrency: 5 },
      },
    },
    at: 'functions.http.timeout',
  },
  'more warm environments than there may be': {
    settings: {
      functions: {
        ...settingsOf('dev').functions,
        http: { memory: 1769, timeout: 29, reservedConcurrency: 5, provisionedConcurrency: 6 },
      },
    },
    at: 'functions.http',
  },
  'a page in place of an origin': {
    settings: { api: { auth: { kind: 'iam' }, ...limits, corsOrigins: ['https://app.example.org/page'] } },
    at: 'api.corsOrigins',
  },
  'a retention that CloudWatch does not know': { settings: { logRetentionDays: 8 }, at: 'logRetentionDays' },
  'a misspelt setting': { settings: { logLevle: 'INFO' }, at: '' },
  'a bucket with a name that S3 refuses': {
    settings: { allowedBuckets: ['No_Bucket'] },
    at: 'allowedBuckets.0',
  },
  'a budget that nobody hears of': { settings: { monthlyBudget: 10, alarms }, at: 'monthlyBudget' },
  'GPU machines without a network': { settings: { gpu: SMALLEST_GPU }, at: 'gpu' },
};

for (const [what, { settings, at }] of Object.entries(refused)) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => settingsOf('dev', settings as Partial<SettingsInput>),
      (error) => error instanceof z.ZodError && error.issues.some(({ path }) => path.join('.') === at),
    );
  });
}

test('the address opens to everybody only in so many words', () => {
  const api = { ...limits, auth: { kind: 'none', acknowledge: OPEN_TO_EVERYBODY } } as const;
  assert.equal(settingsOf('dev', { api }).api.auth.kind, 'none');
});

test('threads follow the processors that the memory pays for', () => {
  assert.deepEqual([512, 1769, 3537, 3538, 10_240].map(threadsOf), [1, 1, 1, 2, 5]);
});

test('estimates without a deployment are those of the development environment', () => {
  const { workflow, functions, architecture } = settingsOf('dev');
  assert.deepEqual(USUAL_PLAN, {
    batchSize: workflow.batchSize,
    concurrency: functions.workflow.reservedConcurrency,
    memory: functions.workflow.memory,
    architecture,
  });
});

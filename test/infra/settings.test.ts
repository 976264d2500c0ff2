import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { SMALLEST_GPU } from '../../infra/gpu-settings.ts';
import { ENVIRONMENTS, OPEN_TO_EVERYBODY, type SettingsInput, settingsOf } from '../../infra/settings.ts';
import { USUAL_PLAN } from '../../src/bucket-run/plan.ts';
import { threadsOf } from '../../src/lambda/env.ts';

const limits = { requestsPerSecond: 5, burst: 5 };
const page = {
  login: { kind: 'cognito', domainPrefix: 'captions-example' },
  firewall: { kind: 'own', requestsPerFiveMinutes: 1_000 },
};
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
  'a queue that starts more than its function reserves': {
    settings: {
      functions: {
        ...settingsOf('dev').functions,
        queue: { memory: 1769, timeout: 60, reservedConcurrency: 5 },
      },
      queue: { batchSize: 5, attempts: 3, concurrency: 6 },
    },
    at: 'queue.concurrency',
  },
  'a run with more batches at once than its function reserves': {
    settings: {
      functions: {
        ...settingsOf('dev').functions,
        workflow: { memory: 1769, timeout: 120, reservedConcurrency: 5 },
      },
      workflow: { batchSize: 1, toleratedFailurePercentage: 5, oneImage: 'express', concurrency: 6 },
    },
    at: 'workflow.concurrency',
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
  'a page whose API asks for signatures': { settings: { page }, at: 'page' },
  'an API that asks for tokens of a login that is not there': {
    settings: { api: { ...limits, auth: { kind: 'page' } } },
    at: 'page',
  },
  'an address to sign in at that Cognito does not give away': {
    settings: { page: { ...page, login: { kind: 'cognito', domainPrefix: 'my-cognito' } } },
    at: 'page.login.domainPrefix',
  },
  'a provider without TLS': {
    settings: {
      page: { ...page, login: { kind: 'oidc', issuer: 'http://issuer.example', clientId: 'page' } },
    },
    at: 'page.login.issuer',
  },
  'a certificate that CloudFront does not look for': {
    settings: {
      page: { ...page, domain: { name: 'a.example', certificateArn: 'arn:aws:acm:eu-west-1:1:c/2' } },
    },
    at: 'page.domain.certificateArn',
  },
  'a web ACL that is not of CloudFront': {
    settings: {
      page: {
        ...page,
        firewall: { kind: 'existing', webAclArn: 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b' },
      },
    },
    at: 'page.firewall.webAclArn',
  },
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

test('what runs at the same time follows what functions reserve, and without reservations fits a new account', () => {
  const bounds = ({ queue, workflow }: ReturnType<typeof settingsOf>) => [
    queue.concurrency,
    workflow.concurrency,
  ];
  assert.deepEqual(bounds(settingsOf('prod')), [20, 100]);
  const dev = settingsOf('dev');
  assert.deepEqual(
    Object.values(dev.functions).map(({ reservedConcurrency }) => reservedConcurrency),
    [undefined, undefined, undefined, undefined],
  );
  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 10 in an account that is new.
  const [images = 0, batches = 0] = bounds(dev);
  assert.ok(
    images + batches <= 8,
    `${images} + ${batches}: requests over HTTP and a summary need room as well`,
  );
  const functions = { ...dev.functions, queue: { ...dev.functions.queue, reservedConcurrency: 7 } };
  assert.deepEqual(bounds(settingsOf('dev', { functions })), [7, 5]);
});

test('without a reservation environments may be kept warm', () => {
  const { functions } = settingsOf('dev');
  const http = { ...functions.http, provisionedConcurrency: 3 };
  assert.equal(
    settingsOf('dev', { functions: { ...functions, http } }).functions.http.provisionedConcurrency,
    3,
  );
});

test('threads follow the processors that the memory pays for', () => {
  assert.deepEqual([512, 1769, 3537, 3538, 10_240].map(threadsOf), [1, 1, 1, 2, 5]);
});

test('estimates without a deployment are those of the development environment', () => {
  const { workflow, functions, architecture } = settingsOf('dev');
  assert.deepEqual(USUAL_PLAN, {
    batchSize: workflow.batchSize,
    concurrency: workflow.concurrency,
    memory: functions.workflow.memory,
    architecture,
  });
});

/** The least and the most that every number of the settings may be, by the limits of AWS. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gpuSettingsSchema, SMALLEST_GPU } from '../../infra/gpu-settings.ts';
import { type PageSettings, pageSettingsSchema } from '../../infra/page-settings.ts';
import { type SettingsInput, settingsOf } from '../../infra/settings.ts';

interface Bound {
  /** Names joined by dots. */
  at: string;
  least?: unknown;
  most?: unknown;
  tooLittle?: unknown;
  tooMuch?: unknown;
}

const whole = (at: string, least: number, most: number): Bound => ({
  at,
  least,
  most,
  tooLittle: least - 1,
  tooMuch: most + 1,
});
const aFunction = (name: string, seconds: number) => [
  whole(`functions.${name}.memory`, 512, 10_240),
  whole(`functions.${name}.timeout`, 5, seconds),
  whole(`functions.${name}.reservedConcurrency`, 2, 1000),
  { at: `functions.${name}.provisionedConcurrency`, least: 0, tooLittle: -1 },
];

const SETTINGS: Bound[] = [
  ...aFunction('http', 29),
  ...aFunction('queue', 900),
  ...aFunction('workflow', 240),
  ...aFunction('summary', 900),
  whole('api.requestsPerSecond', 1, 10_000),
  whole('api.burst', 1, 5_000),
  whole('input.expireDays', 1, 3650),
  whole('resultsExpireDays', 1, 3650),
  whole('accessLogsExpireDays', 1, 3650),
  whole('queue.batchSize', 1, 10),
  whole('queue.attempts', 2, 20),
  whole('queue.concurrency', 2, 1000),
  whole('workflow.batchSize', 1, 1000),
  whole('workflow.concurrency', 1, 10_000),
  whole('workflow.toleratedFailurePercentage', 0, 100),
  whole('alarms.oldestMessageMinutes', 1, 1440),
  { at: 'alarms.p99Seconds', least: 0.1, tooLittle: 0, most: 29, tooMuch: 29.1 },
  { at: 'alarms.coldStarts', least: 1, tooLittle: 0 },
  { at: 'maxPixels', least: 1, tooLittle: 0 },
  { at: 'modelDirectory', least: 'm', tooLittle: '' },
  { at: 'logRetentionDays', least: 1, most: 1096, tooLittle: 0, tooMuch: 1097 },
  { at: 'allowedBuckets', least: ['abc'], tooLittle: ['ab'] },
];

function settingsWith(at: string, value: unknown): Partial<SettingsInput> {
  const settings = structuredClone(settingsOf('dev')) as unknown as Record<string, unknown>;
  // Made of what functions reserve, which is changed here.
  for (const name of ['queue', 'workflow']) delete (settings[name] as { concurrency?: number }).concurrency;
  const path = at.split('.');
  const last = path.pop()!;
  const holder = path.reduce((inner, name) => inner[name] as Record<string, unknown>, settings);
  holder[last] = value;
  return settings as Partial<SettingsInput>;
}

describe('settings', () => {
  for (const { at, least, most, tooLittle, tooMuch } of SETTINGS) {
    test(`${at} is from ${JSON.stringify(least)} to ${JSON.stringify(most) ?? 'any'}`, () => {
      const parse = (value: unknown) => settingsOf('dev', settingsWith(at, value));
      for (const value of [least, most]) if (value !== undefined) parse(value);
      for (const value of [tooLittle, tooMuch])
        if (value !== undefined) assert.throws(() => parse(value), { name: 'ZodError' }, `${at}: ${value}`);
    });
  }

  test('warm environments are up to half of those that may run: the old version of a deployment has as many', () => {
    const functions = settingsOf('dev').functions;
    const keeping = (provisionedConcurrency: number) => {
      const http = { ...functions.http, reservedConcurrency: 1000, provisionedConcurrency };
      return settingsOf('dev', { functions: { ...functions, http } }).functions.http.provisionedConcurrency;
    };
    assert.equal(keeping(500), 500);
    assert.throws(() => keeping(501), /has to fit in reservedConcurrency twice/);
  });

  const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/0123';
  const vpc = { id: 'vpc-1', availabilityZones: ['a'], privateSubnetIds: ['subnet-1'] };
  const limits = { requestsPerSecond: 5, burst: 5 };
  const jwt = { kind: 'jwt', issuer: 'https://issuer.example', audience: ['captions'] };
  const refused: Record<string, [good: object, bad: object]> = {
    'a name without a certificate of ACM': [
      { api: { auth: { kind: 'iam' }, ...limits, domain: { name: 'a.example', certificateArn } } },
      {
        api: {
          auth: { kind: 'iam' },
          ...limits,
          domain: { name: 'a.example', certificateArn: 'arn:aws:iam::1:server-certificate/0' },
        },
      },
    ],
    'an audience without a name': [
      { api: { auth: jwt, ...limits } },
      { api: { auth: { ...jwt, audience: [''] }, ...limits } },
    ],
    'a key that is not of KMS': [
      { input: { kind: 'existing', name: 'photos', keyArn: 'arn:aws:kms:eu-west-1:1:key/0' } },
      { input: { kind: 'existing', name: 'photos', keyArn: 'arn:aws:s3:::photos' } },
    ],
    'a prefix longer than 200 letters': [
      { input: { kind: 'existing', name: 'photos', prefix: 'a'.repeat(200) } },
      { input: { kind: 'existing', name: 'photos', prefix: 'a'.repeat(201) } },
    ],
    'more than 20 buckets': [
      { input: { kind: 'several', buckets: Array(20).fill({ name: 'photos' }) } },
      { input: { kind: 'several', buckets: Array(21).fill({ name: 'photos' }) } },
    ],
    'a bus by its ARN': [
      { events: { bus: 'own-bus_1.2' } },
      { events: { bus: 'arn:aws:events:eu-west-1:1:event-bus/own' } },
    ],
    'a network without zones': [{ vpc }, { vpc: { ...vpc, availabilityZones: [] } }],
    'a network without subnets': [{ vpc }, { vpc: { ...vpc, privateSubnetIds: [] } }],
    'a subnet by another name': [{ vpc }, { vpc: { ...vpc, privateSubnetIds: ['net-1'] } }],
    'a network by another name': [{ vpc }, { vpc: { ...vpc, id: 'network-1' } }],
    'a budget of nothing': [
      { monthlyBudget: 0.5, alarms: { ...settingsOf('dev').alarms, email: 'a@example.org' } },
      { monthlyBudget: 0, alarms: { ...settingsOf('dev').alarms, email: 'a@example.org' } },
    ],
    'mail to nobody': [
      { alarms: { ...settingsOf('dev').alarms, email: 'a@example.org' } },
      { alarms: { ...settingsOf('dev').alarms, email: 'nobody' } },
    ],
  };
  for (const [what, [good, bad]] of Object.entries(refused)) {
    test(`${what} is refused`, () => {
      settingsOf('dev', good);
      assert.throws(() => settingsOf('dev', bad), { name: 'ZodError' });
    });
  }

  const closed: Record<string, string[]> = {
    architecture: ['x86_64', 'arm64'],
    packaging: ['zip', 'container'],
    logLevel: ['DEBUG', 'INFO', 'WARN', 'ERROR'],
    deployment: ['canary', 'all-at-once'],
    removal: ['retain', 'destroy'],
    'workflow.oneImage': ['standard', 'express'],
  };
  for (const [at, values] of Object.entries(closed)) {
    test(`${at} is one of ${values.join(', ')}`, () => {
      for (const value of values) settingsOf('dev', settingsWith(at, value));
      assert.throws(() => settingsOf('dev', settingsWith(at, '')), { name: 'ZodError' });
    });
  }

  test('a name that is no setting is refused within every part', () => {
    for (const at of [
      'functions.http',
      'api',
      'api.auth',
      'input',
      'queue',
      'workflow',
      'alarms',
      'functions',
    ]) {
      assert.throws(() => settingsOf('dev', settingsWith(`${at}.other`, 1)), /other/, at);
    }
  });

  test('what is not said is off, and no bucket or page of others is let in', () => {
    const {
      snapStart,
      allowedBuckets,
      api,
      functions,
      vpc: network,
      gpu,
      page,
      monthlyBudget,
    } = settingsOf('dev');
    assert.deepEqual(
      [snapStart, allowedBuckets, api.corsOrigins, functions.queue.provisionedConcurrency],
      [false, [], [], 0],
    );
    assert.deepEqual([network, gpu, page, monthlyBudget], Array(4).fill(undefined));
    const { events, tagObjects, customerKey, resultsVersioned, input: own } = settingsOf('prod');
    assert.deepEqual(
      [events, tagObjects, customerKey, resultsVersioned],
      [undefined, false, undefined, false],
    );
    const everything = { prefix: '', suffixes: [] };
    assert.deepEqual(own, { kind: 'own', expireDays: 90, versioned: false, ...everything });
    const input = { kind: 'existing', name: 'photos' } as const;
    assert.deepEqual(settingsOf('dev', { input }).input, { ...input, ...everything });
    assert.deepEqual(settingsOf('dev', { events: {} }).events, { bus: 'default', topic: false });
  });

  test('development costs little and goes whole, production is traced, kept and deployed in steps', () => {
    const kept = ({ logLevel, tracing, deployment, removal, workflow }: ReturnType<typeof settingsOf>) => [
      logLevel,
      tracing,
      deployment,
      removal,
      workflow.oneImage,
    ];
    assert.deepEqual(kept(settingsOf('dev')), ['DEBUG', false, 'all-at-once', 'destroy', 'express']);
    assert.deepEqual(kept(settingsOf('prod')), ['INFO', true, 'canary', 'retain', 'standard']);
    assert.equal(settingsOf('prod').functions.http.provisionedConcurrency, 1);
  });
});

describe('settings of GPU machines', () => {
  const BOUNDS: Bound[] = [
    whole('maxInstances', 1, 20),
    { at: 'messagesPerInstance', least: 1, tooLittle: 0 },
    whole('idleMinutes', 1, 60),
    whole('workers', 1, 64),
    { at: 'memory', least: 2048, tooLittle: 2047 },
    { at: 'modelDirectory', tooMuch: 'models/im2txt' },
    { at: 'endpoints', least: false, most: true, tooLittle: 'yes' },
    { at: 'baseImage', least: 'i', tooLittle: '' },
    { at: 'minInstances', least: 0, most: 2, tooLittle: -1, tooMuch: 3 },
    {
      at: 'instanceType',
      least: 'g4dn.xlarge',
      most: 'g6e.12xlarge',
      tooLittle: 'xg5.large',
      tooMuch: 'g5.',
    },
    { at: 'certificateArn', least: 'arn:aws:acm:eu-west-1:1:certificate/1', tooLittle: 'certificate/1' },
    { at: 'corsOrigins', least: ['https://a.example'], tooLittle: ['https://a.example/page'] },
  ];
  for (const { at, least, most, tooLittle, tooMuch } of BOUNDS) {
    test(`${at} is from ${JSON.stringify(least)} to ${JSON.stringify(most) ?? 'any'}`, () => {
      const fits = (value: unknown) =>
        gpuSettingsSchema.safeParse({ ...SMALLEST_GPU, minInstances: 0, [at]: value }).success;
      for (const value of [least, most]) if (value !== undefined) assert.ok(fits(value), `${value}`);
      for (const value of [tooLittle, tooMuch]) if (value !== undefined) assert.ok(!fits(value), `${value}`);
    });
  }

  test('an instance type ends where its name does', () => {
    const fits = (instanceType: string) =>
      gpuSettingsSchema.safeParse({ ...SMALLEST_GPU, instanceType }).success;
    assert.deepEqual(['g5.large x', 'g5xlarge', 'g6.metal'].map(fits), [false, false, true]);
  });

  test('20 machines are the most, both at least and at most', () => {
    const fits = (minInstances: number, maxInstances: number) =>
      gpuSettingsSchema.safeParse({ ...SMALLEST_GPU, minInstances, maxInstances }).success;
    assert.deepEqual([fits(20, 20), fits(21, 21)], [true, false]);
  });

  test('the smallest is a spot machine with one T4, off while nothing waits', () => {
    assert.deepEqual(
      [SMALLEST_GPU.instanceType, SMALLEST_GPU.spot, SMALLEST_GPU.minInstances, SMALLEST_GPU.corsOrigins],
      ['g4dn.xlarge', true, 0, []],
    );
    assert.deepEqual(gpuSettingsSchema.parse(SMALLEST_GPU), SMALLEST_GPU);
  });
});

describe('settings of the page', () => {
  const parse = (login: object, requestsPerFiveMinutes = 100): PageSettings =>
    pageSettingsSchema.parse({ login, firewall: { kind: 'own', requestsPerFiveMinutes } });
  const cognito = (domainPrefix: string) => ({ kind: 'cognito', domainPrefix });
  const oidc = { kind: 'oidc', issuer: 'https://issuer.example', clientId: 'page' };

  test('a rate is from 10 to 2,000,000,000 requests in five minutes', () => {
    for (const limit of [10, 2_000_000_000]) parse(oidc, limit);
    for (const limit of [9, 2_000_000_001]) assert.throws(() => parse(oidc, limit), /firewall/);
  });

  test('an address to sign in at has 1 to 63 letters, digits and hyphens, none of them at an end', () => {
    for (const prefix of ['a', '1-a', 'a'.repeat(63)]) parse(cognito(prefix));
    for (const prefix of ['', 'a-', '-a', 'a'.repeat(64), 'A', 'a.b', 'my-aws', 'amazon', 'a-cognito'])
      assert.throws(() => parse(cognito(prefix)), /domainPrefix/, prefix);
  });

  test('a second factor is asked for, and of a provider as little as there is, unless said otherwise', () => {
    assert.deepEqual(parse(cognito('a')).login, { ...cognito('a'), secondFactor: true });
    assert.deepEqual(parse(oidc).login, { ...oidc, scope: 'openid' });
  });
});

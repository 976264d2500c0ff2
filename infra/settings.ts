/** Every number that a deployer may change: `dev` and `prod` side by side at the end of this file. */
import * as z from 'zod';
import { bucketName } from '../src/aws/object-reference.ts';
import { DEFAULT_MAX_OBJECT_BYTES, objectBytes } from '../src/aws/places.ts';
import { originsSchema } from '../src/http/cross-origin.ts';
import { customerKeySchema } from './encryption.ts';
import { eventSettingsSchema } from './events/event-settings.ts';
import { gpuSettingsSchema } from './gpu-settings.ts';
import { days, inputSchema } from './input/input-settings.ts';
import { fitToModel } from './model-size.ts';
import { pageSettingsSchema } from './page-settings.ts';

/** HTTP APIs give up after 30 s: the function has to answer first. */
const LONGEST_HTTP_SECONDS = 29;
const LONGEST_SECONDS = 900;
/** An Express workflow, as each batch of a run over a bucket is one, ends after 300 s, a second try included. */
const LONGEST_BATCH_SECONDS = 240;
/** What a deployer has to write to leave the address open to everybody. */
export const OPEN_TO_EVERYBODY = 'anybody may call this address and I pay for it';

/** The retentions that CloudWatch Logs knows. */
const logRetentionDays = z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096]);

function functionSchema(longestSeconds: number) {
  return z
    .strictObject({
      /** MB; processor time grows with it. */
      memory: z.int().min(512).max(10_240),
      /** Seconds. */
      timeout: z.int().min(5).max(longestSeconds),
      /**
       * Environments at the same time, at most, and kept free for it. Without it the function shares what the account has:
       * Lambda refuses reservations that leave less than 100 to all others, so small accounts can have none.
       */
      reservedConcurrency: z.int().min(2).max(1000).optional(),
      /** Environments that are always warm; 0 for none. During a deployment the old version has as many as the new one. */
      provisionedConcurrency: z.int().min(0).max(1000).default(0),
    })
    .refine((f) => 2 * f.provisionedConcurrency <= (f.reservedConcurrency ?? Infinity), {
      message:
        'provisionedConcurrency has to fit in reservedConcurrency twice: for the old and the new version of a deployment',
    });
}

const authSchema = z.discriminatedUnion('kind', [
  /** Requests signed with SigV4 by somebody who has `execute-api:Invoke`. */
  z.strictObject({ kind: z.literal('iam') }),
  z.strictObject({ kind: z.literal('jwt'), issuer: z.url(), audience: z.array(z.string().min(1)).min(1) }),
  /** Whoever has signed in to the page, by the tokens of `page.login`. */
  z.strictObject({ kind: z.literal('page') }),
  z.strictObject({ kind: z.literal('none'), acknowledge: z.literal(OPEN_TO_EVERYBODY) }),
]);

const apiSchema = z.strictObject({
  auth: authSchema,
  /** Requests a second, all clients together. */
  requestsPerSecond: z.number().min(1).max(10_000),
  burst: z.int().min(1).max(5_000),
  /** Origins whose pages may call the API, `*` for any. */
  corsOrigins: originsSchema.default([]),
  /** The DNS record for it is the deployer's to make: its target is an output. */
  domain: z
    .strictObject({
      name: z.hostname(),
      certificateArn: z.string().startsWith('arn:').includes(':acm:', 'expected a certificate of ACM'),
    })
    .optional(),
});

const queueSchema = z.strictObject({
  /** Messages of one invocation: images are captioned one after the other. */
  batchSize: z.int().min(1).max(10),
  /** Attempts before a message goes to the dead-letter queue. */
  attempts: z.int().min(2).max(20),
  /** Invocations that the queue starts at the same time. @default what its function reserves, else 2: Lambda takes no less */
  concurrency: z.int().min(2).max(1000).optional(),
});

const workflowSchema = z.strictObject({
  /** Images of one invocation: few enough for the function's timeout. */
  batchSize: z.int().min(1).max(1000),
  /** Batches of a run at the same time. @default what its function reserves, else 5 */
  concurrency: z.int().min(1).max(10_000).optional(),
  /** Per cent of the images that service faults may leave undone before a run over a bucket gives up. */
  toleratedFailurePercentage: z.number().min(0).max(100),
  /** `express` costs less and keeps no history but its log; at most 5 minutes, at least once. */
  oneImage: z.enum(['standard', 'express']),
});

const alarmsSchema = z.strictObject({
  /** Gets mail about alarms; without it they only change their state. */
  email: z.email().optional(),
  /** Minutes that an image may wait for its caption. */
  oldestMessageMinutes: z.int().min(1).max(1440),
  /** Of an HTTP request inside the function, 99th percentile, seconds. */
  p99Seconds: z.number().positive().max(LONGEST_HTTP_SECONDS),
  /** Cold starts of the HTTP function in five minutes. */
  coldStarts: z.int().min(1),
});

/** A network that is there already. Its subnets need a way to S3: a gateway endpoint. */
const vpcSchema = z.strictObject({
  id: z.string().startsWith('vpc-'),
  availabilityZones: z.array(z.string()).min(1),
  privateSubnetIds: z.array(z.string().startsWith('subnet-')).min(1),
});

const settingsSchema = z
  .strictObject({
    architecture: z.enum(['x86_64', 'arm64']),
    /** `container`: for models that a zip of 250 MB does not hold. */
    packaging: z.enum(['zip', 'container']),
    /** For containers: start from a snapshot. Not in every region, and not where environments are always warm. */
    snapStart: z.boolean().default(false),
    /** The bundle, from the root of the repository. */
    modelDirectory: z.string().min(1),
    functions: z.strictObject({
      http: functionSchema(LONGEST_HTTP_SECONDS),
      queue: functionSchema(LONGEST_SECONDS),
      workflow: functionSchema(LONGEST_BATCH_SECONDS),
      /** Counts up a run over a bucket; loads no model. */
      summary: functionSchema(LONGEST_SECONDS),
    }),
    api: apiSchema,
    input: inputSchema,
    /** Further buckets that images may be read from by reference. */
    allowedBuckets: z.array(bucketName).default([]),
    /** Largest image read from S3, bytes. */
    maxObjectBytes: objectBytes,
    /** Largest image, pixels; more take more memory than 1769 MB. By default it depends on the kind: `docs/operations.md`. */
    maxPixels: z.int().min(1).optional(),
    queue: queueSchema,
    workflow: workflowSchema,
    resultsExpireDays: days,
    /** Keeps results that were deleted for `resultsExpireDays` more. */
    resultsVersioned: z.boolean().default(false),
    /** Tells a bus of EventBridge what became of images and runs; off without it, for it has its price. */
    events: eventSettingsSchema.optional(),
    /** Writes the best caption on each object of the input bucket, as its tag `caption`. */
    tagObjects: z.boolean().default(false),
    /** A key of KMS for buckets, queues, topics and logs, in place of AWS's own. */
    customerKey: customerKeySchema.optional(),
    accessLogsExpireDays: days,
    logRetentionDays,
    logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
    /** Traces in X-Ray. */
    tracing: z.boolean(),
    alarms: alarmsSchema,
    /** `canary`: a tenth of the calls for five minutes, back at once when an alarm goes off. */
    deployment: z.enum(['canary', 'all-at-once']),
    /**
     * What becomes of buckets when the stack goes; one that is not empty stays in any case. `retain` protects the stack itself
     * from being deleted, too.
     */
    removal: z.enum(['retain', 'destroy']),
    vpc: vpcSchema.optional(),
    /** The server on GPU machines captions what the queue names, in place of the function; needs `vpc`. `SMALLEST_GPU` is a start. */
    gpu: gpuSettingsSchema.optional(),
    /** The page behind CloudFront, a firewall and a login. */
    page: pageSettingsSchema.optional(),
    /** US dollars a month for the whole account; told to `alarms.email` at 80 % and when the forecast is above. */
    monthlyBudget: z.number().positive().optional(),
  })
  .refine((s) => s.gpu === undefined || s.vpc !== undefined, {
    path: ['gpu'],
    message: 'GPU machines need vpc',
  })
  .refine((s) => (s.page === undefined) === (s.api.auth.kind !== 'page'), {
    path: ['page'],
    message:
      'page needs api.auth { "kind": "page" }, and that needs page: an API asks for tokens of the login or for something else, not for both',
  })
  .refine((s) => s.monthlyBudget === undefined || s.alarms.email !== undefined, {
    path: ['monthlyBudget'],
    message: 'a budget needs alarms.email',
  })
  .transform((s) => ({
    ...s,
    queue: { ...s.queue, concurrency: concurrencyOf('queue', s, 2) },
    workflow: { ...s.workflow, concurrency: concurrencyOf('workflow', s, 5) },
  }))
  .superRefine((s, { addIssue }) => {
    for (const name of ['queue', 'workflow'] as const) {
      const { concurrency } = s[name];
      const { reservedConcurrency: reserved } = s.functions[name];
      if (reserved === undefined || concurrency <= reserved) continue;
      const message = `has to fit in functions.${name}.reservedConcurrency (${reserved}): more would be refused`;
      addIssue({ code: 'custom', path: [name, 'concurrency'], message });
    }
  });

interface Bounded {
  functions: Record<'queue' | 'workflow', { reservedConcurrency?: number | undefined }>;
  queue: { concurrency?: number | undefined };
  workflow: { concurrency?: number | undefined };
}

function concurrencyOf(name: 'queue' | 'workflow', settings: Bounded, otherwise: number): number {
  return settings[name].concurrency ?? settings.functions[name].reservedConcurrency ?? otherwise;
}

export type SettingsInput = z.input<typeof settingsSchema>;
export type Settings = z.output<typeof settingsSchema>;
export type FunctionName = keyof Settings['functions'];

const dev: SettingsInput = {
  architecture: 'x86_64',
  packaging: 'zip',
  modelDirectory: 'models/everyday',
  functions: {
    http: { memory: 1769, timeout: 29 },
    queue: { memory: 1769, timeout: 60 },
    workflow: { memory: 1769, timeout: 120 },
    summary: { memory: 512, timeout: 300 },
  },
  api: { auth: { kind: 'iam' }, requestsPerSecond: 10, burst: 20 },
  input: { kind: 'own', expireDays: 7 },
  maxObjectBytes: DEFAULT_MAX_OBJECT_BYTES,
  queue: { batchSize: 5, attempts: 3 },
  workflow: { batchSize: 100, toleratedFailurePercentage: 5, oneImage: 'express' },
  resultsExpireDays: 30,
  accessLogsExpireDays: 30,
  logRetentionDays: 7,
  logLevel: 'DEBUG',
  tracing: false,
  alarms: { oldestMessageMinutes: 30, p99Seconds: 10, coldStarts: 50 },
  deployment: 'all-at-once',
  removal: 'destroy',
};

const prod: SettingsInput = {
  ...dev,
  functions: {
    http: { memory: 1769, timeout: 29, reservedConcurrency: 50, provisionedConcurrency: 1 },
    queue: { memory: 1769, timeout: 60, reservedConcurrency: 20 },
    workflow: { memory: 1769, timeout: 120, reservedConcurrency: 100 },
    summary: { memory: 512, timeout: 300, reservedConcurrency: 2 },
  },
  api: { auth: { kind: 'iam' }, requestsPerSecond: 100, burst: 200 },
  input: { kind: 'own', expireDays: 90 },
  queue: { batchSize: 10, attempts: 5 },
  workflow: { batchSize: 100, toleratedFailurePercentage: 5, oneImage: 'standard' },
  resultsExpireDays: 365,
  accessLogsExpireDays: 90,
  logRetentionDays: 90,
  logLevel: 'INFO',
  tracing: true,
  alarms: { oldestMessageMinutes: 15, p99Seconds: 5, coldStarts: 100 },
  deployment: 'canary',
  removal: 'retain',
};

const environments = { dev, prod };
export type EnvironmentName = keyof typeof environments;
export const ENVIRONMENTS = Object.keys(environments) as readonly EnvironmentName[];

/**
 * The settings of an environment, with what `overrides` names in place of its own; objects are replaced whole.
 * @param modelBytes of the bundle's files: what its size asks for holds where `overrides` say nothing
 * @throws ZodError naming every setting that is wrong
 */
export function settingsOf(
  environment: EnvironmentName,
  overrides: Partial<SettingsInput> = {},
  modelBytes = 0,
): Settings {
  return settingsSchema.parse({ ...fitToModel(environments[environment], modelBytes), ...overrides });
}

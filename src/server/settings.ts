import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { deploymentName, EVENT_SOURCE, eventBusName } from '../aws/event-names.ts';
import { bucketName } from '../aws/object-reference.ts';
import {
  DEFAULT_MAX_OBJECT_BYTES,
  DEFAULT_RESULTS_PREFIX,
  DEFAULT_UPLOADS_PREFIX,
  mixesResultsWithImages,
  objectBytes,
  PREFIX_NEEDED,
  resultsPrefix,
  uploadsPrefix,
} from '../aws/places.ts';
import { originsSchema } from '../http/cross-origin.ts';
import { defaultBatch, MAX_BATCH, mostWorkers } from '../model/execution-provider.ts';

/** Each worker holds a model of its own; more than this is a mistyped number. */
const MAX_WORKERS = 64;
/** Images that wait for each worker: about half a second's work of the default model. */
const QUEUED_PER_WORKER = 32;
/** And no fewer than fill its next batches. */
const QUEUED_BATCHES = 4;
/** Any camera's photographs are smaller; as base64 in JSON it leaves 24 MB. */
const DEFAULT_MAX_BODY = 32 << 20;
/** Of one body: it is held in memory twice, as it comes and in a piece. Uploads and the queue take larger images. */
const LARGEST_BODY = 256 << 20;
/** Of all bodies that are on their way, what has come: bounds the memory that uploads take. */
const DEFAULT_MAX_BODIES = 256 << 20;
/** What the default model captions in half a minute: more images in a form are answered by a time-out. */
const LARGEST_MAX_IMAGES = 1_000;
/** Longer than anybody waits for an image: a larger number is a mistyped unit. */
const LONGEST_TIMEOUT_MS = 3_600_000;
/** From a first byte to the end of the headers: they come in one packet or two. */
const DEFAULT_HEADERS_TIMEOUT_MS = 10_000;

const bytes = z
  .int()
  .min(1, 'give at least 1 byte')
  .max(Number.MAX_SAFE_INTEGER, 'give fewer bytes than memory can have');
const timeout = z.int().min(1, 'give at least 1ms').max(LONGEST_TIMEOUT_MS, 'give at most 1h');

/** A server as its operator wants it. Times in milliseconds. */
export const serverSettingsSchema = z
  .object({
    /** 0 takes any free port. */
    port: z.int().min(0).max(65535).default(8080),
    /** Of metrics alone, which are then not told on `port`; 0 takes any free one. @default `port` */
    metricsPort: z.int().min(0).max(65535).optional(),
    /** This machine alone, unless asked otherwise: there is no authentication. */
    host: z.string().min(1).default('127.0.0.1'),
    /** @default the processors, at most 8; with `cuda` 2; the command takes fewer where memory is short: see `defaultWorkers` */
    workers: z.int().min(1).max(MAX_WORKERS).optional(),
    /** Inside one network run. */
    threads: z
      .int()
      .min(1)
      .max(2 * availableParallelism())
      .default(1),
    executionProvider: z.enum(['cpu', 'cuda']).default('cpu'),
    /** Images that a worker takes at once, as many as wait when it is free. @default 4, with `cuda` 32 */
    batch: z.int().min(1).max(MAX_BATCH).optional(),
    /** Images that may wait for a worker; the next ones are answered 503. @default 32 for each worker, or four batches */
    queue: z.int().min(0).max(10_000).optional(),
    /** Buckets of S3 that requests may name images in. */
    allowedBuckets: z.array(bucketName).default([]),
    /** Of SQS: events of S3, whose objects in `allowedBuckets` are captioned beside HTTP. @default none */
    queueUrl: z.url().optional(),
    /** Where what the queue names gets its result documents; needed with `queueUrl`. */
    resultsBucket: bucketName.optional(),
    resultsPrefix: resultsPrefix.default(DEFAULT_RESULTS_PREFIX),
    /** Largest object of the queue, bytes. */
    maxObjectBytes: objectBytes.default(DEFAULT_MAX_OBJECT_BYTES),
    /** Bus of EventBridge that is told what became of what the queue names. @default nobody is told */
    eventBus: eventBusName.optional(),
    /** What those events call this server. */
    deployment: deploymentName.default(EVENT_SOURCE),
    /** Whether what the queue names gets its best caption as a tag. */
    tagObjects: z.boolean().default(false),
    /** Clients upload images there that are too large for a request; the queue captions them. @default no uploads */
    uploadsBucket: bucketName.optional(),
    uploadsPrefix: uploadsPrefix.default(DEFAULT_UPLOADS_PREFIX),
    /** Largest image, pixels. @default by its kind, as `--max-pixels` says */
    maxPixels: z.int().min(1).optional(),
    /** That all images at work may take to decode, bytes. @default what the models leave, as `--decode-memory` says */
    decodeMemory: bytes.optional(),
    /** Origins whose pages may call, `*` for any. @default pages of this machine while `host` is this machine, else none */
    corsOrigin: originsSchema.optional(),
    /** Longest body of a request, bytes. */
    maxBody: bytes.max(LARGEST_BODY, 'give at most 256mib').default(DEFAULT_MAX_BODY),
    /** Of all bodies on their way, bytes that have come; the next ones are answered 503. At least `maxBody`. */
    maxBodies: bytes.default(DEFAULT_MAX_BODIES),
    /** Images of a form. @default 20 */
    maxImages: z.int().min(1).max(LARGEST_MAX_IMAGES).optional(),
    /** From a connection's or a request's first byte to the end of its headers. @default 10 s, or less as `requestTimeout` */
    headersTimeout: timeout.optional(),
    /** From a request's first byte to its last: 32 MB at 9 Mbit/s. */
    requestTimeout: timeout.default(30_000),
    /** Of a connection between requests: longer than the 60 s after which usual load balancers let go first. */
    idleTimeout: timeout.default(65_000),
    /** From a request's body to its answer. */
    answerTimeout: timeout.default(30_000),
    /** From the signal to stop until what is still at work is cut off: shorter than the 30 s of ECS and Kubernetes. */
    stopTimeout: timeout.default(25_000),
  })
  .refine((s) => s.uploadsBucket === undefined || s.resultsBucket !== undefined, {
    path: ['uploadsBucket'],
    message: 'needs {resultsBucket}, where the outcome of uploads is looked for',
  })
  .refine((s) => s.queueUrl === undefined || (s.resultsBucket !== undefined && s.allowedBuckets.length > 0), {
    path: ['queueUrl'],
    message: 'needs {resultsBucket} and {allowedBuckets}',
  })
  .refine(({ eventBus, queueUrl }) => eventBus === undefined || queueUrl !== undefined, {
    path: ['eventBus'],
    message: 'needs {queueUrl}: only what a queue names is told of',
  })
  .refine(({ tagObjects, queueUrl }) => !tagObjects || queueUrl !== undefined, {
    path: ['tagObjects'],
    message: 'needs {queueUrl}: only what a queue names is tagged',
  })
  .refine(
    ({ resultsBucket: bucket, resultsPrefix: prefix, allowedBuckets }) =>
      bucket === undefined || !mixesResultsWithImages({ bucket, prefix }, allowedBuckets),
    { path: ['resultsPrefix'], message: PREFIX_NEEDED },
  )
  .refine(({ port, metricsPort }) => metricsPort !== port || port === 0, {
    path: ['metricsPort'],
    message: 'has to be another one than {port}, which has metrics without it',
  })
  .refine(({ maxBody, maxBodies }) => maxBodies >= maxBody, {
    path: ['maxBodies'],
    message: 'has to be as much as {maxBody}, or a body of that length is never taken',
  })
  .refine(({ headersTimeout = 0, requestTimeout }) => headersTimeout <= requestTimeout, {
    path: ['headersTimeout'],
    message: 'has to be no longer than {requestTimeout}, which the headers are part of',
  })
  .transform((given) => {
    const { executionProvider, requestTimeout } = given;
    const { workers = mostWorkers(executionProvider), batch = defaultBatch(executionProvider) } = given;
    const { queue = workers * Math.max(QUEUED_PER_WORKER, QUEUED_BATCHES * batch) } = given;
    const { headersTimeout = Math.min(DEFAULT_HEADERS_TIMEOUT_MS, requestTimeout) } = given;
    return { ...given, workers, batch, queue, headersTimeout };
  });

export type ServerSettings = z.output<typeof serverSettingsSchema>;
export type ServerSettingsInput = z.input<typeof serverSettingsSchema>;

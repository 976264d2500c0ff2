import { availableParallelism } from 'node:os';
import * as z from 'zod';
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

/** Each worker holds a model of its own; more than this is a mistyped number. */
const MAX_WORKERS = 64;
/** Without being asked the server takes no more than this: memory runs out before processors do. */
const MAX_DEFAULT_WORKERS = 8;
/** Images that wait for each worker: about half a second's work of the default model. */
const QUEUED_PER_WORKER = 32;
/** A day's photographs of any camera are smaller; as base64 in JSON it leaves 24 MB. */
const MAX_BODY_BYTES = 32 << 20;
/** Bodies that may be on their way at once, by their announced lengths: bounds the memory that uploads take. */
const MAX_BODIES_BYTES = 256 << 20;

/** A server as its operator wants it. Times in milliseconds. */
export const serverSettingsSchema = z
  .object({
    /** 0 takes any free port. */
    port: z.int().min(0).max(65535).default(8080),
    /** This machine alone, unless asked otherwise: there is no authentication. */
    host: z.string().min(1).default('127.0.0.1'),
    workers: z.int().min(1).max(MAX_WORKERS).optional(),
    /** Inside one network run. */
    threads: z
      .int()
      .min(1)
      .max(2 * availableParallelism())
      .default(1),
    executionProvider: z.enum(['cpu', 'cuda']).default('cpu'),
    /** Images that may wait for a worker; the next ones are answered 503. @default 32 for each worker */
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
    /** Clients upload images there that are too large for a request; the queue captions them. @default no uploads */
    uploadsBucket: bucketName.optional(),
    uploadsPrefix: uploadsPrefix.default(DEFAULT_UPLOADS_PREFIX),
    /** Largest image, pixels. @default by its kind, as `--max-pixels` says */
    maxPixels: z.int().min(1).optional(),
    /** Origins whose pages may call, `*` for any. @default pages of this machine while `host` is this machine, else none */
    corsOrigin: originsSchema.optional(),
    maxBodyBytes: z.int().min(1).default(MAX_BODY_BYTES),
    maxBodiesBytes: z.int().min(1).default(MAX_BODIES_BYTES),
    /** From a connection's or a request's first byte to the end of its headers. */
    headersTimeout: z.int().min(1).default(10_000),
    /** From a request's first byte to its last: 32 MB at 9 Mbit/s. */
    requestTimeout: z.int().min(1).default(30_000),
    /** Of a connection between requests: longer than the 60 s after which usual load balancers let go first. */
    idleTimeout: z.int().min(1).default(65_000),
    /** From a request's body to its answer. */
    answerTimeout: z.int().min(1).default(30_000),
    /** From the signal to stop until what is still at work is cut off: shorter than the 30 s of ECS and Kubernetes. */
    stopTimeout: z.int().min(1).default(25_000),
  })
  .refine((s) => s.uploadsBucket === undefined || s.resultsBucket !== undefined, {
    path: ['uploadsBucket'],
    message: 'needs {resultsBucket}, where the outcome of uploads is looked for',
  })
  .refine((s) => s.queueUrl === undefined || (s.resultsBucket !== undefined && s.allowedBuckets.length > 0), {
    path: ['queueUrl'],
    message: 'needs {resultsBucket} and {allowedBuckets}',
  })
  .refine(
    ({ resultsBucket: bucket, resultsPrefix: prefix, allowedBuckets }) =>
      bucket === undefined || !mixesResultsWithImages({ bucket, prefix }, allowedBuckets),
    { path: ['resultsPrefix'], message: PREFIX_NEEDED },
  )
  .transform(({ workers = defaultWorkers(), queue = workers * QUEUED_PER_WORKER, ...rest }) => ({
    ...rest,
    workers,
    queue,
  }));

export type ServerSettings = z.output<typeof serverSettingsSchema>;
export type ServerSettingsInput = z.input<typeof serverSettingsSchema>;

function defaultWorkers(): number {
  return Math.min(MAX_DEFAULT_WORKERS, availableParallelism());
}

/** Every environment variable of the functions: the names for those who deploy, the rules for those who read. */
import * as z from 'zod';
import { deploymentName, eventBusName } from '../aws/event-names.ts';
import { bucketName } from '../aws/object-reference.ts';
import {
  DEFAULT_MAX_OBJECT_BYTES,
  DEFAULT_RESULTS_PREFIX,
  mixesResultsWithImages,
  objectBytes,
  type Place,
  PREFIX_NEEDED,
  resultsPrefix,
} from '../aws/places.ts';

/** Directory of the model bundle; required. */
export const MODEL_DIR = 'MODEL_DIR';
/** Threads inside one network run. @default one for each 1,769 MB of the function's memory, at least 1 */
export const MODEL_THREADS = 'MODEL_THREADS';
/** Buckets that images may be read from, comma separated. Required but for HTTP, which without it reads no S3. */
export const ALLOWED_BUCKETS = 'ALLOWED_BUCKETS';
/** Bucket of the result documents; required but for HTTP, which writes none. */
export const RESULTS_BUCKET = 'RESULTS_BUCKET';
/** What every result's key starts with: empty, or ending in `/`. @default captions/ */
export const RESULTS_PREFIX = 'RESULTS_PREFIX';
/** Largest image read from S3, in bytes. @default 67108864 */
export const MAX_OBJECT_BYTES = 'MAX_OBJECT_BYTES';
/** Largest image, in pixels. @default by its kind: 256, 128 or 50 million */
export const MAX_PIXELS = 'MAX_PIXELS';
/** Memory that an image may take to decode, in bytes. @default nine tenths of what the model leaves of the function's memory */
const DECODE_MEMORY = 'DECODE_MEMORY';
/** Buckets whose objects get their best caption as a tag, comma separated. @default none */
export const TAG_OBJECTS = 'TAG_OBJECTS';
/** Bus of EventBridge that is told of results; without it nobody is. */
export const EVENT_BUS = 'EVENT_BUS';
/** What those events call this deployment; required with a bus. */
export const DEPLOYMENT = 'DEPLOYMENT';
/** `on` sends a trace of each invocation to X-Ray. @default off */
export const TRACING = 'TRACING';
/** `service` of every log line and metric. @default show-and-tell */
export const SERVICE_NAME = 'POWERTOOLS_SERVICE_NAME';
/** CloudWatch namespace of the metrics. @default ShowAndTell */
export const METRICS_NAMESPACE = 'POWERTOOLS_METRICS_NAMESPACE';
/** Least severe log line that is written. @default INFO */
export const LOG_LEVEL = 'POWERTOOLS_LOG_LEVEL';

/** Metrics of the functions, all in the namespace above with dimension `service`. */
export const METRICS = {
  /** Images captioned. */
  captions: 'Captions',
  /** Images whose result was there before. */
  skipped: 'Skipped',
  /** With dimension `code` beside `service`: one of the error codes, or `InternalError` for a bug. */
  failures: 'Failures',
  /** Milliseconds of an image's stages. */
  decode: 'DecodeTime',
  preprocess: 'PreprocessTime',
  encode: 'EncodeTime',
  search: 'SearchTime',
  total: 'CaptionTime',
} as const;
/** Dimension of `METRICS.failures`. */
export const FAILURE_CODE = 'code';

/** Set by Lambda itself, in MB. */
const MEMORY_SIZE = 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE';
/** Lambda's megabytes are mebibytes. */
const BYTES_PER_MB = 1 << 20;
/** Lambda's rate: below, threads only take the one processor from each other. */
const MB_PER_PROCESSOR = 1769;

const buckets = z
  .string()
  .transform((list) => list.split(',').map((name) => name.trim()))
  .pipe(z.array(bucketName));

const modelSchema = z.object({
  [MODEL_DIR]: z.string().min(1),
  [MODEL_THREADS]: z.coerce.number().int().min(1).max(64).optional(),
  [MAX_OBJECT_BYTES]: z.coerce.number().pipe(objectBytes).default(DEFAULT_MAX_OBJECT_BYTES),
  [MAX_PIXELS]: z.coerce.number().int().min(1).optional(),
  [DECODE_MEMORY]: z.coerce.number().int().min(1).optional(),
  [TRACING]: z.enum(['on', 'off']).optional(),
  [SERVICE_NAME]: z.string().min(1).default('show-and-tell'),
  [METRICS_NAMESPACE]: z.string().min(1).default('ShowAndTell'),
  [LOG_LEVEL]: z.enum(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT', 'CRITICAL']).default('INFO'),
  [MEMORY_SIZE]: z.coerce.number().positive().default(MB_PER_PROCESSOR),
});
const httpSchema = modelSchema.extend({ [ALLOWED_BUCKETS]: buckets.default([]) });
const objectsSchema = modelSchema
  .extend({
    [ALLOWED_BUCKETS]: buckets,
    [RESULTS_BUCKET]: bucketName,
    [RESULTS_PREFIX]: resultsPrefix.default(DEFAULT_RESULTS_PREFIX),
    [TAG_OBJECTS]: buckets.default([]),
  })
  .refine((env) => !mixesResultsWithImages(placeOf(env), env[ALLOWED_BUCKETS]), {
    path: [RESULTS_PREFIX],
    message: PREFIX_NEEDED,
  });

const eventsSchema = z.object({ [EVENT_BUS]: eventBusName, [DEPLOYMENT]: deploymentName });

function placeOf(env: { [RESULTS_BUCKET]: string; [RESULTS_PREFIX]: string }): Place {
  return { bucket: env[RESULTS_BUCKET], prefix: env[RESULTS_PREFIX] };
}

/** What every function needs. */
export interface FunctionSettings {
  modelDirectory: string;
  threads: number;
  /** Empty: no object of S3 may be read. */
  allowedBuckets: readonly string[];
  maxObjectBytes: number;
  /** Largest image. @default by its kind */
  maxPixels: number | undefined;
  /** That an image may take to decode, bytes. @default what the model leaves of `memory` */
  decodeMemory: number | undefined;
  /** Of the function, bytes. */
  memory: number;
  tracing: boolean;
  serviceName: string;
  metricsNamespace: string;
  logLevel: z.output<typeof modelSchema>[typeof LOG_LEVEL];
}

/** What a function that writes result documents needs. */
export interface ObjectSettings extends FunctionSettings {
  results: Place;
  /** Buckets whose objects are tagged. */
  tagObjects: readonly string[];
}

type Environment = Record<string, string | undefined>;

/** @throws Error naming every variable that is missing or wrong */
export function readHttpSettings(env: Environment): FunctionSettings {
  return settingsOf(parse(httpSchema, env));
}

/** @throws Error naming every variable that is missing or wrong */
export function readObjectSettings(env: Environment): ObjectSettings {
  const parsed = parse(objectsSchema, env);
  return {
    ...settingsOf(parsed),
    results: placeOf(parsed),
    tagObjects: parsed[TAG_OBJECTS],
  };
}

/**
 * @returns `null` where nobody is told of results
 * @throws Error naming every variable that is missing or wrong
 */
export function readEventSettings(env: Environment): { bus: string; deployment: string } | null {
  if (env[EVENT_BUS] === undefined) return null;
  const parsed = parse(eventsSchema, env);
  return { bus: parsed[EVENT_BUS], deployment: parsed[DEPLOYMENT] };
}

/** Threads inside one network run that a function's memory, in MB, pays for. */
export function threadsOf(memory: number): number {
  return Math.max(1, Math.floor(memory / MB_PER_PROCESSOR));
}

function settingsOf(env: z.output<typeof httpSchema>): FunctionSettings {
  return {
    modelDirectory: env[MODEL_DIR],
    threads: env[MODEL_THREADS] ?? threadsOf(env[MEMORY_SIZE]),
    allowedBuckets: env[ALLOWED_BUCKETS],
    maxObjectBytes: env[MAX_OBJECT_BYTES],
    maxPixels: env[MAX_PIXELS],
    decodeMemory: env[DECODE_MEMORY],
    memory: env[MEMORY_SIZE] * BYTES_PER_MB,
    tracing: env[TRACING] === 'on',
    serviceName: env[SERVICE_NAME],
    metricsNamespace: env[METRICS_NAMESPACE],
    logLevel: env[LOG_LEVEL],
  };
}

/** Names variables and never quotes values, which may be secrets. */
function parse<S extends z.ZodType>(schema: S, env: Environment): z.output<S> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  throw new Error(`environment variables: ${issues.join('; ')}`);
}

/** Every environment variable of the functions: the names for those who deploy, the rules for those who read. */
import * as z from 'zod';

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
/** Lambda's rate: below, threads only take the one processor from each other. */
const MB_PER_PROCESSOR = 1769;
/** Room for any camera's JPEG; decoded pixels are limited apart. */
const DEFAULT_MAX_OBJECT_BYTES = 64 << 20;
/** No decoder of this program takes more. */
const LARGEST_MAX_OBJECT_BYTES = 256 << 20;

const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket');
const buckets = z
  .string()
  .transform((list) => list.split(',').map((name) => name.trim()))
  .pipe(z.array(bucket));
/** The rest of the 1,024 bytes of a key is for what names the image. */
const MAX_PREFIX_LENGTH = 200;
const prefix = z
  .string()
  .max(MAX_PREFIX_LENGTH)
  .regex(/^([\x21-\x7e]*[^/]\/)?$/, 'expected nothing, or ASCII without blanks that ends in one /');

const modelSchema = z.object({
  [MODEL_DIR]: z.string().min(1),
  [MODEL_THREADS]: z.coerce.number().int().min(1).max(64).optional(),
  [MAX_OBJECT_BYTES]: z.coerce
    .number()
    .int()
    .min(1)
    .max(LARGEST_MAX_OBJECT_BYTES)
    .default(DEFAULT_MAX_OBJECT_BYTES),
  [TRACING]: z.enum(['on', 'off']).default('off'),
  [SERVICE_NAME]: z.string().min(1).default('show-and-tell'),
  [METRICS_NAMESPACE]: z.string().min(1).default('ShowAndTell'),
  [LOG_LEVEL]: z.enum(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'SILENT', 'CRITICAL']).default('INFO'),
  [MEMORY_SIZE]: z.coerce.number().positive().default(MB_PER_PROCESSOR),
});
const httpSchema = modelSchema.extend({ [ALLOWED_BUCKETS]: buckets.default([]) });
const objectsSchema = modelSchema
  .extend({
    [ALLOWED_BUCKETS]: buckets,
    [RESULTS_BUCKET]: bucket,
    [RESULTS_PREFIX]: prefix.default('captions/'),
  })
  .refine((env) => env[RESULTS_PREFIX] !== '' || !env[ALLOWED_BUCKETS].includes(env[RESULTS_BUCKET]), {
    path: [RESULTS_PREFIX],
    message: `results in a bucket of ${ALLOWED_BUCKETS} need a prefix of their own, or results would be read as images`,
  });

/** What every function needs. */
export interface FunctionSettings {
  modelDirectory: string;
  threads: number;
  /** Empty: no object of S3 may be read. */
  allowedBuckets: readonly string[];
  maxObjectBytes: number;
  tracing: boolean;
  serviceName: string;
  metricsNamespace: string;
  logLevel: z.output<typeof modelSchema>[typeof LOG_LEVEL];
}

/** What a function that writes result documents needs. */
export interface ObjectSettings extends FunctionSettings {
  results: { bucket: string; prefix: string };
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
    results: { bucket: parsed[RESULTS_BUCKET], prefix: parsed[RESULTS_PREFIX] },
  };
}

function settingsOf(env: z.output<typeof httpSchema>): FunctionSettings {
  return {
    modelDirectory: env[MODEL_DIR],
    threads: env[MODEL_THREADS] ?? Math.max(1, Math.floor(env[MEMORY_SIZE] / MB_PER_PROCESSOR)),
    allowedBuckets: env[ALLOWED_BUCKETS],
    maxObjectBytes: env[MAX_OBJECT_BYTES],
    tracing: env[TRACING] === 'on',
    serviceName: env[SERVICE_NAME],
    metricsNamespace: env[METRICS_NAMESPACE],
    logLevel: env[LOG_LEVEL],
  };
}

/** Values stay out of the message: nobody knows what else an environment holds. */
function parse<S extends z.ZodType>(schema: S, env: Environment): z.output<S> {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  throw new Error(`environment variables: ${issues.join('; ')}`);
}

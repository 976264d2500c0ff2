/** What a million images cost on AWS, way by way. */
import { costOf } from '../../src/bucket-run/cost.ts';
import { MILLISECONDS_PER_IMAGE, USUAL_PLAN } from '../../src/bucket-run/plan.ts';
import { type Architecture, PRICE_TABLE } from '../../src/bucket-run/prices.ts';

export interface CostAssumptions {
  /** Milliseconds of a caption on one processor, and those of them that decode the image. */
  milliseconds: number;
  decode: number;
  /** Of the function, MB. */
  memory: number;
  architecture: Architecture;
  /** Images a second that one GPU machine captions; `null` for no more than what its processors can decode. */
  gpuRate: number | null;
}

/** US dollars for a million images. */
export interface CostRow {
  way: string;
  compute: number;
  /** API, events, queue, states and function calls. */
  requests: number;
  s3: number;
  logs: number;
}

/** Reading the request and writing the answer: base64, JSON. */
export const HTTP_MILLISECONDS = 5;
/** Four requests to S3, of which the function waits for each: what `run-bucket` reckons with, less a caption. */
export const S3_MILLISECONDS = MILLISECONDS_PER_IMAGE - 20;
/** Log lines of an image: the function's own (held by test/docs/costs.test.ts), those of Lambda, that of the API. */
export const LOG_BYTES = { function: 1_300, lambda: 700, api: 400, server: 300 } as const;
/** A warm environment is paid for while it waits: how much of the time it works. */
const BUSY = [1, 0.2] as const;
/** Of a g4dn.xlarge. Whatever its GPU does, these decode the images. */
export const GPU_MACHINE_PROCESSORS = 4;
/** A message for each image: sent, received, deleted. */
const QUEUE_REQUESTS = 3;
/** An image is described, its result looked for, the image read; then the result is written. */
const S3_READS = 3;

const MILLION = 1e6;
export const HOURS_PER_MONTH = 730;
const { prices } = PRICE_TABLE;

export function costRows(assumptions: CostAssumptions): CostRow[] {
  const { milliseconds } = assumptions;
  return [
    httpRow('HTTP, on demand', onDemand(milliseconds + HTTP_MILLISECONDS, assumptions)),
    ...BUSY.map((busy) =>
      httpRow(
        `HTTP, provisioned, ${100 * busy} % busy`,
        provisioned(milliseconds + HTTP_MILLISECONDS, busy, assumptions),
      ),
    ),
    uploadRow(assumptions),
    wholeBucketRow(assumptions),
    gpuRow(assumptions),
  ];
}

export function totalOf({ compute, requests, s3, logs }: CostRow): number {
  return compute + requests + s3 + logs;
}

/** One environment that is always warm and never works, US dollars a month. */
export function warmMonth({ memory, architecture }: CostAssumptions): number {
  return (memory / 1024) * 3600 * HOURS_PER_MONTH * prices.provisionedGbSecond[architecture];
}

/** Share of the time that a warm environment has to work to cost less than one on demand. */
export function busyEnough({ architecture }: CostAssumptions): number {
  const saved = prices.lambdaGbSecond[architecture] - prices.provisionedRunGbSecond[architecture];
  return prices.provisionedGbSecond[architecture] / saved;
}

function onDemand(milliseconds: number, { memory, architecture }: CostAssumptions): number {
  return MILLION * (memory / 1024) * (milliseconds / 1000) * prices.lambdaGbSecond[architecture];
}

function provisioned(milliseconds: number, busy: number, { memory, architecture }: CostAssumptions): number {
  const rate = prices.provisionedRunGbSecond[architecture] + prices.provisionedGbSecond[architecture] / busy;
  return MILLION * (memory / 1024) * (milliseconds / 1000) * rate;
}

function httpRow(way: string, compute: number): CostRow {
  const requests = MILLION * (prices.httpRequest + prices.lambdaRequest);
  return { way, compute, requests, s3: 0, logs: logCost(['function', 'lambda', 'api']) };
}

function uploadRow(assumptions: CostAssumptions): CostRow {
  return {
    way: 'S3 upload, on demand',
    compute: onDemand(assumptions.milliseconds + S3_MILLISECONDS, assumptions),
    requests: MILLION * (prices.event + QUEUE_REQUESTS * prices.sqsRequest + prices.lambdaRequest),
    s3: objectCost(),
    logs: logCost(['function', 'lambda']),
  };
}

function wholeBucketRow({ milliseconds, memory, architecture }: CostAssumptions): CostRow {
  const batches = MILLION / USUAL_PLAN.batchSize;
  const { lambda, stepFunctions, s3 } = costOf({
    processed: MILLION,
    skipped: 0,
    batches,
    milliseconds: MILLION * (milliseconds + S3_MILLISECONDS),
    memory,
    architecture,
  });
  const calls = batches * prices.lambdaRequest;
  const logs = logCost(['function']);
  return {
    way: `whole bucket, batches of ${USUAL_PLAN.batchSize}`,
    compute: lambda - calls,
    requests: stepFunctions + calls,
    s3,
    logs,
  };
}

/** Images a second of one GPU machine. */
export function gpuRateOf({ gpuRate, decode }: CostAssumptions): number {
  return gpuRate ?? (GPU_MACHINE_PROCESSORS * 1000) / decode;
}

function gpuRow(assumptions: CostAssumptions): CostRow {
  const rate = gpuRateOf(assumptions);
  return {
    way: `GPU machine, ${assumptions.gpuRate === null ? 'at best ' : ''}${Math.round(rate)} images/s`,
    compute: ((MILLION / rate) * prices.gpuHour) / 3600,
    requests: MILLION * (prices.event + QUEUE_REQUESTS * prices.sqsRequest),
    s3: objectCost(),
    logs: logCost(['server']),
  };
}

function objectCost(): number {
  return MILLION * (S3_READS * prices.s3Read + prices.s3Write);
}

function logCost(lines: readonly (keyof typeof LOG_BYTES)[]): number {
  const bytes = lines.reduce((sum, line) => sum + LOG_BYTES[line], 0);
  return ((MILLION * bytes) / 1e9) * prices.logGb;
}

/** What AWS asks for, in US dollars: on demand, first tier, without any free tier. */

export type Architecture = 'x86_64' | 'arm64';

export interface Prices {
  /** One GB of a function's memory for one second. */
  lambdaGbSecond: Record<Architecture, number>;
  lambdaRequest: number;
  /** One GB that is kept warm (provisioned concurrency) for one second, whether it works or not. */
  provisionedGbSecond: Record<Architecture, number>;
  /** The same while it works, on top. */
  provisionedRunGbSecond: Record<Architecture, number>;
  /** Of an HTTP API, for each 512 KB of it. */
  httpRequest: number;
  /** Of a bucket to EventBridge, for each 64 KB of it. */
  event: number;
  sqsRequest: number;
  /** Of a Standard workflow. */
  transition: number;
  expressRequest: number;
  /** One GB of an Express workflow's memory for one second. */
  expressGbSecond: number;
  /** PUT, COPY, POST and LIST. */
  s3Write: number;
  /** GET, HEAD and all others. */
  s3Read: number;
  /** One GB of log lines taken in by CloudWatch. */
  logGb: number;
  /** One hour of a g4dn.xlarge with Linux. */
  gpuHour: number;
}

/** One region's; other regions are up to a third dearer. */
export const PRICE_TABLE: { region: string; date: string; sources: readonly string[]; prices: Prices } = {
  region: 'us-east-1',
  date: '2026-11-23',
  sources: [
    'https://aws.amazon.com/lambda/pricing/',
    'https://aws.amazon.com/step-functions/pricing/',
    'https://aws.amazon.com/s3/pricing/',
    'https://aws.amazon.com/api-gateway/pricing/',
    'https://aws.amazon.com/eventbridge/pricing/',
    'https://aws.amazon.com/sqs/pricing/',
    'https://aws.amazon.com/cloudwatch/pricing/',
    'https://aws.amazon.com/ec2/pricing/on-demand/',
  ],
  prices: {
    lambdaGbSecond: { x86_64: 0.000_016_666_7, arm64: 0.000_013_333_4 },
    lambdaRequest: 0.2 / 1e6,
    provisionedGbSecond: { x86_64: 0.000_004_166_7, arm64: 0.000_003_333_4 },
    provisionedRunGbSecond: { x86_64: 0.000_009_722_2, arm64: 0.000_007_777_8 },
    httpRequest: 1 / 1e6,
    event: 1 / 1e6,
    sqsRequest: 0.4 / 1e6,
    transition: 0.025 / 1e3,
    expressRequest: 1 / 1e6,
    expressGbSecond: 0.000_016_67,
    s3Write: 0.005 / 1e3,
    s3Read: 0.0004 / 1e3,
    logGb: 0.5,
    gpuHour: 0.526,
  },
};

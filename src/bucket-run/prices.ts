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

/**
 * What is paid whether anything is captioned or not, and what options of the stack add; US dollars, without any free tier.
 * Of most of these AWS's own pages were not at hand: the sources are pages of others that quote them, most of 2026.
 * A request of CloudFront and a user of Cognito were quoted nowhere.
 */
export interface StandingPrices {
  alarmMonth: number;
  dashboardMonth: number;
  /** Of one's own, while something reports it. */
  metricMonth: number;
  /** A key of KMS, and a request that uses it. */
  keyMonth: number;
  keyRequest: number;
  /** Of WAF, in front of CloudFront. */
  webAclMonth: number;
  webAclRuleMonth: number;
  webAclRequest: number;
  /** One GB that CloudFront hands out in America or Europe. */
  distributedGb: number;
  natHour: number;
  natGb: number;
  publicAddressHour: number;
  /** An interface endpoint, in each availability zone. */
  endpointHour: number;
  endpointGb: number;
  balancerHour: number;
  /** One capacity unit of a load balancer: 1 GB an hour, or 25 new connections a second. */
  balancerUnitHour: number;
  /** One GB of a gp3 volume. */
  diskGbMonth: number;
}

export const STANDING_PRICES: { date: string; sources: readonly string[]; prices: StandingPrices } = {
  date: '2026-11-28',
  sources: [
    'https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm',
    'https://signoz.io/guides/cloudwatch-pricing',
    'https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards.md',
    'https://aws.amazon.com/kms/pricing/',
    'https://cloudburn.io/blog/aws-kms-pricing',
    'https://c3x.dev/blog/aws-waf-cost-explained/',
    'https://aws.amazon.com/cloudfront/pricing',
    'https://cloudburn.io/blog/aws-nat-gateway-pricing',
    'https://knbrlo.com/notes/aws/nat-gateway-data-processing',
    'https://awsnegotiations.com/elastic-load-balancer-cost.html',
    'https://c3x.dev/resources/aws/aws_ebs_volume',
  ],
  prices: {
    alarmMonth: 0.1,
    dashboardMonth: 3,
    metricMonth: 0.3,
    keyMonth: 1,
    keyRequest: 0.03 / 1e4,
    webAclMonth: 5,
    webAclRuleMonth: 1,
    webAclRequest: 0.6 / 1e6,
    distributedGb: 0.085,
    natHour: 0.045,
    natGb: 0.045,
    publicAddressHour: 0.005,
    endpointHour: 0.01,
    endpointGb: 0.01,
    balancerHour: 0.0225,
    balancerUnitHour: 0.008,
    diskGbMonth: 0.08,
  },
};

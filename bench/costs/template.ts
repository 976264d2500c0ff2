/** What a synthesised template costs a month while nothing is captioned. */
import { type Architecture, PRICE_TABLE, STANDING_PRICES } from '../../src/bucket-run/prices.ts';
import { HOURS_PER_MONTH } from './million.ts';
import { DISK_GB } from './month.ts';

export interface Template {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

export interface StandingCost {
  what: string;
  count: number;
  /** US dollars a month, all of them together. */
  month: number;
}

type Properties = Record<string, unknown>;

const { prices } = PRICE_TABLE;
const { prices: standing } = STANDING_PRICES;
const MACHINE = HOURS_PER_MONTH * prices.gpuHour + DISK_GB * standing.diskGbMonth;
const lengthOf = (list: unknown) => (Array.isArray(list) ? list.length : 0);

/** Of a resource of the type: how many are paid for, and what one costs a month. */
const PRICED: Record<
  string,
  { what: string; price: number; countOf?: (properties: Properties) => number }[]
> = {
  'AWS::CloudWatch::Alarm': [{ what: 'alarms', price: standing.alarmMonth }],
  'AWS::CloudWatch::Dashboard': [{ what: 'dashboards', price: standing.dashboardMonth }],
  'AWS::KMS::Key': [{ what: 'keys', price: standing.keyMonth }],
  'AWS::WAFv2::WebACL': [
    { what: 'web ACLs', price: standing.webAclMonth },
    { what: 'rules of web ACLs', price: standing.webAclRuleMonth, countOf: ({ Rules }) => lengthOf(Rules) },
  ],
  'AWS::EC2::NatGateway': [
    { what: 'NAT gateways', price: HOURS_PER_MONTH * (standing.natHour + standing.publicAddressHour) },
  ],
  'AWS::EC2::VPCEndpoint': [
    {
      what: 'interface endpoints, each zone',
      price: HOURS_PER_MONTH * standing.endpointHour,
      countOf: ({ SubnetIds }) => lengthOf(SubnetIds),
    },
  ],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': [
    { what: 'load balancers', price: HOURS_PER_MONTH * standing.balancerHour },
  ],
  'AWS::AutoScaling::AutoScalingGroup': [
    { what: 'GPU machines that never stop', price: MACHINE, countOf: ({ MinSize }) => Number(MinSize) },
  ],
};

export function standingCosts({ Resources }: Template): StandingCost[] {
  const costs = new Map<string, StandingCost>();
  const add = (what: string, count: number, price: number) => {
    const { count: before = 0, month = 0 } = costs.get(what) ?? {};
    if (count > 0) costs.set(what, { what, count: before + count, month: month + count * price });
  };
  for (const { Type, Properties = {} } of Object.values(Resources)) {
    for (const { what, price, countOf } of PRICED[Type] ?? []) add(what, countOf?.(Properties) ?? 1, price);
    if (WARM.includes(Type)) addWarm(Properties, Resources, add);
  }
  return [...costs.values()].sort((a, b) => b.month - a.month);
}

/** What environments may be kept warm for. */
const WARM = ['AWS::Lambda::Alias', 'AWS::Lambda::Version'];

/** Environments that are kept warm, at the memory and the processor of their function. */
function addWarm(
  kept: Properties,
  resources: Template['Resources'],
  add: (what: string, count: number, price: number) => void,
): void {
  const { ProvisionedConcurrencyConfig, FunctionName } = kept as {
    ProvisionedConcurrencyConfig?: { ProvisionedConcurrentExecutions: number };
    FunctionName: { Ref: string };
  };
  if (ProvisionedConcurrencyConfig === undefined) return;
  const { MemorySize = 128, Architectures } = (resources[FunctionName.Ref]?.Properties ?? {}) as {
    MemorySize?: number;
    Architectures?: Architecture[];
  };
  const rate = prices.provisionedGbSecond[Architectures?.[0] ?? 'x86_64'];
  add(
    `environments of ${MemorySize} MB kept warm`,
    ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions,
    (MemorySize / 1024) * 3600 * HOURS_PER_MONTH * rate,
  );
}

/** Those of a template that nobody has given a price, nor said to be free while idle. */
export function unpricedTypes({ Resources }: Template): string[] {
  const types = new Set(Object.values(Resources).map(({ Type }) => Type));
  return [...types].filter((type) => !(type in PRICED) && !FREE_WHILE_IDLE.test(type)).sort();
}

/** Paid for by use, or not at all. Stored objects and log lines are no use of the stack's own. */
const FREE_WHILE_IDLE =
  /^AWS::(S3|SQS|SNS|IAM|Lambda|Logs|Events|StepFunctions|ApiGatewayV2|CodeDeploy|CloudFront|Cognito|ECS|Budgets|ApplicationAutoScaling)::|^AWS::EC2::(SecurityGroup\w*|LaunchTemplate)$|^AWS::ElasticLoadBalancingV2::(Listener|TargetGroup)$|^AWS::AutoScaling::|^AWS::KMS::Alias$/;

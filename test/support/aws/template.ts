/** Values of a synthesised template as they would be after a deployment, with names made from logical ids. */

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';

const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'captioner',
};

const SERVICE: Record<string, string> = {
  'AWS::S3::Bucket': 's3',
  'AWS::SQS::Queue': 'sqs',
  'AWS::SNS::Topic': 'sns',
  'AWS::Logs::LogGroup': 'logs',
  'AWS::Lambda::Function': 'lambda',
  'AWS::Lambda::Alias': 'lambda',
  'AWS::IAM::Role': 'iam',
  'AWS::Events::Rule': 'events',
  'AWS::StepFunctions::StateMachine': 'states',
};

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string | string[];
  UpdateReplacePolicy?: string;
}
export type Resources = Record<string, Resource>;

/** What the deployment would call a resource: valid as a bucket's name. */
export function nameOf(logicalId: string): string {
  return logicalId.toLowerCase();
}

export function arnOf(logicalId: string, resources: Resources): string {
  const { Type: type = '' } = resources[logicalId] ?? {};
  const service = SERVICE[type] ?? 'unknown';
  if (service === 's3') return `arn:aws:s3:::${nameOf(logicalId)}`;
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${nameOf(logicalId)}`;
}

/** The value with `Ref`, `Fn::GetAtt` of ARNs, `Fn::Join` and `Fn::Sub` worked out; other functions stay. */
export function resolve(value: unknown, resources: Resources): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, resources));
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  if (others.length === 0) {
    if (name === 'Ref') return PSEUDO[argument as string] ?? referenceTo(argument as string, resources);
    if (name === 'Fn::GetAtt') return attribute(argument as [string, string], resources);
    if (name === 'Fn::Join') return joined(argument as [string, unknown[]], resources);
    if (name === 'Fn::Sub' && typeof argument === 'string') {
      return argument.replace(/\$\{([^}]+)\}/g, (_, ref: string) => PSEUDO[ref] ?? nameOf(ref));
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, resources)]));
}

/** CloudFormation's `Ref` is the ARN for these. */
const REFERENCED_BY_ARN = ['AWS::Lambda::Alias', 'AWS::StepFunctions::StateMachine', 'AWS::SNS::Topic'];

function referenceTo(logicalId: string, resources: Resources): string {
  const type = resources[logicalId]?.Type ?? '';
  return REFERENCED_BY_ARN.includes(type) ? arnOf(logicalId, resources) : nameOf(logicalId);
}

function attribute([logicalId, name]: [string, string], resources: Resources): unknown {
  return name === 'Arn' ? arnOf(logicalId, resources) : `${nameOf(logicalId)}.${name}`;
}

function joined([separator, parts]: [string, unknown[]], resources: Resources): string {
  return parts.map((part) => String(resolve(part, resources))).join(separator);
}

/** Resources that CloudFormation would make in no order, since each waits for the next and the last for the first. */
export function circleIn(resources: Resources): string[] | undefined {
  const done = new Set<string>();
  const visit = (id: string, above: readonly string[]): string[] | undefined => {
    if (above.includes(id)) return [...above.slice(above.indexOf(id)), id];
    if (done.has(id)) return undefined;
    for (const next of waitedFor(resources[id]!)) {
      const circle = next in resources ? visit(next, [...above, id]) : undefined;
      if (circle) return circle;
    }
    done.add(id);
    return undefined;
  };
  for (const id of Object.keys(resources)) {
    const circle = visit(id, []);
    if (circle) return circle;
  }
  return undefined;
}

/** Logical ids in `DependsOn`, `Ref`, `Fn::GetAtt` and `Fn::Sub`. */
function waitedFor({ Properties, DependsOn = [] }: Resource): string[] {
  const named: string[] = [];
  JSON.stringify(Properties ?? {}, (key, value) => {
    if (key === 'Ref') named.push(value);
    if (key === 'Fn::GetAtt') named.push(value[0]);
    if (key === 'Fn::Sub')
      named.push(...[...String([value].flat()[0]).matchAll(/\$\{([^.}]+)/g)].map(([, id]) => id!));
    return value;
  });
  return [DependsOn, named].flat();
}

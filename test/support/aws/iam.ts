/**
 * What the policies of a synthesised template allow: IAM's rules for one account, as far as the template uses them. What
 * it does not know it refuses to judge.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { type Resources, resolve } from './template.ts';

type OneOrMany<T> = T | T[];

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: OneOrMany<string>;
  Resource?: OneOrMany<string>;
  Principal?: '*' | Record<string, OneOrMany<string>>;
  Condition?: Record<string, Record<string, OneOrMany<string>>>;
  Sid?: string;
}

export interface Call {
  /** `service:Action`. */
  action: string;
  /** ARN. */
  resource: string;
  /** Condition keys of the request. @default those of a call over TLS */
  context?: Record<string, string>;
}

const OVER_TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };

/** Statements of all policies of a role, inline and attached. */
export function statementsOf(role: string, resources: Resources): Statement[] {
  const inline = (resources[role]?.Properties.Policies ?? []) as { PolicyDocument: unknown }[];
  const attached = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy')
    .filter(({ Properties }) => JSON.stringify(Properties.Roles ?? []).includes(`{"Ref":"${role}"}`))
    .map(({ Properties }) => ({ PolicyDocument: Properties.PolicyDocument }));
  return [...inline, ...attached].flatMap(({ PolicyDocument }) => statements(PolicyDocument, resources));
}

/** Statements that a bucket, queue or topic has itself. */
export function resourceStatements(logicalId: string, resources: Resources): Statement[] {
  return Object.values(resources)
    .filter(({ Type }) => /^AWS::(S3::BucketPolicy|SQS::QueuePolicy|SNS::TopicPolicy)$/.test(Type))
    .filter(({ Properties: { Bucket, Queues, Topics } }) =>
      JSON.stringify([Bucket, Queues, Topics]).includes(`{"Ref":"${logicalId}"}`),
    )
    .flatMap(({ Properties }) => statements(Properties.PolicyDocument, resources));
}

/**
 * Whether a role may make a call: something allows it and nothing denies it.
 * @param guards statements of the resource, whose denials hold for everybody
 */
export function mayCall(
  identity: readonly Statement[],
  call: Call,
  guards: readonly Statement[] = [],
): boolean {
  const denied = [...identity, ...guards].some((s) => s.Effect === 'Deny' && applies(s, call));
  return !denied && identity.some((s) => s.Effect === 'Allow' && applies(s, call));
}

/** Whether a service of AWS may make a call, by the resource's own policy. */
export function serviceMayCall(service: string, guards: readonly Statement[], call: Call): boolean {
  const concerned = guards.filter(({ Principal }) => isPrincipal(service, Principal));
  if (concerned.some((s) => s.Effect === 'Deny' && applies(s, call))) return false;
  return concerned.some((s) => s.Effect === 'Allow' && applies(s, call));
}

function isPrincipal(service: string, principal: Statement['Principal']): boolean {
  if (principal === undefined) return false;
  if (principal === '*') return true;
  return [principal.Service ?? []].flat().includes(service) || principal.AWS === '*';
}

function statements(document: unknown, resources: Resources): Statement[] {
  const { Statement: list } = resolve(document, resources) as { Statement: OneOrMany<Statement> };
  for (const statement of [list].flat()) {
    for (const unknown of ['NotAction', 'NotResource', 'NotPrincipal'].filter((name) => name in statement)) {
      throw new Error(`${unknown} is not judged here`);
    }
  }
  return [list].flat();
}

function applies(statement: Statement, { action, resource, context = {} }: Call): boolean {
  const known = { ...OVER_TLS, ...context };
  return (
    [statement.Action].flat().some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    [statement.Resource ?? '*'].flat().some((pattern) => matches(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => holds(operator, keys, known))
  );
}

function matches(pattern: string, value: string): boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's').test(value);
}

function holds(
  operator: string,
  keys: Record<string, OneOrMany<string>>,
  context: Record<string, string>,
): boolean {
  return Object.entries(keys).every(([key, wanted]) => {
    const actual = context[key];
    if (actual === undefined) return false;
    const values = [wanted].flat().map(String);
    switch (operator) {
      case 'Bool':
      case 'StringEquals':
      case 'ArnEquals':
        return values.includes(actual);
      case 'ArnLike':
      case 'StringLike':
        return values.some((value) => matches(value, actual));
      case 'NumericLessThan':
        return values.some((value) => Number(actual) < Number(value));
      default:
        throw new Error(`condition ${operator} is not judged here`);
    }
  });
}

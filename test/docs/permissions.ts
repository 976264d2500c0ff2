/** Who may do what, from the policies of a template: the table of docs/security.md. */
import { pathsOfLogicalIds, type Synthesised } from './construct-names.ts';

interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: unknown;
  Principal?: Record<string, string | string[]>;
}

interface Document {
  Statement: Statement[];
}

/** A row says: this one may do these things to that. */
interface Permission {
  who: string;
  actions: string[];
  what: string;
}

const OWN = {
  'AWS::S3::BucketPolicy': 'Bucket',
  'AWS::SQS::QueuePolicy': 'Queues',
  'AWS::SNS::TopicPolicy': 'Topics',
};

/** Rows of a Markdown table, in the order of the names. */
export function permissionTable(synthesised: Synthesised): string[] {
  const rows = merged([
    ...rolePermissions(synthesised),
    ...managedPermissions(synthesised),
    ...servicePermissions(synthesised),
  ])
    .map(({ who, actions, what }) => `| ${who} | ${actions.sort().join(', ')} | ${what} |`)
    .sort();
  return ['| who | may | on |', '|---|---|---|', ...rows];
}

/** Policies of the stack's roles. */
function rolePermissions(synthesised: Synthesised): Permission[] {
  const name = namer(synthesised);
  return Object.values(synthesised.resources)
    .filter(({ Type }) => Type === 'AWS::IAM::Policy')
    .flatMap(({ Properties }) => {
      const [role] = Properties.Roles as { Ref: string }[];
      const who = withoutRole(name(role));
      return permissionsIn(Properties.PolicyDocument as Document, who, name);
    });
}

/** Policies that AWS writes and keeps. */
function managedPermissions(synthesised: Synthesised): Permission[] {
  const paths = pathsOfLogicalIds(synthesised);
  return Object.entries(synthesised.resources).flatMap(([id, { Type, Properties }]) => {
    const arns = Type === 'AWS::IAM::Role' ? ((Properties.ManagedPolicyArns ?? []) as unknown[]) : [];
    return arns.map((arn) => ({
      who: withoutRole(paths.get(id)!),
      actions: [`what ${namer(synthesised)(arn).split('/').at(-1)} says`],
      what: 'see AWS',
    }));
  });
}

/** What services of AWS may do, by the policies of what they do it to; functions have them one by one. */
function servicePermissions(synthesised: Synthesised): Permission[] {
  const name = namer(synthesised);
  return Object.values(synthesised.resources).flatMap(({ Type, Properties }) => {
    if (Type === 'AWS::Lambda::Permission') {
      const { Principal, Action, FunctionName } = Properties as Record<string, string>;
      return [{ who: Principal!, actions: [Action!], what: name(FunctionName) }];
    }
    return Type in OWN ? permissionsIn(Properties.PolicyDocument as Document, null, name) : [];
  });
}

function withoutRole(path: string): string {
  return path.replace(/\/(Service|Task)?Role$/, '');
}

function permissionsIn(
  { Statement }: Document,
  who: string | null,
  name: (value: unknown) => string,
): Permission[] {
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource, Principal }) =>
    [Resource].flat().map((resource) => ({
      who: who ?? String(Principal?.Service),
      actions: [Action].flat(),
      what: name(resource),
    })),
  );
}

/** One row for all that somebody may do to the same thing. */
function merged(permissions: readonly Permission[]): Permission[] {
  const rows = new Map<string, Permission>();
  for (const { who, actions, what } of permissions) {
    const row = rows.get(`${who} ${what}`) ?? { who, actions: [], what };
    row.actions = [...new Set([...row.actions, ...actions])];
    rows.set(`${who} ${what}`, row);
  }
  return [...rows.values()];
}

/** Puts the paths of constructs in place of ARNs. */
function namer(synthesised: Synthesised): (value: unknown) => string {
  const paths = pathsOfLogicalIds(synthesised);
  const name = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const [[kind, argument] = ['', '']] = Object.entries(value as object) as [string, unknown][];
    if (kind === 'Ref') return paths.get(argument as string) ?? '';
    if (kind === 'Fn::GetAtt') return paths.get((argument as string[])[0]!) ?? '';
    if (kind === 'Fn::Join') return (argument as [string, unknown[]])[1].map(name).join('');
    if (kind === 'Fn::Select') return name((argument as unknown[])[1]);
    if (kind === 'Fn::Split') return name((argument as unknown[])[1]);
    if (kind === 'Fn::Sub') return String(argument);
    throw new Error(`${kind} in a policy`);
  };
  return (value) => (value === '*' ? 'everything' : name(value).replace(/^arn:(aws)?:[\w-]+:::?/, ''));
}

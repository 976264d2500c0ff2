/** What stays the same from one deployment to the next, and apart from the other environment. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Deployed, deployedAs } from './deployed.ts';
import { synthesise } from './synthesis.ts';

/**
 * A resource whose logical id changes is made anew, and the old one goes with what it holds, or stays behind without a stack. So
 * these are for ever: what holds data, and what people and programs know by its name.
 */
const LASTING: Record<string, string> = {
  AlarmsTopic3A2DFEBA: 'AWS::SNS::Topic',
  BucketsAccessLogsA5F88218: 'AWS::S3::Bucket',
  BucketsInputDC6E7815: 'AWS::S3::Bucket',
  BucketsResultsB59121EA: 'AWS::S3::Bucket',
  HttpApi4E1D4184: 'AWS::ApiGatewayV2::Api',
  HttpFunction5512A133: 'AWS::Lambda::Function',
  HttpFunctionLive030F4DDC: 'AWS::Lambda::Alias',
  QueueDeadLetters9B423CAD: 'AWS::SQS::Queue',
  QueueFunctionD1D5CDEC: 'AWS::Lambda::Function',
  QueueFunctionLive5969B473: 'AWS::Lambda::Alias',
  QueueImages6C2D2121: 'AWS::SQS::Queue',
  SummaryFunction850A602F: 'AWS::Lambda::Function',
  SummaryFunctionLiveA3E8F477: 'AWS::Lambda::Alias',
  WorkflowFunction30483B6C: 'AWS::Lambda::Function',
  WorkflowFunctionLive36E2EC6C: 'AWS::Lambda::Alias',
  WorkflowsOneImage527E414B: 'AWS::StepFunctions::StateMachine',
  WorkflowsWholeBucketE2CABB08: 'AWS::StepFunctions::StateMachine',
};
/** A table that comes in has to be named above, too. */
const KINDS = new Set([...Object.values(LASTING), 'AWS::DynamoDB::Table']);

test('what holds data or is known by its name keeps its logical id', () => {
  for (const way of ['dev', 'prod', 'container', 'arm64']) {
    const kept = Object.entries(deployedAs(way).resources).filter(([, { Type }]) => KINDS.has(Type));
    assert.deepEqual(Object.fromEntries(kept.map(([id, { Type }]) => [id, Type])), LASTING, way);
  }
});

test('from zip to container every function is replaced, with what names it, and nothing else', () => {
  const [zip, container] = [deployedAs('prod'), deployedAs('container')];
  const versions = (id: string) => /FunctionCurrentVersion/.test(id);
  const ids = ({ resources }: Deployed) => Object.keys(resources).filter((id) => !versions(id));
  assert.deepEqual(ids(container), ids(zip));
  const changed = ids(zip).filter(
    (id) => JSON.stringify(zip.resources[id]) !== JSON.stringify(container.resources[id]),
  );
  // Each version has an alarm of its own while it comes into service.
  const alarms = zip.idsOf('AWS::CloudWatch::Alarm').filter((id) => id.includes('NewVersion'));
  assert.deepEqual(
    changed.sort(),
    [...zip.idsOf('AWS::Lambda::Function'), ...zip.idsOf('AWS::Lambda::Alias'), ...alarms].sort(),
  );
  for (const id of zip.idsOf('AWS::Lambda::Function')) {
    // Whose change replaces: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
    assert.equal(zip.resources[id]!.Properties.PackageType, undefined, id);
    assert.equal(container.resources[id]!.Properties.PackageType, 'Image', id);
    // Replaced before the old one goes, so both stand for a while: with a name of its own it could not.
    assert.equal(zip.resources[id]!.Properties.FunctionName, undefined, id);
  }
});

test('production is protected from being deleted by accident, development is not', () => {
  const isProtected = (way: string) => {
    const manifest = JSON.parse(readFileSync(join(deployedAs(way).assembly, 'manifest.json'), 'utf8'));
    return manifest.artifacts.Captioner.properties.terminationProtection ?? false;
  };
  assert.deepEqual(['dev', 'prod'].map(isProtected), [false, true]);
});

/** `{ Ref: 'AWS::StackName' }` and the like are no names that two stacks could share. */
function namesOf({ resources }: Pick<Deployed, 'resources'>): string[] {
  return Object.values(resources).flatMap(({ Type, Properties }) =>
    Object.entries(Properties)
      .filter(
        ([key, value]) => NAMES.test(key) && typeof value === 'string' && !WITHIN_THE_STACK.includes(Type),
      )
      .map(([key, value]) => `${Type} ${key} ${value}`),
  );
}

const NAMES =
  /^(LogGroup|Dashboard|Bucket|Queue|Topic|Function|StateMachine|Alarm|Role|Policy|Rule|Cluster|Service)?Name$/;
/** Of something that has no name of its own: an alias of a function, a policy of a role, an API by its id. */
const WITHIN_THE_STACK = [
  'AWS::Lambda::Alias',
  'AWS::IAM::Policy',
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Authorizer',
];

/** Namespace, metric and dimensions of what functions count, wherever something reads it. */
function ownMetrics({ resources }: Pick<Deployed, 'resources'>): string[] {
  const all = JSON.stringify(resources);
  const services = [...all.matchAll(/POWERTOOLS_SERVICE_NAME":"([^"]+)"/g)].map(
    ([, name]) => `counted ${name}`,
  );
  const alarms = Object.values(resources)
    .filter(({ Properties }) => Properties.Namespace === 'ShowAndTell')
    .flatMap(({ Properties }) => Properties.Dimensions as { Name: string; Value: unknown }[])
    .filter(({ Name }) => Name === 'service')
    .map(({ Value }) => `alarm ${Value}`);
  const graphs = [...all.matchAll(/ShowAndTell\\*",\\*"\w+\\*",[^\]]*?\\*"service\\*",\\*"([^"\\]+)/g)];
  return [...services, ...alarms, ...graphs.map(([, name]) => `graph ${name}`)];
}

test('two environments in one account share no name, and neither counts what the other does', () => {
  const [dev, prod] = (['dev', 'prod'] as const).map((environment) =>
    synthesise({ environment, stack: `ShowAndTell-${environment}` }),
  ) as [Deployed, Deployed];
  const names = namesOf(dev);
  for (const kind of ['LogGroupName', 'DashboardName'])
    assert.ok(
      names.some((name) => name.includes(kind)),
      kind,
    );
  assert.deepEqual(
    names.filter((name) => namesOf(prod).includes(name)),
    [],
  );
  for (const [environment, synthesis] of Object.entries({ dev, prod })) {
    const own = ownMetrics(synthesis);
    // Four functions, an alarm, four lines of cold starts and seven of images.
    assert.deepEqual(
      ['counted', 'alarm', 'graph'].map((kind) => own.filter((name) => name.startsWith(kind)).length),
      [4, 1, 11],
    );
    assert.deepEqual(
      own.filter((name) => !name.endsWith(` ShowAndTell-${environment}`)),
      [],
    );
  }
});

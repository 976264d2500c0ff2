/** The template that people deploy without the CDK, beside the one that the CDK deploys. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { templateOf } from '../../../infra/published/publish.ts';
import { settingsOf } from '../../../infra/settings.ts';
import type { Resources } from '../../support/aws/template.ts';
import { deployedAs } from '../deployed.ts';
import { WAYS } from '../ways.ts';

interface Template {
  Parameters: Record<string, { Type: string; Default?: string }>;
  Conditions: Record<string, unknown>;
  Rules?: object;
  Resources: Resources;
}

const SHA256 = 'a1'.repeat(32);
const text = templateOf('dev', settingsOf('dev'), SHA256);
const { Parameters, Rules, Resources: resources, Conditions } = JSON.parse(text) as Template;
const idsOf = (type: string, all = resources) => Object.keys(all).filter((id) => all[id]!.Type === type);

describe('the published template', () => {
  test('asks for the place of the code and for an address, and for nothing of the CDK', () => {
    assert.deepEqual(Object.keys(Parameters).sort(), ['AlarmEmail', 'CodeBucket', 'CodeKey']);
    assert.equal(Parameters.CodeBucket!.Default, undefined);
    assert.equal(Parameters.CodeKey!.Default, `show-and-tell/${SHA256}.zip`);
    assert.equal(Rules, undefined);
    assert.deepEqual(idsOf('AWS::CDK::Metadata'), []);
    assert.doesNotMatch(text, /cdk-hnb659fds|BootstrapVersion/);
  });

  test('takes the code of every function from there, and lets no version have other code', () => {
    const functions = idsOf('AWS::Lambda::Function');
    assert.equal(functions.length, 4);
    for (const id of functions) {
      const { Code } = resources[id]!.Properties;
      assert.deepEqual(Code, { S3Bucket: { Ref: 'CodeBucket' }, S3Key: { Ref: 'CodeKey' } }, id);
    }
    const versions = idsOf('AWS::Lambda::Version');
    assert.equal(versions.length, 4);
    for (const id of versions) {
      const { CodeSha256 } = resources[id]!.Properties;
      assert.equal(Buffer.from(CodeSha256 as string, 'base64').toString('hex'), SHA256, id);
    }
  });

  test('publishes new versions for other code, and changes nothing else', () => {
    const other = JSON.parse(templateOf('dev', settingsOf('dev'), 'b2'.repeat(32))) as Template;
    const before = idsOf('AWS::Lambda::Version');
    const after = idsOf('AWS::Lambda::Version', other.Resources);
    assert.deepEqual(
      after.filter((id) => before.includes(id)),
      [],
    );
    const rest = (all: Resources) =>
      Object.keys(all).filter((id) => all[id]!.Type !== 'AWS::Lambda::Version');
    assert.deepEqual(rest(other.Resources), rest(resources));
  });

  test('mails alarms only where an address is given', () => {
    const [subscription] = idsOf('AWS::SNS::Subscription');
    const { Properties, Condition } = resources[subscription!] as { Properties: object; Condition?: string };
    assert.deepEqual(Properties, {
      Protocol: 'email',
      Endpoint: { Ref: 'AlarmEmail' },
      TopicArn: { Ref: idsOf('AWS::SNS::Topic')[0] },
    });
    assert.deepEqual(Conditions[Condition!], { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmEmail' }, ''] }] });
  });

  test('has the same resources otherwise, so that either can take over the stack of the other', () => {
    const others = deployedAs('dev').resources;
    // The mapping's logical id has the name of the stack in it, which is another one in tests.
    const types = ['AWS::Lambda::Version', 'AWS::SNS::Subscription', 'AWS::Lambda::EventSourceMapping'];
    const kept = (all: Resources) =>
      Object.keys(all)
        .filter((id) => !types.includes(all[id]!.Type))
        .sort();
    assert.deepEqual(kept(resources), kept(others));
  });
});

for (const way of ['container', 'gpu', 'page with people of its own']) {
  test(`what a template alone cannot have is refused: ${way}`, () => {
    const { environment = 'dev', settings } = WAYS[way]!;
    assert.throws(() => templateOf(environment, settingsOf(environment, settings), SHA256), /npx cdk deploy/);
  });
}

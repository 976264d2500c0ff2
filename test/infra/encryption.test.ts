/** A key of the deployer's own: what it encrypts, and who may use it. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { settingsOf } from '../../infra/settings.ts';
import { blocksOf, readDocument } from '../docs/documents.ts';
import { mayCall, type Statement, serviceMayCall, statementsOf } from '../support/aws/iam.ts';
import { ACCOUNT, arnOf } from '../support/aws/template.ts';
import { deployedAs } from './deployed.ts';

const OWN = 'key, versions, events and tags';
const FOREIGN = 'several buckets';
const FOREIGN_KEY = 'arn:aws:kms:eu-west-1:111122223333:key/45671234-12ab-34cd-56ef-1234567890ab';
const { resources, idOf, propertiesOf, whenDeleted } = deployedAs(OWN);
const key = arnOf(idOf('AWS::KMS::Key', 'Key'), resources);

for (const [way, arn] of [
  [OWN, key],
  [FOREIGN, FOREIGN_KEY],
] as const) {
  test(`${way}: every bucket, queue, topic and log group is encrypted with it, but not access logs`, () => {
    const stack = deployedAs(way);
    const every = (type: string) =>
      stack.idsOf(type).map((id) => [id, stack.propertiesOf(type, id)] as const);
    assert.ok(stack.idsOf('AWS::Logs::LogGroup').length > 6);
    for (const [id, { KmsKeyId }] of every('AWS::Logs::LogGroup')) assert.equal(KmsKeyId, arn, id);
    for (const [id, { KmsMasterKeyId }] of every('AWS::SNS::Topic')) assert.equal(KmsMasterKeyId, arn, id);
    for (const [id, { KmsMasterKeyId, SqsManagedSseEnabled }] of every('AWS::SQS::Queue'))
      assert.deepEqual([KmsMasterKeyId, SqsManagedSseEnabled], [arn, undefined], id);
    for (const [id, { BucketEncryption }] of every('AWS::S3::Bucket')) {
      const { ServerSideEncryptionConfiguration } = BucketEncryption as {
        ServerSideEncryptionConfiguration: object[];
      };
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
      const expected = id.startsWith('BucketsAccessLogs')
        ? { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
        : {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn },
          };
      assert.deepEqual(ServerSideEncryptionConfiguration, [expected], id);
    }
  });
}

test('without the setting no key is made', () => {
  assert.deepEqual(deployedAs('prod').idsOf('AWS::KMS::Key'), []);
  assert.deepEqual(deployedAs(FOREIGN).idsOf('AWS::KMS::Key'), []);
  assert.doesNotMatch(JSON.stringify(deployedAs('prod').resources), /kms:/);
});

test('a key is renewed every year, and goes with a stack that goes whole', () => {
  assert.equal(propertiesOf('AWS::KMS::Key', 'Key').EnableKeyRotation, true);
  assert.equal(whenDeleted('AWS::KMS::Key', 'Key'), 'Delete');
});

describe('the key', () => {
  const may = (way: string, role: string, action: string, resource: string) => {
    const stack = deployedAs(way);
    const id = stack.idsOf('AWS::IAM::Role').find((name) => name.startsWith(role));
    assert.ok(id, role);
    return mayCall(statementsOf(id, stack.resources), { action, resource });
  };
  const ROLES: [role: string, writes: boolean][] = [
    ['HttpFunctionRole', true],
    ['QueueFunctionRole', true],
    ['WorkflowFunctionRole', true],
    ['SummaryFunctionRole', false],
    ['WorkflowsWholeBucketRole', true],
    ['GpuTaskDefinitionTaskRole', true],
  ];
  for (const [role, writes] of ROLES) {
    it(`opens ${writes ? 'and closes ' : ''}for ${role}`, () => {
      assert.ok(may(OWN, role, 'kms:Decrypt', key));
      assert.equal(may(OWN, role, 'kms:GenerateDataKey', key), writes);
      assert.ok(!may(OWN, role, 'kms:Decrypt', `${key}0`));
      assert.ok(!may(OWN, role, 'kms:ScheduleKeyDeletion', key));
      if (role.startsWith('Gpu')) return;
      assert.ok(may(FOREIGN, role, 'kms:Decrypt', FOREIGN_KEY));
      assert.equal(may(FOREIGN, role, 'kms:GenerateDataKey', FOREIGN_KEY), writes);
    });
  }

  it('is used by nobody else', () => {
    for (const role of ['WorkflowsOneImageRole', 'GpuMachinesRole', 'GpuTaskDefinitionExecutionRole'])
      assert.ok(!may(OWN, role, 'kms:Decrypt', key), role);
  });

  const { KeyPolicy } = propertiesOf('AWS::KMS::Key', 'Key');
  const guards = (KeyPolicy as { Statement: Statement[] }).Statement;
  const serves = (service: string, action: string, context = {}) =>
    serviceMayCall(service, guards, { action, resource: key, context });

  it('serves EventBridge for queue and topic, CloudWatch for alarms, and S3 for inventories of this account', () => {
    for (const service of ['events.amazonaws.com', 'cloudwatch.amazonaws.com']) {
      for (const action of ['kms:Decrypt', 'kms:GenerateDataKey'])
        assert.ok(serves(service, action), service);
      assert.ok(!serves(service, 'kms:PutKeyPolicy'), service);
    }
    assert.ok(!serves('s3.amazonaws.com', 'kms:Decrypt'));
    const inventory = (account: string) =>
      serves('s3.amazonaws.com', 'kms:GenerateDataKey', { 'aws:SourceAccount': account });
    assert.deepEqual([inventory(ACCOUNT), inventory('999999999999')], [true, false]);
  });

  it('serves the logs of this account alone', () => {
    const logs = (account: string) =>
      serves('logs.eu-west-1.amazonaws.com', 'kms:GenerateDataKey', {
        'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:eu-west-1:${account}:log-group:x`,
      });
    assert.deepEqual([logs('111122223333'), logs('999999999999')], [true, false]);
  });
});

test('docs/security.md has the statements that a key of others needs', () => {
  const { KeyPolicy } = propertiesOf('AWS::KMS::Key', 'Key');
  const [ofRoot, ...others] = (KeyPolicy as { Statement: Statement[] }).Statement;
  assert.deepEqual(ofRoot!.Principal, { AWS: `arn:aws:iam::${ACCOUNT}:root` });
  const [told] = blocksOf(readDocument('docs/security.md'), 'json');
  assert.deepEqual(JSON.parse(told!), others);
});

test('a key is named by its ARN, since an alias may move', () => {
  const parse = (customerKey: true | string) => settingsOf('dev', { customerKey });
  assert.equal(parse(true).customerKey, true);
  const everywhere = `arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-${'0f'.repeat(16)}`;
  for (const arn of [FOREIGN_KEY, everywhere]) assert.equal(parse(arn).customerKey, arn);
  for (const wrong of ['4567', 'arn:aws:kms:eu-west-1:111122223333:alias/mine', `${FOREIGN_KEY}0`, false])
    assert.throws(() => parse(wrong as string), { name: 'ZodError' }, String(wrong));
});

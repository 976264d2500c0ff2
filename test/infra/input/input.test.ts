/** Which objects are captioned, by the rules and roles of the template. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { keyPattern } from '../../../infra/input/input-settings.ts';
import { type SettingsInput, settingsOf } from '../../../infra/settings.ts';
import { matchesPattern } from '../../support/aws/event-pattern.ts';
import { mayCall, statementsOf } from '../../support/aws/iam.ts';
import { deployedAs } from '../deployed.ts';

const EXISTING = 'several buckets';
const OWN = 'key, versions, events and tags';

function objectEvent(bucket: string, key: string, more: object = {}): object {
  return {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: bucket }, object: { key, size: 9 } },
    ...more,
  };
}

/** How many rules bring an event to the queue. */
function taken(way: string, event: object): number {
  const { idsOf, propertiesOf } = deployedAs(way);
  const rules = idsOf('AWS::Events::Rule').filter((id) => id.startsWith('QueueNewImages'));
  assert.ok(rules.length > 0);
  return rules.filter((id) => {
    const { EventPattern, Targets } = propertiesOf('AWS::Events::Rule', id);
    assert.match(JSON.stringify(Targets), /queueimages/);
    return matchesPattern(EventPattern as object, event);
  }).length;
}

const EVENTS: [way: string, bucket: string, key: string, times: number][] = [
  ['prod', 'input', 'any thing', 1],
  ['prod', 'other', 'a.jpg', 0],
  [EXISTING, 'holiday-photos', '2026/a.jpg', 1],
  [EXISTING, 'holiday-photos', '2026/no ending', 1],
  [EXISTING, 'holiday-photos', '2025/a.jpg', 0],
  [EXISTING, 'drop-box', 'deep/down/a.jpg', 1],
  [EXISTING, 'drop-box', 'a.JpG', 1],
  [EXISTING, 'drop-box', 'a.jpg.txt', 0],
  [EXISTING, 'scans', 'in*box/1/a.png', 1],
  [EXISTING, 'scans', 'in*box/a.PNG', 1],
  [EXISTING, 'scans', 'in*box/a.Tif', 1],
  [EXISTING, 'scans', 'in*box/a.tif', 1],
  [EXISTING, 'scans', 'in*box/a.jpg', 0],
  // The star of the prefix stands for itself.
  [EXISTING, 'scans', 'in-box/a.png', 0],
  [EXISTING, 'scans', 'out/in*box/a.png', 0],
  [EXISTING, 'other-photos', '2026/a.jpg', 0],
  [OWN, 'input', 'in/a.jpg', 1],
  [OWN, 'input', 'in/a.png', 0],
  [OWN, 'input', 'out/a.jpg', 0],
  [OWN, 'input', 'uploads/AbC-_9', 1],
];
for (const [way, bucket, key, times] of EVENTS) {
  test(`${way}: s3://${bucket}/${key} is ${times ? 'captioned' : 'not captioned'}`, () => {
    const name = bucket === 'input' ? deployedAs(way).named('AWS::S3::Bucket', 'BucketsInput') : bucket;
    assert.equal(taken(way, objectEvent(name, key)), times);
  });
}

test('what is neither new nor restored is passed over: tags, the caption among them, and folders', () => {
  const name = deployedAs(OWN).named('AWS::S3::Bucket', 'BucketsInput');
  for (const type of ['Object Tags Added', 'Object Tags Deleted', 'Object Deleted', 'Object ACL Updated'])
    assert.equal(taken(OWN, objectEvent(name, 'in/a.jpg', { 'detail-type': type })), 0, type);
  const restored = { 'detail-type': 'Object Restore Completed' };
  assert.equal(taken(OWN, objectEvent(name, 'in/a.jpg', restored)), 1);
  const folder = { detail: { bucket: { name }, object: { key: 'uploads/', size: 0 } } };
  assert.equal(taken(OWN, objectEvent(name, 'uploads/', folder)), 0);
});

describe('roles of several input buckets', () => {
  const { resources, idsOf } = deployedAs(EXISTING);
  const roleOf = (start: string) => {
    const id = idsOf('AWS::IAM::Role').find((name) => name.startsWith(start))!;
    return statementsOf(id, resources);
  };
  const may = (role: string, action: string, bucket: string, key?: string) =>
    mayCall(roleOf(role), {
      action,
      resource: `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`,
    });

  for (const role of ['HttpFunctionRole', 'QueueFunctionRole', 'WorkflowFunctionRole']) {
    it(`${role} reads below each prefix, and nothing else`, () => {
      assert.ok(may(role, 's3:GetObject', 'holiday-photos', '2026/a.jpg'));
      assert.ok(!may(role, 's3:GetObject', 'holiday-photos', '2025/a.jpg'));
      assert.ok(may(role, 's3:GetObjectVersion', 'scans', 'in*box/a.gif'));
      assert.ok(may(role, 's3:GetObject', 'drop-box', 'any'));
      for (const bucket of ['holiday-photos', 'scans', 'drop-box'])
        assert.ok(may(role, 's3:ListBucket', bucket), bucket);
      assert.ok(!may(role, 's3:PutObject', 'drop-box', 'any'));
    });
  }

  it('runs list each of them, and no other', () => {
    for (const bucket of ['holiday-photos', 'scans', 'drop-box'])
      assert.ok(may('WorkflowsWholeBucketRole', 's3:ListBucket', bucket), bucket);
    assert.ok(!may('WorkflowsWholeBucketRole', 's3:ListBucket', 'other-photos'));
  });

  it('tags are written by those that record, in input buckets alone', () => {
    for (const action of ['Get', 'Put'].flatMap((verb) => [
      `s3:${verb}ObjectTagging`,
      `s3:${verb}ObjectVersionTagging`,
    ])) {
      for (const role of ['QueueFunctionRole', 'WorkflowFunctionRole']) {
        assert.ok(may(role, action, 'holiday-photos', '2026/a.jpg'), `${role} ${action}`);
        assert.ok(!may(role, action, 'holiday-photos', '2025/a.jpg'), `${role} ${action}`);
        assert.ok(!may(role, action, 'other-photos', 'a.jpg'), `${role} ${action}`);
      }
      assert.ok(!may('HttpFunctionRole', action, 'drop-box', 'a.jpg'), action);
    }
    assert.doesNotMatch(JSON.stringify(deployedAs('prod').resources), /Tagging|TAG_OBJECTS/);
  });
});

test('the server on GPU machines reads every input, and tags and tells where the functions do', () => {
  const { resources, idsOf, idOf, propertiesOf, named } = deployedAs(OWN);
  const role = statementsOf(idOf('AWS::IAM::Role', 'GpuTaskDefinitionTaskRole'), resources);
  const input = named('AWS::S3::Bucket', 'BucketsInput');
  const may = (action: string, key: string) =>
    mayCall(role, { action, resource: `arn:aws:s3:::${input}/${key}` });
  assert.deepEqual(
    ['in/a.jpg', 'uploads/x', 'out/a.jpg'].map((key) => may('s3:GetObject', key)),
    [true, true, false],
  );
  assert.ok(may('s3:PutObjectTagging', 'uploads/x'));
  const [{ Command }] = propertiesOf('AWS::ECS::TaskDefinition', 'Gpu').ContainerDefinitions as [
    { Command: string[] },
  ];
  const text = Command.join(' ');
  assert.ok(text.includes(`--allowed-buckets ${input} `), text);
  assert.match(text, / --event-bus default --deployment Captioner --tag-objects/);
  const services = idsOf('AWS::EC2::VPCEndpoint').map(
    (id) => propertiesOf('AWS::EC2::VPCEndpoint', id).ServiceName,
  );
  assert.ok(
    services.some((name) => String(name).endsWith('.events')),
    String(services),
  );
  assert.doesNotMatch(JSON.stringify(deployedAs('gpu').resources), /\.events"/);
});

test('what was overwritten or deleted is forgotten as well, where versions are kept', () => {
  const { propertiesOf } = deployedAs(OWN);
  for (const [id, days] of [
    ['BucketsInput', 7],
    ['BucketsResults', 30],
  ] as const) {
    const bucket = propertiesOf('AWS::S3::Bucket', id);
    assert.deepEqual(bucket.VersioningConfiguration, { Status: 'Enabled' }, id);
    const { Rules } = bucket.LifecycleConfiguration as { Rules: object[] };
    assert.partialDeepStrictEqual(Rules[0], {
      ExpirationInDays: days,
      NoncurrentVersionExpiration: { NoncurrentDays: days },
    });
  }
  assert.equal(propertiesOf('AWS::S3::Bucket', 'BucketsAccessLogs').VersioningConfiguration, undefined);
});

test('outputs say for how long images and results stay', () => {
  const outputOf = (way: string, name: string) =>
    deployedAs(way).template.findOutputs(name)[name] as { Description: string; Value: unknown };
  assert.match(outputOf('dev', 'InputBucket').Description, /deleted 7 days after.*originals/);
  assert.match(outputOf('prod', 'InputBucket').Description, /deleted 90 days/);
  assert.match(outputOf(EXISTING, 'InputBucket').Description, /owner/);
  assert.equal(outputOf(EXISTING, 'InputBucket').Value, 'holiday-photos,scans,drop-box');
  assert.match(outputOf('prod', 'ResultsBucket').Description, /365 days/);
});

test('prefixes and suffixes are refused that no pattern holds', () => {
  const input = (bucket: object): Partial<SettingsInput> =>
    ({ input: { kind: 'several', buckets: [{ name: 'photos', ...bucket }] } }) as Partial<SettingsInput>;
  const suffixes = Array.from({ length: 20 }, (_, i) => `.${String.fromCharCode(97 + i).repeat(3)}`);
  settingsOf('dev', input({ suffixes }));
  settingsOf('dev', input({ prefix: 'p'.repeat(200), suffixes: suffixes.slice(0, 3) }));
  for (const wrong of [
    { prefix: 'p'.repeat(200), suffixes },
    { prefix: 'p'.repeat(200), suffixes: suffixes.slice(0, 4) },
    { suffixes: [...suffixes, '.x'] },
    { suffixes: [''] },
    { prefix: 'p'.repeat(201) },
    { name: 'arn:aws:s3:::photos' },
  ])
    for (const given of [
      input(wrong),
      { input: { kind: 'existing', name: 'photos', ...wrong } },
      { input: { kind: 'own', expireDays: 1, ...wrong } },
    ] as Partial<SettingsInput>[])
      assert.throws(() => settingsOf('dev', given), { name: 'ZodError' }, JSON.stringify(given));
  assert.throws(() => settingsOf('dev', { input: { kind: 'several', buckets: [] } }), { name: 'ZodError' });
  const long = input({ prefix: 'p'.repeat(200), suffixes });
  assert.throws(() => settingsOf('dev', long), /"suffixes".*shorten them/s);
});

test('a suffix that has capital letters already is not there twice', () => {
  assert.deepEqual(keyPattern({ prefix: 'a/', suffixes: ['.1', '.JPG'] }), [
    { wildcard: 'a/*.1' },
    { wildcard: 'a/*.JPG' },
    { wildcard: 'a/*.jpg' },
  ]);
});

/** Least privilege, judged call by call. What handlers really ask for is recorded in `full/function-assets.ts`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Call, mayCall, resourceStatements, serviceMayCall, statementsOf } from '../support/aws/iam.ts';
import { ACCOUNT, arnOf, nameOf, REGION } from '../support/aws/template.ts';
import { synthesise } from './synthesis.ts';

const { resources } = synthesise({ environment: 'prod' });
const input = idOf('AWS::S3::Bucket', 'Input');
const results = idOf('AWS::S3::Bucket', 'Results');
const queue = idOf('AWS::SQS::Queue', 'Images');
const rule = idOf('AWS::Events::Rule', 'NewImages');

function idOf(type: string, part: string): string {
  const id = Object.keys(resources).find((name) => resources[name]!.Type === type && name.includes(part));
  assert.ok(id, `${type} ${part}`);
  return id;
}

function roleOf(name: string): string {
  return idOf('AWS::IAM::Role', `${name}FunctionRole`);
}

const inInput = (key: string) => `${arnOf(input, resources)}/${key}`;
const inResults = (key: string) => `${arnOf(results, resources)}/${key}`;

const ALLOWED: Record<string, Call[]> = {
  Http: [
    { action: 's3:GetObject', resource: inInput('any/photo.jpg') },
    { action: 's3:PutObject', resource: inInput('uploads/abc') },
    { action: 's3:GetObject', resource: inResults('captions/bucket/uploads/abc/1.json') },
    { action: 's3:ListBucket', resource: arnOf(input, resources) },
    // Results of other bundles of an upload.
    { action: 's3:ListBucket', resource: arnOf(results, resources) },
    { action: 'xray:PutTraceSegments', resource: '*' },
  ],
  Queue: [
    { action: 's3:GetObject', resource: inInput('any/photo.jpg') },
    { action: 's3:GetObjectVersion', resource: inInput('any/photo.jpg') },
    { action: 's3:GetObject', resource: inResults('captions/x.json') },
    { action: 's3:PutObject', resource: inResults('captions/x.json') },
    { action: 's3:ListBucket', resource: arnOf(results, resources) },
    { action: 'sqs:ReceiveMessage', resource: arnOf(queue, resources) },
    { action: 'sqs:DeleteMessage', resource: arnOf(queue, resources) },
  ],
  Workflow: [
    { action: 's3:GetObject', resource: inInput('any/photo.jpg') },
    { action: 's3:PutObject', resource: inResults('captions/x.json') },
  ],
  Summary: [{ action: 's3:GetObject', resource: inResults('runs/1/manifest.json') }],
};

const REFUSED: Record<string, Call[]> = {
  Http: [
    { action: 's3:PutObject', resource: inInput('any/photo.jpg') },
    { action: 's3:PutObject', resource: inResults('captions/x.json') },
    { action: 's3:GetObject', resource: inResults('runs/1/manifest.json') },
    { action: 'sqs:ReceiveMessage', resource: arnOf(queue, resources) },
  ],
  Queue: [
    { action: 's3:DeleteObject', resource: inInput('any/photo.jpg') },
    { action: 's3:PutObject', resource: inInput('any/photo.jpg') },
    { action: 's3:DeleteObject', resource: inResults('captions/x.json') },
    { action: 's3:PutObject', resource: inResults('runs/1/manifest.json') },
    { action: 's3:GetObject', resource: 'arn:aws:s3:::somebody-elses/photo.jpg' },
    { action: 'sqs:SendMessage', resource: arnOf(queue, resources) },
  ],
  Workflow: [
    { action: 's3:PutBucketPolicy', resource: arnOf(results, resources) },
    { action: 'sqs:DeleteMessage', resource: arnOf(queue, resources) },
    {
      action: 'lambda:InvokeFunction',
      resource: arnOf(idOf('AWS::Lambda::Function', 'HttpFunction'), resources),
    },
  ],
  Summary: [
    { action: 's3:GetObject', resource: inInput('any/photo.jpg') },
    { action: 's3:PutObject', resource: inResults('runs/1/manifest.json') },
    { action: 'logs:CreateLogGroup', resource: `arn:aws:logs:${REGION}:111122223333:log-group:other` },
    { action: 'iam:PassRole', resource: arnOf(roleOf('Summary'), resources) },
  ],
};

for (const name of Object.keys(ALLOWED)) {
  describe(`the ${name.toLowerCase()} function`, () => {
    const statements = statementsOf(roleOf(name), resources);
    for (const call of ALLOWED[name]!) {
      test(`may ${call.action} on ${call.resource}`, () => {
        assert.equal(mayCall(statements, call), true);
      });
    }
    for (const call of REFUSED[name]!) {
      test(`may not ${call.action} on ${call.resource}`, () => {
        assert.equal(mayCall(statements, call), false);
      });
    }
    test('writes its own log and no other', () => {
      const own = arnOf(idOf('AWS::Logs::LogGroup', `${name}FunctionLogs`), resources);
      const other = arnOf(idOf('AWS::Logs::LogGroup', 'HttpAccessLogs'), resources);
      assert.equal(mayCall(statements, { action: 'logs:PutLogEvents', resource: own }), true);
      assert.equal(mayCall(statements, { action: 'logs:PutLogEvents', resource: other }), false);
    });
  });
}

test('nobody reads a bucket without TLS, whatever the role allows', () => {
  const call = {
    action: 's3:GetObject',
    resource: inInput('any/photo.jpg'),
    context: { 'aws:SecureTransport': 'false' },
  };
  const guards = resourceStatements(input, resources);
  const statements = statementsOf(roleOf('Queue'), resources);
  assert.equal(mayCall(statements, call, guards), false);
  assert.equal(mayCall(statements, { ...call, context: {} }, guards), true);
});

test('EventBridge fills the queue, from the one rule only', () => {
  const guards = resourceStatements(queue, resources);
  const send = (source: string): Call => ({
    action: 'sqs:SendMessage',
    resource: arnOf(queue, resources),
    context: { 'aws:SourceArn': source },
  });
  assert.equal(serviceMayCall('events.amazonaws.com', guards, send(arnOf(rule, resources))), true);
  assert.equal(
    serviceMayCall('events.amazonaws.com', guards, send('arn:aws:events:eu-west-1:1:rule/x')),
    false,
  );
  assert.equal(serviceMayCall('sns.amazonaws.com', guards, send(arnOf(rule, resources))), false);
});

test('state machines call their own functions and no other', () => {
  const run = statementsOf(idOf('AWS::IAM::Role', 'WholeBucketRole'), resources);
  const invoke = (part: string): Call => ({
    action: 'lambda:InvokeFunction',
    resource: arnOf(idOf('AWS::Lambda::Alias', part), resources),
  });
  for (const part of ['WorkflowFunction', 'SummaryFunction']) assert.equal(mayCall(run, invoke(part)), true);
  for (const part of ['HttpFunction', 'QueueFunction']) assert.equal(mayCall(run, invoke(part)), false);
  const images = { action: 's3:ListBucket', resource: arnOf(input, resources) };
  assert.equal(mayCall(run, images), true);
  assert.equal(mayCall(run, { action: 's3:GetObject', resource: inInput('any/photo.jpg') }), false);
});

describe('an inventory', () => {
  const delivered = (key: string, source = arnOf(input, resources), account = ACCOUNT): Call => ({
    action: 's3:PutObject',
    resource: inResults(key),
    context: {
      'aws:SourceArn': source,
      'aws:SourceAccount': account,
      's3:x-amz-acl': 'bucket-owner-full-control',
    },
  });
  const guards = resourceStatements(results, resources);
  const mayDeliver = (call: Call, service = 's3.amazonaws.com') => serviceMayCall(service, guards, call);
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
  const place = `lists/inventory/${nameOf(input)}/images`;
  const files = [`${place}/2026-11-06T21-32Z/manifest.json`, `${place}/data/0b5a.csv.gz`];

  test('of the images is delivered by S3, and read by a run where it lies', () => {
    const run = statementsOf(idOf('AWS::IAM::Role', 'WholeBucketRole'), resources);
    for (const file of files) {
      assert.equal(mayDeliver(delivered(file)), true);
      assert.equal(mayCall(run, { action: 's3:GetObject', resource: inResults(file) }, guards), true);
    }
  });

  test('of another bucket or account, by another service, or elsewhere is not', () => {
    const [file = ''] = files;
    const refused = [
      delivered(file, 'arn:aws:s3:::somebody-elses'),
      delivered(file, arnOf(input, resources), '999999999999'),
      delivered('lists/inventory/somebody-elses/images/data/0.csv.gz'),
      delivered('lists/mine.csv'),
      delivered('captions/x.json'),
      { ...delivered(file), action: 's3:DeleteObject' },
    ];
    for (const call of refused) assert.equal(mayDeliver(call), false, JSON.stringify(call));
    assert.equal(mayDeliver(delivered(file), 'events.amazonaws.com'), false);
    const withoutTls = { ...delivered(file).context, 'aws:SecureTransport': 'false' };
    assert.equal(mayDeliver({ ...delivered(file), context: withoutTls }), false);
  });

  test('of a bucket that was there before is delivered as well', () => {
    const foreign = synthesise({
      environment: 'prod',
      settings: { input: { kind: 'existing', name: 'holiday-photos', prefix: '2026/' } },
    }).resources;
    const bucket = Object.keys(foreign).find((id) => id.startsWith('BucketsResults'))!;
    const call: Call = {
      ...delivered('', 'arn:aws:s3:::holiday-photos'),
      resource: `${arnOf(bucket, foreign)}/lists/inventory/holiday-photos/images/data/0.csv.gz`,
    };
    assert.equal(serviceMayCall('s3.amazonaws.com', resourceStatements(bucket, foreign), call), true);
  });
});

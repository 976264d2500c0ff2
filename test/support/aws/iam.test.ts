import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayCall, type Statement } from './iam.ts';

const allow = (rest: Partial<Statement>): Statement => ({
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: '*',
  ...rest,
});
const call = { action: 's3:GetObject', resource: 'arn:aws:s3:::photos/a.b/c.jpg' };

const CASES: [string, Statement[], boolean][] = [
  ['nothing allows it', [], false],
  ['the very object is named', [allow({ Resource: call.resource })], true],
  ['a prefix is named', [allow({ Resource: 'arn:aws:s3:::photos/a*' })], true],
  ['a dot stands for itself', [allow({ Resource: 'arn:aws:s3:::photos/a?b/c.jpg' })], true],
  ['another prefix is named', [allow({ Resource: 'arn:aws:s3:::photos/b*' })], false],
  ['the bucket alone is named', [allow({ Resource: 'arn:aws:s3:::photos' })], false],
  ['actions match without regard to case', [allow({ Action: ['S3:get*'] })], true],
  ['another action is named', [allow({ Action: 's3:GetObjectVersion' })], false],
  ['a denial wins', [allow({}), allow({ Effect: 'Deny' })], false],
  ['a condition holds', [allow({ Condition: { Bool: { 'aws:SecureTransport': 'true' } } })], true],
  [
    'a condition does not hold',
    [allow({ Condition: { StringEquals: { 'aws:SourceAccount': '1' } } })],
    false,
  ],
];

for (const [what, statements, expected] of CASES) {
  test(`${what}: ${expected ? 'allowed' : 'refused'}`, () => {
    assert.equal(mayCall(statements, call), expected);
  });
}

test('what is not known is not judged', () => {
  const condition = allow({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } });
  assert.throws(() => mayCall([condition], { ...call, context: { 'aws:SourceIp': '10.0.0.1' } }));
});

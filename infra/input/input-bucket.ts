/** Where images come from, and what reading and tagging them takes. */
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { acknowledge, objectsFinding } from '../acknowledge.ts';

const READ_OBJECT = ['s3:GetObject', 's3:GetObjectVersion'];
const TAG_OBJECT = [
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:PutObjectTagging',
  's3:PutObjectVersionTagging',
];

/** Images of one bucket; one with several prefixes stands there several times. */
export interface InputBucket {
  bucket: IBucket;
  /** Keys that may be read start so. */
  prefix: string;
  /** Keys whose events are captioned end in one of these; in anything, where there is none. */
  suffixes: readonly string[];
}

/** Each once. */
export function namesOf(inputs: readonly InputBucket[]): string[] {
  return [...new Set(inputs.map(({ bucket }) => bucket.bucketName))];
}

type Readable = Pick<InputBucket, 'bucket' | 'prefix'>;

/** Listing tells "not found" from "not allowed", which S3 else does not. @param reason for a reviewer */
export function allowReadingImages(role: IRole, inputs: readonly Readable[], reason: string): void {
  for (const { bucket, prefix } of inputs) {
    const allow = (actions: string[], resource: string) =>
      role.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [resource] }));
    allow(READ_OBJECT, bucket.arnForObjects(`${prefix}*`));
    allow(['s3:ListBucket'], bucket.bucketArn);
    bucket.encryptionKey?.grantDecrypt(role);
    acknowledge(role, inputFinding({ bucket, prefix }), reason);
  }
}

/** Of who captions what the input buckets hold. */
export function captionsAnything(who: string): string {
  return `${who} captions any image that lies there: keys are not known before. Content is read only.`;
}

/** For captions as tags, which change no content. */
export function allowTaggingImages(role: IRole, inputs: readonly InputBucket[]): void {
  for (const { bucket, prefix } of inputs) {
    const resources = [bucket.arnForObjects(`${prefix}*`)];
    role.addToPrincipalPolicy(new PolicyStatement({ actions: TAG_OBJECT, resources }));
  }
}

function inputFinding({ bucket, prefix }: Readable): string {
  const own = bucket.node.defaultChild as CfnBucket | undefined;
  return own === undefined ? foreignObjectsFinding(bucket.bucketName, prefix) : objectsFinding(own, prefix);
}

/** The same as `objectsFinding` for a bucket that is not the stack's. */
function foreignObjectsFinding(bucket: string, prefix: string): string {
  return `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${bucket}/${prefix}*]`;
}

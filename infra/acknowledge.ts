import { Stack, Validations } from 'aws-cdk-lib';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';

/** Accepts findings of cdk-nag on a construct and all below it, with a reason that a reviewer can check. */
export function acknowledge(construct: IConstruct, ids: string | readonly string[], reason: string): void {
  for (const id of [ids].flat()) Validations.of(construct).acknowledge({ id, reason });
}

/** cdk-nag's name for the finding that a policy names all objects whose key starts so. */
export function objectsFinding(bucket: CfnBucket, prefix = ''): string {
  const name = Stack.of(bucket).resolve(bucket.logicalId) as string;
  return `AwsSolutions-IAM5[Resource::<${name}.Arn>/${prefix}*]`;
}

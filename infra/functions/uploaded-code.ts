/** Code that somebody uploads before the stack is made: where it lies are parameters of the template. */
import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** A zip of what `assembleFunctions` writes. */
export interface UploadedZip {
  kind: 'uploaded';
  /** Hexadecimal. */
  sha256: string;
}

/** Parameters of the template; `infra/published/deploy.sh` gives them. */
const CODE_BUCKET = 'CodeBucket';
const CODE_KEY = 'CodeKey';

/** Named by what it holds: another version never takes the place of one that a stack may go back to. */
function keyOfZip({ sha256 }: Pick<UploadedZip, 'sha256'>): string {
  return `show-and-tell/${sha256}.zip`;
}

/** @param scope any construct; all functions of a stack share the two parameters */
export function uploadedCode(scope: Construct, zip: UploadedZip): Code {
  const stack = Stack.of(scope);
  const parameterOf = (name: string, description: string, value?: string) =>
    (stack.node.tryFindChild(name) as CfnParameter | undefined) ??
    new CfnParameter(stack, name, { description, ...(value !== undefined && { default: value }) });
  return Code.fromCfnParameters({
    bucketNameParam: parameterOf(CODE_BUCKET, 'Bucket of this region that holds the code of the functions'),
    objectKeyParam: parameterOf(CODE_KEY, 'Key of the code in that bucket', keyOfZip(zip)),
  });
}

/**
 * As a version wants it: Lambda refuses to publish any other code.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
 */
export function codeSha256({ sha256 }: UploadedZip): string {
  return Buffer.from(sha256, 'hex').toString('base64');
}

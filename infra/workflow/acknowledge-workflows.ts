import { Stack } from 'aws-cdk-lib';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { acknowledge, objectsFinding } from '../acknowledge.ts';
import { LISTS_PREFIX, RUNS_PREFIX } from './storage.ts';
import type { Workflows } from './workflow.ts';

/** cdk-nag's findings on the state machines, whose roles the CDK writes. */
export function acknowledgeWorkflows(
  { oneImage, wholeBucket, node }: Workflows,
  results: Bucket,
  tracing: boolean,
): void {
  for (const machine of [oneImage, wholeBucket]) {
    acknowledge(
      machine,
      'AwsSolutions-IAM5[Resource::*]',
      'The delivery of logs (logs:CreateLogDelivery and its siblings) and xray:PutTraceSegments name no resource: AWS ' +
        'defines these actions for * only.',
    );
    if (!tracing) {
      acknowledge(
        machine,
        ['AwsSolutions-SF2', 'Serverless-StepFunctionStateMachineXray'],
        'Traces are switched off in the settings, to save their price; the log has every step.',
      );
    }
  }
  const bucket = results.node.defaultChild as CfnBucket;
  acknowledge(
    wholeBucket,
    [objectsFinding(bucket, `${RUNS_PREFIX}/`), objectsFinding(bucket, `${LISTS_PREFIX}/`)],
    'Step Functions names the files of a run itself, and the starter of an execution names its list: both are new each ' +
      'time, and lie below prefixes that hold nothing else.',
  );
  acknowledge(
    wholeBucket,
    executionFindings(wholeBucket.node.defaultChild as CfnStateMachine),
    'A distributed map watches and stops its own child executions, whose names Step Functions makes up; only executions ' +
      'of this state machine match.',
  );
  for (const map of node.findAll().filter((child) => /^Caption(Prefix|Inventory|Csv)$/.test(child.node.id))) {
    acknowledge(
      map,
      'Annotation::@aws-cdk/aws-stepfunctions:propertyIgnored',
      'The CDK requires executionType in the configuration of the processor, and then says that it ignores it.',
    );
  }
}

/** As cdk-nag writes the ARN `execution:<name of the state machine>:*`, whose parts are known at deployment only. */
function executionFindings(machine: CfnStateMachine): string[] {
  const name = Stack.of(machine).resolve(machine.logicalId) as string;
  const execution = `execution:{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${name}"}]}]}`;
  const arn = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:${execution}`;
  return [':*', '/*:*'].map((end) => `AwsSolutions-IAM5[Resource::${arn}${end}]`);
}

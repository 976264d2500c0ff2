/** The state machines of `infra/workflow/workflow.ts`, synthesised alone, with every reference resolved. */
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Workflows, type WorkflowsProps } from '../../../infra/workflow/workflow.ts';
import { definitionOf } from '../../support/state-machine/definition.ts';

export type MachineName = 'OneImage' | 'WholeBucket';
type WorkflowSettings = WorkflowsProps['settings']['workflow'];

/** What CloudFormation puts in place of names in the template. */
export const REFERENCES = {
  workflowFunction: 'arn:aws:lambda:eu-west-1:123456789012:function:workflow',
  summaryFunction: 'arn:aws:lambda:eu-west-1:123456789012:function:summary',
} as const;

/** Without the flag the CDK leaves the writer of results out, and says nothing. */
const CONTEXT = { '@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2': true };

export function synthesiseWorkflows(settings: Partial<WorkflowSettings> = {}): Template {
  const stack = new Stack(new App({ context: CONTEXT, analyticsReporting: false }), 'Test');
  const functionOf = (id: string) =>
    new LambdaFunction(stack, id, {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline('never run'),
    });
  new Workflows(stack, 'Workflows', {
    workflowFunction: functionOf('WorkflowFunction'),
    summaryFunction: functionOf('SummaryFunction'),
    inputBuckets: [Bucket.fromBucketName(stack, 'Images', 'photos')],
    resultsBucket: Bucket.fromBucketName(stack, 'Results', 'results'),
    settings: {
      architecture: 'x86_64',
      functions: {
        workflow: { memory: 1769, timeout: 120 },
        summary: { timeout: 60 },
      },
      logRetentionDays: 7,
      tracing: false,
      workflow: {
        batchSize: 10,
        concurrency: 4,
        toleratedFailurePercentage: 5,
        oneImage: 'express',
        ...settings,
      },
    },
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return Template.fromStack(stack);
}

/** As CloudFormation would hand it to Step Functions. */
export function definition(name: MachineName, settings: Partial<WorkflowSettings> = {}): unknown {
  return definitionIn(synthesiseWorkflows(settings), name);
}

/** The same out of any template that has both functions and both buckets under these names. */
export function definitionIn(template: Template, name: MachineName): unknown {
  const values: [id: RegExp, value: string][] = [
    [/^AWS::Partition$/, 'aws'],
    [/^WorkflowFunction/, REFERENCES.workflowFunction],
    [/^SummaryFunction/, REFERENCES.summaryFunction],
    [/^BucketsResults/, 'results'],
  ];
  const lookUp = (id: string) => values.find(([pattern]) => pattern.test(id))?.[1];
  return definitionOf(template.toJSON() as Parameters<typeof definitionOf>[0], name, lookUp);
}

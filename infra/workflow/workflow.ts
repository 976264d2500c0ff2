import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke, type LambdaInvokeJsonataProps } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { addRetries } from './retry.ts';
import { CsvReader, InventoryReader, PrefixReader, RunWriter } from './storage.ts';

/** What a function's own timeout needs to be reported before the state gives up on it. */
const TIMEOUT_MARGIN_SECONDS = 5;

/** Of 256 KiB that pass between states: keys may be as long as 1,024 bytes, and items carry more than their keys. */
const MAX_BATCH_BYTES = 200 << 10;

const PAYLOAD = '{% $states.result.Payload %}';
/** With the time that the task took; waits between tries are in it, for nothing tells them apart. */
const TIMED_PAYLOAD =
  "{% $merge([$states.result.Payload, {'milliseconds': $millis() - $toMillis($states.context.State.EnteredTime)}]) %}";

/** Numbers of the state machines that a deployer may change. */
export interface WorkflowSettings {
  /** Images of one invocation, 1 to 1,000: few enough for the function's timeout. */
  batchSize: number;
  /** Batches of a run at the same time. */
  concurrency: number;
  /** Per cent of the images that service faults may leave undone before a run over a bucket gives up, 0 to 100. */
  toleratedFailurePercentage: number;
  /** `express` costs less and keeps no history but its log; at most 5 minutes, at least once. */
  oneImage: 'standard' | 'express';
}

export interface WorkflowsProps {
  /** Alias of the function of src/lambda/workflow.ts. */
  workflowFunction: lambda.IFunction;
  /** Alias of the function of src/lambda/summary.ts, which may read below `runs/` of the results bucket. */
  summaryFunction: lambda.IFunction;
  /** Whose images a run may list. */
  inputBuckets: readonly s3.IBucket[];
  resultsBucket: s3.IBucket;
  settings: {
    architecture: 'x86_64' | 'arm64';
    functions: {
      workflow: { memory: number; timeout: number };
      summary: { timeout: number };
    };
    logRetentionDays: number;
    /** Traces in X-Ray. */
    tracing: boolean;
    workflow: WorkflowSettings;
  };
  /** Of the logs. */
  removalPolicy: RemovalPolicy;
}

/** Two state machines: one image, and every image of a bucket's prefix, inventory or CSV list. */
export class Workflows extends Construct {
  readonly oneImage: sfn.StateMachine;
  readonly wholeBucket: sfn.StateMachine;
  private readonly props: WorkflowsProps;

  constructor(scope: Construct, id: string, props: WorkflowsProps) {
    super(scope, id);
    this.props = props;
    const express = props.settings.workflow.oneImage === 'express';
    this.oneImage = this.machine('OneImage', {
      stateMachineType: express ? sfn.StateMachineType.EXPRESS : sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromChainable(this.oneImageChain()),
    });
    this.wholeBucket = this.machine('WholeBucket', {
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromChainable(this.wholeBucketChain()),
    });
  }

  /** Answers what the function answers; what has no caption by its own fault ends apart, for who goes on from here. */
  private oneImageChain(): sfn.IChainable {
    const hasCaption = sfn.Choice.jsonata(this, 'HasCaption')
      .when(
        sfn.Condition.jsonata("{% $states.input.status = 'failed' %}"),
        sfn.Succeed.jsonata(this, 'Refused'),
      )
      .otherwise(sfn.Succeed.jsonata(this, 'Captioned'));
    return this.captionTask('Caption', PAYLOAD).next(hasCaption);
  }

  private wholeBucketChain(): sfn.IChainable {
    const summary = this.summaryTask();
    const { inputBuckets, resultsBucket } = this.props;
    const prefix = this.captionAll('CaptionPrefix', new PrefixReader(inputBuckets), 'plain');
    const inventory = this.captionAll('CaptionInventory', new InventoryReader(resultsBucket), 'url');
    const csv = this.captionAll('CaptionCsv', new CsvReader(resultsBucket), 'plain');
    // The same form as for one image: a wrong request is no failure of the service, for which people would be called.
    const noList = sfn.Pass.jsonata(this, 'NoList', {
      outputs: {
        status: 'failed',
        error: {
          code: 'InvalidRequest',
          message: 'expected bucket, and one of prefix, inventory and csv, as text',
        },
      },
    });
    return sfn.Choice.jsonata(this, 'ChooseList')
      .when(hasText('prefix'), prefix.next(summary))
      .when(hasText('inventory'), inventory.next(summary))
      .when(hasText('csv'), csv.next(summary))
      .otherwise(noList);
  }

  /** One child workflow a batch. What a batch answers is one line of a file; a batch that fails leaves its input. */
  private captionAll(
    id: string,
    itemReader: sfn.IItemReader,
    keyEncoding: 'plain' | 'url',
  ): sfn.DistributedMap {
    const { workflow } = this.props.settings;
    return sfn.DistributedMap.jsonata(this, id, {
      itemReader,
      itemBatcher: new sfn.ItemBatcher({
        maxItemsPerBatch: workflow.batchSize,
        maxInputBytesPerBatch: MAX_BATCH_BYTES,
        batchInput: {
          bucket: '{% $states.input.bucket %}',
          keyEncoding,
          startedAt: '{% $states.context.Execution.StartTime %}',
        },
      }),
      maxConcurrency: workflow.concurrency,
      toleratedFailurePercentage: workflow.toleratedFailurePercentage,
      mapExecutionType: sfn.StateMachineType.EXPRESS,
      resultWriterV2: new RunWriter(this.props.resultsBucket),
    }).itemProcessor(this.captionTask(`${id}Batch`, TIMED_PAYLOAD), {
      mode: sfn.ProcessorMode.DISTRIBUTED,
      executionType: sfn.ProcessorType.EXPRESS,
    });
  }

  /** @param outputs the answer of the function is `$states.result.Payload` */
  private captionTask(id: string, outputs: string): LambdaInvoke {
    const { workflowFunction, settings } = this.props;
    return invoke(this, id, workflowFunction, settings.functions.workflow.timeout, {
      payload: sfn.TaskInput.fromText('{% $states.input %}'),
      outputs,
    });
  }

  /** Counts and cost of a whole run; the last state's output is the execution's. */
  private summaryTask(): LambdaInvoke {
    const { functions, architecture } = this.props.settings;
    const { memory } = functions.workflow;
    return invoke(this, 'Summarize', this.props.summaryFunction, functions.summary.timeout, {
      payload: sfn.TaskInput.fromObject({
        manifest: '{% $states.input.ResultWriterDetails %}',
        memory,
        architecture,
        execution: '{% $states.context.Execution.Id %}',
        bucket: '{% $states.context.Execution.Input.bucket %}',
      }),
      outputs: PAYLOAD,
    });
  }

  /** Logs every step, but never what goes in and out: keys may be private, captions are. */
  private machine(id: string, props: sfn.StateMachineProps): sfn.StateMachine {
    const destination = new logs.LogGroup(this, `${id}Logs`, {
      // Step Functions adds to the policy of the account's log groups; this prefix keeps it from running full.
      logGroupName: `/aws/vendedlogs/states/${Stack.of(this).stackName}-${id}`,
      retention: this.props.settings.logRetentionDays,
      removalPolicy: this.props.removalPolicy,
    });
    return new sfn.StateMachine(this, id, {
      ...props,
      queryLanguage: sfn.QueryLanguage.JSONATA,
      tracingEnabled: this.props.settings.tracing,
      logs: { destination, level: sfn.LogLevel.ALL, includeExecutionData: false },
    });
  }
}

function invoke(
  scope: Construct,
  id: string,
  lambdaFunction: lambda.IFunction,
  timeout: number,
  task: Pick<LambdaInvokeJsonataProps, 'payload' | 'outputs'>,
): LambdaInvoke {
  const taskTimeout = sfn.Timeout.duration(Duration.seconds(timeout + TIMEOUT_MARGIN_SECONDS));
  const props = { ...task, lambdaFunction, taskTimeout, retryOnServiceExceptions: false };
  return addRetries(LambdaInvoke.jsonata(scope, id, props));
}

function hasText(name: string): sfn.Condition {
  const isText = (field: string) => `$type($states.input.${field}) = 'string'`;
  return sfn.Condition.jsonata(`{% ${isText('bucket')} and ${isText(name)} %}`);
}

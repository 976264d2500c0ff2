/** The state machines as data: what is tried again and when, how much goes into a batch, where lists and results lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definition, REFERENCES } from './workflow-template.ts';

interface State {
  Type: string;
  Retry?: object[];
  [name: string]: unknown;
}
interface Machine {
  StartAt: string;
  QueryLanguage: string;
  States: Record<string, State>;
}

const one = definition('OneImage') as Machine;
const whole = definition('WholeBucket') as Machine;

/** docs/operations.md: throttled and busy for a minute and a half, faults of Lambda four times, what was killed once. */
const RETRY = [
  {
    ErrorEquals: [
      'Lambda.TooManyRequestsException',
      'Overloaded',
      'DeadlineExceeded',
      'CaptionerHung',
      'UpstreamUnavailable',
    ],
    IntervalSeconds: 2,
    MaxAttempts: 6,
    BackoffRate: 2,
    MaxDelaySeconds: 30,
    JitterStrategy: 'FULL',
  },
  {
    // https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
    ErrorEquals: [
      'Lambda.ClientExecutionTimeoutException',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
    ],
    IntervalSeconds: 1,
    MaxAttempts: 4,
    BackoffRate: 2,
    JitterStrategy: 'FULL',
  },
  {
    ErrorEquals: ['Lambda.Unknown', 'Sandbox.Timedout', 'States.Timeout'],
    IntervalSeconds: 2,
    MaxAttempts: 1,
    JitterStrategy: 'FULL',
  },
];

test('one image: the function is asked, and the fault of an image is an answer', () => {
  assert.deepEqual(one, {
    StartAt: 'Caption',
    QueryLanguage: 'JSONata',
    States: {
      Caption: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: REFERENCES.workflowFunction, Payload: '{% $states.input %}' },
        Output: '{% $states.result.Payload %}',
        TimeoutSeconds: 125,
        Retry: RETRY,
        Next: 'HasCaption',
      },
      HasCaption: {
        Type: 'Choice',
        Choices: [{ Condition: "{% $states.input.status = 'failed' %}", Next: 'Refused' }],
        Default: 'Captioned',
      },
      Refused: { Type: 'Succeed' },
      Captioned: { Type: 'Succeed' },
    },
  });
});

test('a whole bucket: the kind of list is told by the field that is text', () => {
  const isText = (name: string) =>
    `{% $type($states.input.bucket) = 'string' and $type($states.input.${name}) = 'string' %}`;
  assert.deepEqual([whole.StartAt, whole.QueryLanguage], ['ChooseList', 'JSONata']);
  assert.deepEqual(whole.States.ChooseList, {
    Type: 'Choice',
    Choices: [
      { Condition: isText('prefix'), Next: 'CaptionPrefix' },
      { Condition: isText('inventory'), Next: 'CaptionInventory' },
      { Condition: isText('csv'), Next: 'CaptionCsv' },
    ],
    Default: 'NoList',
  });
  assert.deepEqual(whole.States.NoList, {
    Type: 'Pass',
    Output: {
      status: 'failed',
      error: {
        code: 'InvalidRequest',
        message: 'expected bucket, and one of prefix, inventory and csv, as text',
      },
    },
    End: true,
  });
});

const lists = [
  {
    name: 'CaptionPrefix',
    keys: 'plain',
    reader: {
      Resource: 'arn:aws:states:::s3:listObjectsV2',
      Arguments: { Bucket: '{% $states.input.bucket %}', Prefix: '{% $states.input.prefix %}' },
    },
  },
  {
    name: 'CaptionInventory',
    keys: 'url',
    reader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'MANIFEST' },
      Arguments: { Bucket: 'results', Key: '{% $states.input.inventory %}' },
    },
  },
  {
    name: 'CaptionCsv',
    keys: 'plain',
    reader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' },
      Arguments: { Bucket: 'results', Key: '{% $states.input.csv %}' },
    },
  },
];

for (const { name, keys, reader } of lists) {
  test(`${name}: batches within the limits of the settings, each timed and tried again, results below runs/`, () => {
    assert.deepEqual(whole.States[name], {
      Type: 'Map',
      ItemReader: reader,
      ItemBatcher: {
        MaxItemsPerBatch: 10,
        MaxInputBytesPerBatch: 204_800,
        BatchInput: {
          bucket: '{% $states.input.bucket %}',
          keyEncoding: keys,
          startedAt: '{% $states.context.Execution.StartTime %}',
        },
      },
      MaxConcurrency: 4,
      ToleratedFailurePercentage: 5,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
        StartAt: `${name}Batch`,
        States: {
          [`${name}Batch`]: {
            Type: 'Task',
            QueryLanguage: 'JSONata',
            Resource: 'arn:aws:states:::lambda:invoke',
            Arguments: { FunctionName: REFERENCES.workflowFunction, Payload: '{% $states.input %}' },
            Output:
              "{% $merge([$states.result.Payload, {'milliseconds': $millis() - $toMillis($states.context.State.EnteredTime)}]) %}",
            TimeoutSeconds: 125,
            Retry: RETRY,
            End: true,
          },
        },
      },
      ResultWriter: {
        Resource: 'arn:aws:states:::s3:putObject',
        Arguments: { Bucket: 'results', Prefix: 'runs' },
        WriterConfig: { OutputType: 'JSONL', Transformation: 'COMPACT' },
      },
      Next: 'Summarize',
    });
  });
}

test('the summary is told what a second costs, and ends the run', () => {
  assert.deepEqual(whole.States.Summarize, {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: {
      FunctionName: REFERENCES.summaryFunction,
      Payload: {
        manifest: '{% $states.input.ResultWriterDetails %}',
        memory: 1769,
        architecture: 'x86_64',
        execution: '{% $states.context.Execution.Id %}',
        bucket: '{% $states.context.Execution.Input.bucket %}',
      },
    },
    Output: '{% $states.result.Payload %}',
    TimeoutSeconds: 65,
    Retry: RETRY,
    End: true,
  });
});

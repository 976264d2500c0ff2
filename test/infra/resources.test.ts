/** What is deployed, resource by resource, as the settings and docs/operations.md promise it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CORS_MAX_AGE_SECONDS } from '../../src/http/cross-origin.ts';
import { ACCOUNT, arnOf, REGION } from '../support/aws/template.ts';
import { type Deployed, deployedAs } from './deployed.ts';

const BUCKET = 'AWS::S3::Bucket';
const ALARM = 'AWS::CloudWatch::Alarm';
const FULL = 'VPC, JWT, mail and budget';
const OPEN = 'open address with a name of its own';
const DAY = 86_400;

/** A bucket of the environment `prod`. */
function bucketOf(days: number, more: object): object {
  return {
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    LifecycleConfiguration: {
      Rules: [
        {
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          ExpirationInDays: days,
          Status: 'Enabled',
        },
      ],
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    ...more,
  };
}

test('buckets keep, log and tell what they should, and browsers put uploads from the named origins alone', () => {
  const { propertiesOf, named } = deployedAs(OPEN);
  const log = (LogFilePrefix: string) => ({
    LoggingConfiguration: { DestinationBucketName: named(BUCKET, 'BucketsAccessLogs'), LogFilePrefix },
  });
  assert.deepEqual(propertiesOf(BUCKET, 'BucketsAccessLogs'), bucketOf(90, {}));
  assert.deepEqual(propertiesOf(BUCKET, 'BucketsResults'), bucketOf(365, log('results/')));
  const input = {
    ...log('input/'),
    NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
  };
  // What `POST /uploads` signs: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
  const cors = {
    CorsConfiguration: {
      CorsRules: [
        {
          AllowedHeaders: ['content-type', 'if-none-match'],
          AllowedMethods: ['PUT'],
          AllowedOrigins: ['https://example.org'],
        },
      ],
    },
  };
  assert.deepEqual(propertiesOf(BUCKET, 'BucketsInput'), bucketOf(90, { ...input, ...cors }));
  assert.deepEqual(deployedAs(FULL).propertiesOf(BUCKET, 'BucketsInput'), bucketOf(90, input));
});

test('buckets go with a development stack and stay without the others, TLS 1.2 in each', () => {
  const { resources, idsOf } = deployedAs('prod');
  for (const id of idsOf(BUCKET)) {
    assert.equal(deployedAs('prod').whenDeleted(BUCKET, id), 'RetainExceptOnCreate', id);
    assert.equal(deployedAs('prod').resources[id]!.UpdateReplacePolicy, 'Retain', id);
    assert.equal(deployedAs('dev').whenDeleted(BUCKET, id), 'Delete', id);
    const statements = idsOf('AWS::S3::BucketPolicy').flatMap(
      (policy) => (resources[policy]!.Properties.PolicyDocument as { Statement: object[] }).Statement,
    );
    const old = statements.filter((s) => JSON.stringify(s).includes('"s3:TlsVersion":1.2'));
    assert.equal(old.length, idsOf(BUCKET).length);
  }
});

test('functions get the limits of the settings, and what they read of the environment', () => {
  const { propertiesOf, named, idsOf } = deployedAs(FULL);
  const input = named(BUCKET, 'BucketsInput');
  const results = { RESULTS_BUCKET: named(BUCKET, 'BucketsResults'), RESULTS_PREFIX: 'captions/' };
  const uploads = { UPLOADS_BUCKET: input, UPLOADS_PREFIX: 'uploads/' };
  const expected: Record<string, { limits: number[]; variables: object }> = {
    http: { limits: [1769, 29, 50], variables: { ALLOWED_BUCKETS: input, ...results, ...uploads } },
    queue: { limits: [1769, 60, 20], variables: { ALLOWED_BUCKETS: input, ...results } },
    workflow: { limits: [1769, 120, 100], variables: { ALLOWED_BUCKETS: input, ...results } },
    summary: { limits: [512, 300, 2], variables: {} },
  };
  assert.equal(idsOf('AWS::Lambda::Function').length, 4);
  for (const [name, { limits, variables }] of Object.entries(expected)) {
    const id = `${name[0]!.toUpperCase()}${name.slice(1)}Function`;
    const { Code: _code, Role: _role, ...properties } = propertiesOf('AWS::Lambda::Function', id);
    const [MemorySize, Timeout, ReservedConcurrentExecutions] = limits;
    assert.deepEqual(properties, {
      Architectures: ['x86_64'],
      Description: `Captions images: ${name}${name === 'http' ? ', 1 kept warm' : ''}`,
      Environment: {
        Variables: {
          MAX_OBJECT_BYTES: '67108864',
          MODEL_DIR: 'model',
          MODEL_THREADS: '1',
          MALLOC_TRIM_THRESHOLD_: '131072',
          ORT_DISABLE_TELEMETRY: '1',
          POWERTOOLS_LOG_LEVEL: 'INFO',
          POWERTOOLS_METRICS_NAMESPACE: 'ShowAndTell',
          POWERTOOLS_SERVICE_NAME: 'Captioner',
          TRACING: 'on',
          ...variables,
        },
      },
      Handler: `${name}.handler`,
      LoggingConfig: { LogFormat: 'JSON', LogGroup: named('AWS::Logs::LogGroup', id) },
      MemorySize,
      ReservedConcurrentExecutions,
      Runtime: 'nodejs24.x',
      Timeout,
      TracingConfig: { Mode: 'Active' },
      VpcConfig: {
        SecurityGroupIds: [`${named('AWS::EC2::SecurityGroup', id)}.GroupId`],
        SubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      },
    });
    assert.equal(propertiesOf('AWS::Lambda::Alias', id).Name, 'live');
    const warm = { ProvisionedConcurrentExecutions: 1 };
    const { ProvisionedConcurrencyConfig } = propertiesOf('AWS::Lambda::Version', id);
    assert.deepEqual(ProvisionedConcurrencyConfig, name === 'http' ? warm : undefined);
  }
});

test('what runs at the same time is what the settings say, with a reservation or without', () => {
  const { propertiesOf } = deployedAs('arm64');
  const reserved = (id: string) => propertiesOf('AWS::Lambda::Function', id).ReservedConcurrentExecutions;
  assert.deepEqual(['HttpFunction', 'QueueFunction', 'WorkflowFunction'].map(reserved), [
    undefined,
    20,
    undefined,
  ]);
  assert.deepEqual(propertiesOf('AWS::Lambda::Version', 'HttpFunction').ProvisionedConcurrencyConfig, {
    ProvisionedConcurrentExecutions: 3,
  });
  assert.deepEqual(propertiesOf('AWS::Lambda::EventSourceMapping', 'Queue').ScalingConfig, {
    MaximumConcurrency: 15,
  });
  const { DefinitionString } = propertiesOf('AWS::StepFunctions::StateMachine', 'WorkflowsWholeBucket');
  const maps = [...JSON.stringify(DefinitionString).matchAll(/MaxConcurrency\\*":(\d+)/g)].map(
    ([, most]) => most,
  );
  assert.deepEqual(maps, ['7', '7', '7']);
});

test('a function names further buckets that the settings allow, and a limit of pixels', () => {
  const { propertiesOf } = deployedAs('existing bucket');
  const variablesOf = (id: string) =>
    (propertiesOf('AWS::Lambda::Function', id).Environment as { Variables: Record<string, string> })
      .Variables;
  assert.equal(variablesOf('HttpFunction').ALLOWED_BUCKETS, 'holiday-photos,other-photos');
  assert.equal(variablesOf('WorkflowFunction').ALLOWED_BUCKETS, 'holiday-photos,other-photos');
  assert.equal(variablesOf('QueueFunction').ALLOWED_BUCKETS, 'holiday-photos');
  assert.equal(variablesOf('HttpFunction').MAX_PIXELS, undefined);
});

test('a function may assume its role, and a version that was in service outlives it where things are kept', () => {
  const { propertiesOf, resources, idsOf, whenDeleted } = deployedAs('prod');
  const roles = idsOf('AWS::IAM::Role').filter((id) => /^(Http|Queue|Workflow|Summary)FunctionRole/.test(id));
  assert.equal(roles.length, 4);
  for (const id of roles) {
    const { AssumeRolePolicyDocument: document } = propertiesOf('AWS::IAM::Role', id);
    assert.match(JSON.stringify(document), /"Principal":\{"Service":"lambda.amazonaws.com"\}/);
  }
  for (const id of idsOf('AWS::Lambda::Version')) {
    // One that is kept warm costs as long as it is there.
    const isWarm = id.startsWith('HttpFunction');
    assert.equal(whenDeleted('AWS::Lambda::Version', id), isWarm ? 'Delete' : 'RetainExceptOnCreate', id);
  }
  const dev = deployedAs('dev');
  for (const id of dev.idsOf('AWS::Lambda::Version'))
    assert.equal(dev.whenDeleted('AWS::Lambda::Version', id), 'Delete');
  for (const id of idsOf('AWS::Logs::LogGroup'))
    assert.equal(whenDeleted('AWS::Logs::LogGroup', id), 'Delete');
  const days = idsOf('AWS::Logs::LogGroup').map((id) => resources[id]!.Properties.RetentionInDays);
  assert.deepEqual(new Set(days), new Set([90]));
  assert.deepEqual(
    idsOf('AWS::CodeDeploy::DeploymentGroup').map((id) => id.replace(/FunctionDeployment.*/, '')),
    ['Http', 'Queue', 'Workflow', 'Summary'],
  );
  assert.deepEqual(deployedAs('dev').idsOf('AWS::CodeDeploy::DeploymentGroup'), []);
});

test('a function in a network may make and remove its interfaces there', () => {
  const { resources, idsOf } = deployedAs(FULL);
  const policies = idsOf('AWS::IAM::Policy').filter((id) => /^\w+FunctionRole/.test(id));
  assert.equal(policies.length, 4);
  for (const id of policies) {
    const { Statement } = resources[id]!.Properties.PolicyDocument as {
      Statement: { Action: string | string[] }[];
    };
    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    assert.deepEqual(
      Statement.flatMap(({ Action }) => Action)
        .filter((action) => action.startsWith('ec2:'))
        .sort(),
      [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:UnassignPrivateIpAddresses',
      ],
      id,
    );
  }
  assert.doesNotMatch(JSON.stringify(deployedAs('prod').resources), /"ec2:/);
});

test('images go from bucket to queue to function, and what fails to the dead letters, for two weeks', () => {
  const { propertiesOf, resources, idOf, named } = deployedAs('prod');
  const arn = (start: string) => arnOf(idOf('AWS::SQS::Queue', start), resources);
  assert.deepEqual(propertiesOf('AWS::SQS::Queue', 'QueueDeadLetters'), {
    MessageRetentionPeriod: 14 * DAY,
    SqsManagedSseEnabled: true,
  });
  assert.deepEqual(propertiesOf('AWS::SQS::Queue', 'QueueImages'), {
    MessageRetentionPeriod: 14 * DAY,
    RedrivePolicy: { deadLetterTargetArn: arn('QueueDeadLetters'), maxReceiveCount: 5 },
    SqsManagedSseEnabled: true,
    VisibilityTimeout: 360,
  });
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
  assert.deepEqual(propertiesOf('AWS::Events::Rule', 'QueueNewImages'), {
    Description: 'Images for show-and-tell',
    EventPattern: {
      source: ['aws.s3'],
      'detail-type': ['Object Created', 'Object Restore Completed'],
      detail: {
        bucket: { name: [named(BUCKET, 'BucketsInput')] },
        object: { size: [{ numeric: ['>', 0] }] },
      },
    },
    State: 'ENABLED',
    Targets: [{ Arn: arn('QueueImages'), DeadLetterConfig: { Arn: arn('QueueDeadLetters') }, Id: 'Target0' }],
  });
  const { FunctionName: _name, ...mapping } = propertiesOf('AWS::Lambda::EventSourceMapping', 'Queue');
  assert.deepEqual(mapping, {
    BatchSize: 10,
    EventSourceArn: arn('QueueImages'),
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 20 },
  });
});

test('an address of its own is the only one, answers for every path, and says whose request ended how', () => {
  const { propertiesOf, named, template, idsOf, resources } = deployedAs(OPEN);
  const api = named('AWS::ApiGatewayV2::Api', 'HttpApi');
  const certificate = 'arn:aws:acm:eu-west-1:111122223333:certificate/0123';
  const { CorsConfiguration, ...rest } = propertiesOf('AWS::ApiGatewayV2::Api', 'HttpApi');
  assert.deepEqual(rest, {
    Description: 'show-and-tell: captions for images',
    DisableExecuteApiEndpoint: true,
    Name: 'Api',
    ProtocolType: 'HTTP',
  });
  // Of a request signed with SigV4: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
  const { AllowHeaders, MaxAge } = CorsConfiguration as { AllowHeaders: string[]; MaxAge: number };
  assert.deepEqual(AllowHeaders.filter((header) => header.startsWith('x-amz-')).sort(), [
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-security-token',
  ]);
  assert.equal(MaxAge, CORS_MAX_AGE_SECONDS);
  const keys = idsOf('AWS::ApiGatewayV2::Route').map((id) => resources[id]!.Properties.RouteKey);
  assert.deepEqual(
    keys.sort(),
    ['GET', 'HEAD', 'POST'].flatMap((method) => [`${method} /`, `${method} /{path+}`]),
  );
  const { AccessLogSettings, ...stage } = propertiesOf('AWS::ApiGatewayV2::Stage', 'HttpStage');
  assert.deepEqual(stage, {
    ApiId: api,
    AutoDeploy: true,
    DefaultRouteSettings: { DetailedMetricsEnabled: true, ThrottlingBurstLimit: 5, ThrottlingRateLimit: 5 },
    StageName: '$default',
  });
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
  assert.deepEqual(JSON.parse((AccessLogSettings as { Format: string }).Format), {
    requestId: '$context.requestId',
    time: '$context.requestTime',
    ip: '$context.identity.sourceIp',
    caller: '$context.identity.userArn',
    subject: '$context.authorizer.claims.sub',
    route: '$context.routeKey',
    path: '$context.path',
    status: '$context.status',
    bytes: '$context.responseLength',
    milliseconds: '$context.responseLatency',
    integrationMilliseconds: '$context.integrationLatency',
    error: '$context.error.message',
    integrationError: '$context.integrationErrorMessage',
  });
  assert.deepEqual(propertiesOf('AWS::ApiGatewayV2::DomainName', 'HttpDomain'), {
    DomainName: 'captions.example.org',
    DomainNameConfigurations: [
      { CertificateArn: certificate, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
    ],
  });
  assert.deepEqual(propertiesOf('AWS::ApiGatewayV2::ApiMapping', 'HttpMapping'), {
    ApiId: api,
    DomainName: named('AWS::ApiGatewayV2::DomainName', 'HttpDomain'),
    Stage: '$default',
  });
  assert.equal(template.findOutputs('Url').Url!.Value, 'https://captions.example.org/');
  assert.equal(
    deployedAs('prod').propertiesOf('AWS::ApiGatewayV2::Api', 'HttpApi').DisableExecuteApiEndpoint,
    false,
  );
});

test('tokens are asked of the issuer that the settings name', () => {
  assert.deepEqual(deployedAs(FULL).propertiesOf('AWS::ApiGatewayV2::Authorizer', 'HttpApiJwt'), {
    ApiId: deployedAs(FULL).named('AWS::ApiGatewayV2::Api', 'HttpApi'),
    AuthorizerType: 'JWT',
    IdentitySource: ['$request.header.Authorization'],
    JwtConfiguration: { Audience: ['captions'], Issuer: 'https://issuer.example' },
    Name: 'Jwt',
  });
});

interface Watched {
  metric: string;
  /** Namespace and statistic. */
  of: string;
  /** s, how many of them, and the value from which it is called for. */
  when: [period: number, periods: number, threshold: number];
}

test('a person is called for what the settings say, where one reads mail, and for nothing that is quiet', () => {
  const { propertiesOf, idsOf, named, idOf, resources } = deployedAs(FULL);
  const topic = arnOf(idOf('AWS::SNS::Topic', 'AlarmsTopic'), resources);
  const perFunction = (start: string, metric: string, when: Watched['when']): Record<string, Watched> =>
    Object.fromEntries(
      ['http', 'queue', 'workflow', 'summary'].map((name) => [
        start.replace('*', name),
        { metric, of: 'AWS/Lambda Sum', when },
      ]),
    );
  const expected: Record<string, Watched> = {
    ...perFunction('AlarmsThrottles*', 'Throttles', [300, 3, 1]),
    HttpFunctionErrors: { metric: 'Errors', of: 'AWS/Lambda Sum', when: [60, 1, 1] },
    QueueFunctionErrors: { metric: 'Errors', of: 'AWS/Lambda Sum', when: [60, 1, 1] },
    WorkflowFunctionErrors: { metric: 'Errors', of: 'AWS/Lambda Sum', when: [60, 1, 1] },
    SummaryFunctionErrors: { metric: 'Errors', of: 'AWS/Lambda Sum', when: [60, 1, 1] },
    AlarmsDeadLetters: {
      metric: 'ApproximateNumberOfMessagesVisible',
      of: 'AWS/SQS Maximum',
      when: [300, 1, 1],
    },
    AlarmsOldestMessage: {
      metric: 'ApproximateAgeOfOldestMessage',
      of: 'AWS/SQS Maximum',
      when: [300, 1, 300],
    },
    AlarmsServerErrors: { metric: '5xx', of: 'AWS/ApiGateway Sum', when: [300, 2, 1] },
    ...Object.fromEntries(
      ['OneImage', 'WholeBucket'].flatMap((name): [string, Watched][] => [
        [`AlarmsFailed${name}`, { metric: 'ExecutionsFailed', of: 'AWS/States Sum', when: [300, 1, 1] }],
        [`AlarmsTimedOut${name}`, { metric: 'ExecutionsTimedOut', of: 'AWS/States Sum', when: [300, 1, 1] }],
        [`AlarmsThrottled${name}`, { metric: 'ExecutionThrottled', of: 'AWS/States Sum', when: [300, 3, 1] }],
      ]),
    ),
    AlarmsSlow: { metric: 'Duration', of: 'AWS/Lambda p99', when: [300, 3, 5000] },
    AlarmsColdStarts: { metric: 'ColdStart', of: 'ShowAndTell Sum', when: [300, 1, 10] },
  };
  const newVersions = idsOf(ALARM).filter((id) => id.includes('NewVersionErrors'));
  assert.equal(newVersions.length, 4);
  assert.equal(idsOf(ALARM).length - newVersions.length, Object.keys(expected).length);
  for (const [start, { metric, of, when }] of Object.entries(expected)) {
    const alarm = propertiesOf(ALARM, start);
    assert.deepEqual(alarm.AlarmActions, [topic], start);
    assert.equal(alarm.MetricName, metric);
    assert.equal(`${alarm.Namespace} ${alarm.Statistic ?? alarm.ExtendedStatistic}`, of, start);
    assert.deepEqual([alarm.Period, alarm.EvaluationPeriods, alarm.Threshold], when, start);
    assert.equal(alarm.ComparisonOperator, 'GreaterThanOrEqualToThreshold', start);
    assert.equal(alarm.TreatMissingData, 'notBreaching', start);
  }
  assert.deepEqual(propertiesOf(ALARM, 'AlarmsColdStarts').Dimensions, [
    { Name: 'function_name', Value: named('AWS::Lambda::Function', 'HttpFunction') },
    { Name: 'service', Value: 'Captioner' },
  ]);
  assert.deepEqual(propertiesOf(ALARM, 'AlarmsDeadLetters').Dimensions, [
    { Name: 'QueueName', Value: `${named('AWS::SQS::Queue', 'QueueDeadLetters')}.QueueName` },
  ]);
  assert.deepEqual(propertiesOf('AWS::SNS::Subscription', 'AlarmsTopic'), {
    Endpoint: 'ops@example.org',
    Protocol: 'email',
    TopicArn: topic,
  });
  assert.deepEqual(deployedAs('prod').idsOf('AWS::SNS::Subscription'), []);
});

test('only alarms of this account tell the topic anything, and only over TLS', () => {
  const { propertiesOf, idOf, resources } = deployedAs('prod');
  const topic = arnOf(idOf('AWS::SNS::Topic', 'AlarmsTopic'), resources);
  assert.deepEqual(
    (propertiesOf('AWS::SNS::TopicPolicy', 'AlarmsTopic').PolicyDocument as { Statement: unknown }).Statement,
    [
      {
        Action: 'sns:Publish',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        Effect: 'Deny',
        Principal: '*',
        Resource: topic,
        Sid: 'AllowPublishThroughSSLOnly',
      },
      {
        Action: 'sns:Publish',
        Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } },
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Resource: topic,
        Sid: 'AlarmsOfThisAccount',
      },
    ],
  );
});

test('a budget warns by mail before the money is gone', () => {
  const warning = (NotificationType: string, Threshold: number) => ({
    Notification: {
      ComparisonOperator: 'GREATER_THAN',
      NotificationType,
      Threshold,
      ThresholdType: 'PERCENTAGE',
    },
    Subscribers: [{ Address: 'ops@example.org', SubscriptionType: 'EMAIL' }],
  });
  assert.deepEqual(deployedAs(FULL).propertiesOf('AWS::Budgets::Budget', 'AlarmsBudget'), {
    Budget: { BudgetLimit: { Amount: 100, Unit: 'USD' }, BudgetType: 'COST', TimeUnit: 'MONTHLY' },
    NotificationsWithSubscribers: [warning('ACTUAL', 80), warning('FORECASTED', 100)],
  });
  assert.deepEqual(deployedAs('prod').idsOf('AWS::Budgets::Budget'), []);
});

/** Each graph of the dashboard: metric and statistic of its lines. */
function graphsOf({ propertiesOf }: Deployed): Record<string, string[]> {
  const body = String(propertiesOf('AWS::CloudWatch::Dashboard', 'Dashboard').DashboardBody);
  const { widgets } = JSON.parse(body) as {
    widgets: { properties: { title: string; alarms?: string[]; metrics?: unknown[][] }; width: number }[];
  };
  return Object.fromEntries(
    widgets.map(({ properties: { title, alarms, metrics = [] }, width }) => [
      `${title} (${width})`,
      alarms?.map(() => 'alarm') ??
        metrics.map((line) => {
          const { label, stat = 'Average' } = line.at(-1) as { label: string; stat?: string };
          return `${line[1]} ${stat}: ${label}`;
        }),
    ]),
  );
}

test('the dashboard shows every alarm, and each function beside the others', () => {
  const names = ['http', 'queue', 'workflow', 'summary'];
  assert.deepEqual(graphsOf(deployedAs('dev')), {
    'Alarms (24)': deployedAs('dev')
      .idsOf(ALARM)
      .map(() => 'alarm'),
    'Invocations (12)': names.map((name) => `Invocations Sum: ${name}`),
    'Errors and throttles (12)': [
      ...names.map((name) => `Errors Sum: ${name} errors`),
      ...names.map((name) => `Throttles Sum: ${name} throttles`),
    ],
    'Duration, 99th percentile (12)': names.map((name) => `Duration p99: ${name}`),
    'Cold starts (12)': names.map((name) => `ColdStart Sum: ${name}`),
    'Images (12)': ['Captions Sum: Captions', 'Skipped Sum: Skipped'],
    'Milliseconds of an image, average (12)': ['Decode', 'Preprocess', 'Encode', 'Search', 'Caption'].map(
      (stage) => `${stage}Time Average: ${stage}Time`,
    ),
    'Images waiting (12)': [
      'ApproximateNumberOfMessagesVisible Maximum: queue',
      'ApproximateNumberOfMessagesVisible Maximum: dead letters',
    ],
    'Oldest image waiting (12)': ['ApproximateAgeOfOldestMessage Maximum: seconds'],
    'HTTP requests (12)': ['Count SampleCount: all', '4xx Sum: 4xx', '5xx Sum: 5xx'],
    'HTTP latency, 99th percentile (12)': ['Latency p99: ms'],
  });
});

test('state machines log every step without what goes in and out, and cost little where that is asked for', () => {
  const type = 'AWS::StepFunctions::StateMachine';
  for (const [way, days, kind] of [
    ['prod', 90, 'STANDARD'],
    ['dev', 7, 'EXPRESS'],
  ] as const) {
    const { propertiesOf, resources, idOf } = deployedAs(way);
    for (const name of ['OneImage', 'WholeBucket']) {
      const machine = propertiesOf(type, `Workflows${name}`);
      const logs = `Workflows${name}Logs`;
      assert.equal(machine.StateMachineType, name === 'OneImage' ? kind : 'STANDARD');
      assert.deepEqual(machine.TracingConfiguration, { Enabled: way === 'prod' });
      assert.deepEqual(machine.LoggingConfiguration, {
        Destinations: [
          { CloudWatchLogsLogGroup: { LogGroupArn: arnOf(idOf('AWS::Logs::LogGroup', logs), resources) } },
        ],
        IncludeExecutionData: false,
        Level: 'ALL',
      });
      assert.deepEqual(propertiesOf('AWS::Logs::LogGroup', logs), {
        LogGroupName: `/aws/vendedlogs/states/Captioner-${name}`,
        RetentionInDays: days,
      });
    }
  }
});

test('outputs name what was deployed', () => {
  const { template, idOf } = deployedAs('prod');
  const outputs = template.findOutputs('*') as Record<string, { Value: unknown }>;
  const values = Object.fromEntries(Object.entries(outputs).map(([name, { Value }]) => [name, Value]));
  const reference = (type: string, start: string) => ({ Ref: idOf(type, start) });
  assert.deepEqual(values.InputBucket, reference(BUCKET, 'BucketsInput'));
  assert.deepEqual(values.ResultsBucket, reference(BUCKET, 'BucketsResults'));
  const machine = 'AWS::StepFunctions::StateMachine';
  assert.deepEqual(values.OneImageStateMachine, reference(machine, 'WorkflowsOneImage'));
  assert.deepEqual(values.WholeBucketStateMachine, reference(machine, 'WorkflowsWholeBucket'));
  assert.match(JSON.stringify(values.Url), /execute-api/);
});

test('objects of the key that encrypts a foreign bucket can be read', () => {
  const { resources, idsOf } = deployedAs('existing bucket');
  for (const name of ['Http', 'Queue', 'Workflow']) {
    const id = idsOf('AWS::IAM::Policy').find((policy) => policy.startsWith(`${name}FunctionRole`))!;
    const { Statement } = resources[id]!.Properties.PolicyDocument as {
      Statement: Record<string, unknown>[];
    };
    const decrypt = Statement.find(({ Action }) => Action === 'kms:Decrypt');
    assert.equal(decrypt?.Resource, `arn:aws:kms:${REGION}:${ACCOUNT}:key/0123`, name);
  }
});

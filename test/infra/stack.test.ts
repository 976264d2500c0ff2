/** Every way to deploy, synthesised once, and what must hold of each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { settingsOf } from '../../infra/settings.ts';
import type { Statement } from '../support/aws/iam.ts';
import { circleIn, type Resource, resolve } from '../support/aws/template.ts';
import { type Synthesis, synthesise } from './synthesis.ts';
import { WAYS } from './ways.ts';

const synthesised = new Map<string, Synthesis>();

function synthesis(way: string): Synthesis {
  const found = synthesised.get(way) ?? synthesise(WAYS[way]);
  synthesised.set(way, found);
  return found;
}

function isFunction({ Handler, ImageConfig }: Resource['Properties'], handler: string): boolean {
  return Handler === handler || (ImageConfig as { Command?: string[] } | undefined)?.Command?.[0] === handler;
}

function ofType({ resources }: Synthesis, type: string): [string, Resource['Properties']][] {
  return Object.entries(resources)
    .filter(([, { Type }]) => Type === type)
    .map(([id, { Properties }]) => [id, Properties]);
}

function allStatements({ resources }: Synthesis): [string, Statement][] {
  return Object.entries(resources).flatMap(([id, { Properties }]) => {
    // A user pool has policies of another kind.
    const inline = ([Properties.Policies ?? []].flat() as { PolicyDocument: unknown }[]).map(
      (p) => p.PolicyDocument,
    );
    const documents = [Properties.PolicyDocument, ...inline].filter(Boolean);
    return documents.flatMap((document) =>
      (resolve(document, resources) as { Statement: Statement[] }).Statement.map((s): [string, Statement] => [
        id,
        s,
      ]),
    );
  });
}

for (const way of Object.keys(WAYS)) {
  describe(way, () => {
    test('nothing is deprecated, no rule of the packs is broken without a reason', () => {
      assert.deepEqual(synthesis(way).complaints, []);
    });

    test('every bucket is private, encrypted, TLS only, and forgets', () => {
      const buckets = ofType(synthesis(way), 'AWS::S3::Bucket');
      assert.ok(buckets.length >= 2);
      for (const [id, properties] of buckets) {
        assert.deepEqual(
          properties.PublicAccessBlockConfiguration,
          {
            BlockPublicAcls: true,
            BlockPublicPolicy: true,
            IgnorePublicAcls: true,
            RestrictPublicBuckets: true,
          },
          id,
        );
        assert.ok(properties.BucketEncryption, id);
        const { Rules } = properties.LifecycleConfiguration as { Rules: Record<string, unknown>[] };
        assert.ok(
          Rules.some((rule) => rule.ExpirationInDays && rule.AbortIncompleteMultipartUpload),
          id,
        );
        const denied = statementsOn(synthesis(way), 'AWS::S3::BucketPolicy', 'Bucket', id);
        assert.ok(denied.some(isTlsOnly), id);
      }
    });

    test('every queue is encrypted, TLS only, and has a dead-letter queue or is one', () => {
      const queues = ofType(synthesis(way), 'AWS::SQS::Queue');
      const isDeadLetters = (id: string) =>
        queues.some(([, q]) => JSON.stringify(q.RedrivePolicy ?? {}).includes(`"${id}"`));
      for (const [id, properties] of queues) {
        assert.ok(properties.RedrivePolicy || isDeadLetters(id), id);
        assert.ok(properties.SqsManagedSseEnabled === true || properties.KmsMasterKeyId !== undefined, id);
        assert.ok(statementsOn(synthesis(way), 'AWS::SQS::QueuePolicy', 'Queues', id).some(isTlsOnly), id);
      }
    });

    test('every function keeps its logs for a time, and says whether it is traced', () => {
      const { resources } = synthesis(way);
      for (const [id, properties] of ofType(synthesis(way), 'AWS::Lambda::Function')) {
        const { LogGroup } = properties.LoggingConfig as { LogGroup: { Ref: string } };
        assert.ok(Number(resources[LogGroup.Ref]!.Properties.RetentionInDays) > 0, id);
        const traced = JSON.stringify(properties).includes('"TRACING":"on"');
        assert.equal(
          (properties.TracingConfig as { Mode?: string } | undefined)?.Mode,
          traced ? 'Active' : undefined,
        );
        const { Variables } = properties.Environment as { Variables: Record<string, string> };
        assert.equal(Variables.ORT_DISABLE_TELEMETRY, '1', id);
        assert.equal(Variables.MALLOC_TRIM_THRESHOLD_, '131072', id);
      }
    });

    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
    test('logs that services deliver go where the policy of the account has room for them', () => {
      const { resources } = synthesis(way);
      const delivered = Object.values(resources).flatMap(({ Properties }) =>
        [Properties.AccessLogSettings, Properties.LoggingConfiguration].flatMap((logging) =>
          [...JSON.stringify(logging ?? {}).matchAll(/"Fn::GetAtt":\["(\w+)","Arn"\]/g)].map(([, id]) => id!),
        ),
      );
      const groups = delivered.filter((id) => resources[id]!.Type === 'AWS::Logs::LogGroup');
      assert.equal(groups.length, 3, `${delivered}`);
      for (const id of groups)
        assert.match(
          String(resources[id]!.Properties.LogGroupName),
          /^\/aws\/vendedlogs\/\w+\/Captioner-\w+$/,
          id,
        );
    });

    test('what starts functions by itself is bounded, and as a whole less than they reserve', () => {
      const { resources } = synthesis(way);
      const reservedBy = (handler: string) =>
        Number(
          Object.values(resources).find(({ Properties }) => isFunction(Properties, handler))!.Properties
            .ReservedConcurrentExecutions ?? Number.POSITIVE_INFINITY,
        );
      for (const [id, { ScalingConfig }] of ofType(synthesis(way), 'AWS::Lambda::EventSourceMapping')) {
        const { MaximumConcurrency: most } = ScalingConfig as { MaximumConcurrency: number };
        assert.ok(most >= 2 && most <= reservedBy('queue.handler'), `${id}: ${most}`);
      }
      const machines = JSON.stringify(ofType(synthesis(way), 'AWS::StepFunctions::StateMachine'));
      const maps = [...machines.matchAll(/MaxConcurrency\\+":(\d+)/g)].map(([, most]) => Number(most));
      assert.equal(maps.length, 3);
      for (const most of maps) assert.ok(most >= 1 && most <= reservedBy('workflow.handler'), `${most}`);
    });

    test('no policy has a wildcard in an action, or for a resource where AWS knows a narrower one', () => {
      for (const [id, { Effect, Action, Resource: resource = [] }] of allStatements(synthesis(way))) {
        if (Effect === 'Deny') continue;
        const actions = [Action].flat().filter((action) => !isOfEcsAgent(id, action));
        assert.deepEqual(
          actions.filter((action) => action.includes('*')),
          [],
          id,
        );
        if ([resource].flat().includes('*')) assert.deepEqual(actions.filter(isNarrowable), [], id);
      }
    });

    test('no resource waits for itself', () => {
      assert.equal(circleIn(synthesis(way).resources), undefined);
    });

    test('nobody is called but through the alias', () => {
      const template = JSON.stringify(synthesis(way).resources);
      for (const [id] of ofType(synthesis(way), 'AWS::Lambda::EventSourceMapping')) {
        const { FunctionName } = synthesis(way).resources[id]!.Properties;
        assert.match(JSON.stringify(FunctionName), /Live/);
      }
      for (const [id, { FunctionName }] of ofType(synthesis(way), 'AWS::Lambda::Permission')) {
        assert.match(JSON.stringify(FunctionName), /Live/, id);
      }
      assert.doesNotMatch(template, /"Custom::/);
    });
  });
}

/** Actions that AWS defines for no resource, or that happen before the resource has a name. */
const WITHOUT_RESOURCE =
  /^(xray:Put|xray:GetSampling|ecr:GetAuthorizationToken$|logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolic(y|ies)|DescribeLogGroups)$|ec2:\w+(NetworkInterfaces?|Subnets|PrivateIpAddresses)$)/;

/** What the CDK grants the agent of ECS on a machine; `GpuMachines` says why that may stand. */
const ECS_AGENT = [
  'ecs:Submit*',
  'ecs:Poll',
  'ecs:StartTelemetrySession',
  'ecs:DiscoverPollEndpoint',
  'ecr:GetAuthorizationToken',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
];

function isOfEcsAgent(policy: string, action: string): boolean {
  return policy.startsWith('GpuMachinesRole') && ECS_AGENT.includes(action);
}

function isNarrowable(action: string): boolean {
  return !WITHOUT_RESOURCE.test(action);
}

function statementsOn({ resources }: Synthesis, type: string, property: string, id: string): Statement[] {
  return Object.values(resources)
    .filter(
      ({ Type, Properties }) => Type === type && JSON.stringify(Properties[property]).includes(`"${id}"`),
    )
    .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

function isTlsOnly({ Effect, Condition, Principal }: Statement): boolean {
  const everybody = Principal === '*' || JSON.stringify(Principal) === '{"AWS":"*"}';
  return Effect === 'Deny' && everybody && Condition?.Bool?.['aws:SecureTransport'] === 'false';
}

test('the packs are awake: a bucket of no care is found', () => {
  const found = synthesise({ careless: true }).complaints;
  assert.ok(found.some((complaint) => complaint.startsWith('AwsSolutions-S1 ')));
  assert.ok(
    found.some(
      (complaint) =>
        complaint.startsWith('Serverless-LambdaDefaultMemorySize') ||
        complaint.startsWith('Serverless-LambdaTracing'),
    ),
  );
});

test('every acknowledged finding has a reason of some length', () => {
  for (const way of Object.keys(WAYS)) {
    const metadata = JSON.parse(
      readFileSync(join(synthesis(way).assembly, 'Captioner.metadata.json'), 'utf8'),
    ) as Record<string, { type: string; data: Record<string, string> }[]>;
    const reasons = Object.values(metadata)
      .flat()
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.entries(data));
    assert.ok(reasons.length > 10, way);
    for (const [id, reason] of reasons) assert.ok(reason.length > 60, id);
  }
});

test('a message waits six times the timeout of what captions it', () => {
  const result = synthesis('prod');
  const [[, queue] = []] = ofType(result, 'AWS::SQS::Queue').filter(([, q]) => q.RedrivePolicy);
  const [[, mapping] = []] = ofType(result, 'AWS::Lambda::EventSourceMapping');
  const captioner = Object.values(result.resources).find(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.Handler === 'queue.handler',
  )!.Properties;
  assert.equal(queue!.VisibilityTimeout, 6 * Number(captioner.Timeout));
  assert.deepEqual(mapping!.FunctionResponseTypes, ['ReportBatchItemFailures']);
});

test('every route of the address asks who calls, in the way that the settings say', () => {
  const types = (way: string) =>
    new Set(ofType(synthesis(way), 'AWS::ApiGatewayV2::Route').map(([, route]) => route.AuthorizationType));
  assert.deepEqual(types('dev'), new Set(['AWS_IAM']));
  assert.deepEqual(types('prod'), new Set(['AWS_IAM']));
  assert.deepEqual(types('VPC, JWT, mail and budget'), new Set(['JWT']));
  assert.deepEqual(types('open address with a name of its own'), new Set(['NONE']));
});

test('pages of other origins may call only where the settings name them', () => {
  const corsOf = (way: string) => {
    const [[, api]] = ofType(synthesis(way), 'AWS::ApiGatewayV2::Api') as [[string, Resource['Properties']]];
    return api.CorsConfiguration as Record<string, unknown> | undefined;
  };
  assert.equal(corsOf('prod'), undefined);
  const cors = corsOf('open address with a name of its own')!;
  assert.deepEqual(cors.AllowOrigins, ['https://example.org']);
  assert.deepEqual(cors.AllowMethods, ['GET', 'HEAD', 'POST']);
  for (const header of ['authorization', 'content-type', 'x-api-key', 'x-amz-date'])
    assert.ok((cors.AllowHeaders as string[]).includes(header), header);
  for (const header of ['retry-after', 'server-timing', 'x-request-id'])
    assert.ok((cors.ExposeHeaders as string[]).includes(header), header);
  assert.ok((cors.MaxAge as number) > 0);
});

test('an open address reads no image of the input bucket', () => {
  const { resources } = synthesis('open address with a name of its own');
  const http = Object.values(resources).find(
    ({ Properties }) => Properties.Handler === 'http.handler',
  )!.Properties;
  const { Variables } = http.Environment as { Variables: Record<string, string> };
  assert.equal(Variables.ALLOWED_BUCKETS, undefined);
});

test('the event of an existing bucket is taken from EventBridge, below its prefix', () => {
  const result = synthesis('existing bucket');
  const [[, rule] = []] = ofType(result, 'AWS::Events::Rule');
  const { detail } = rule!.EventPattern as { detail: Record<string, unknown> };
  assert.deepEqual(detail, {
    bucket: { name: ['holiday-photos'] },
    object: { size: [{ numeric: ['>', 0] }], key: [{ prefix: '2026/' }] },
  });
  assert.doesNotMatch(JSON.stringify(result.resources), /UPLOADS_BUCKET/);
});

test('a container function starts from the Dockerfile, one command a function', () => {
  const functions = ofType(synthesis('container'), 'AWS::Lambda::Function');
  const commands = functions.map(([, f]) => (f.ImageConfig as { Command: string[] }).Command[0]);
  assert.deepEqual(commands.sort(), ['http.handler', 'queue.handler', 'summary.handler', 'workflow.handler']);
  // Lambda keeps no snapshots where environments are always warm.
  assert.deepEqual(
    functions.map(([, f]) => [(f.ImageConfig as { Command: string[] }).Command[0], 'SnapStart' in f]).sort(),
    [
      ['http.handler', false],
      ['queue.handler', true],
      ['summary.handler', true],
      ['workflow.handler', true],
    ],
  );
});

test('architecture is the same everywhere', () => {
  for (const [id, properties] of ofType(synthesis('arm64'), 'AWS::Lambda::Function')) {
    assert.deepEqual(properties.Architectures, ['arm64'], id);
  }
});

test('the deployment tells address, buckets and state machines', () => {
  const outputs = Object.keys(synthesis('prod').template.findOutputs('*'));
  for (const name of [
    'Url',
    'InputBucket',
    'ResultsBucket',
    'OneImageStateMachine',
    'WholeBucketStateMachine',
  ]) {
    assert.ok(outputs.includes(name), name);
  }
});

test('an alarm is told, and prod goes back by itself', () => {
  const result = synthesis('prod');
  const metrics = ofType(result, 'AWS::CloudWatch::Alarm').map(([id, alarm]) => {
    // Those of new versions are for CodeDeploy: people hear of the same failures by the others.
    assert.equal(
      (alarm.AlarmActions as unknown[] | undefined)?.length ?? 0,
      id.includes('NewVersion') ? 0 : 1,
      id,
    );
    return alarm.MetricName;
  });
  for (const metric of [
    'Errors',
    'Throttles',
    'Duration',
    'ColdStart',
    'ApproximateAgeOfOldestMessage',
    'ApproximateNumberOfMessagesVisible',
    'ExecutionsFailed',
    'ExecutionsTimedOut',
    'ExecutionThrottled',
  ]) {
    assert.ok(metrics.includes(metric), metric);
  }
  for (const [id, group] of ofType(result, 'AWS::CodeDeploy::DeploymentGroup')) {
    assert.match(JSON.stringify(group.AlarmConfiguration), /"Enabled":true/, id);
    assert.match(JSON.stringify(group.DeploymentConfigName), /Canary10Percent5Minutes/, id);
  }
});

test('no way has an alarm that production, where each is tried, has not', () => {
  const alarmsOf = (way: string) => ofType(synthesis(way), 'AWS::CloudWatch::Alarm').map(([id]) => id);
  const tried = alarmsOf('prod');
  for (const way of Object.keys(WAYS)) {
    // Those that scale GPU servers are tried by themselves.
    const others = alarmsOf(way).filter((id) => !tried.includes(id) && !id.startsWith('GpuServiceTaskCount'));
    assert.deepEqual(others, [], way);
  }
});

/** Logical ids that are there before a resource is made or changed: what it refers to, and what it says it depends on. */
function before(id: string, { resources }: Synthesis, found = new Set<string>()): Set<string> {
  const { DependsOn = [], ...resource } = resources[id]!;
  const references = [...JSON.stringify(resource.Properties).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)];
  for (const other of [...[DependsOn].flat(), ...references.map(([, name]) => name!)]) {
    if (!(other in resources) || found.has(other)) continue;
    found.add(other);
    before(other, { resources } as Synthesis, found);
  }
  return found;
}

test('a new version is watched, by an alarm of its own, before the first call reaches it', () => {
  const prod = synthesis('prod');
  const aliases = ofType(prod, 'AWS::Lambda::Alias');
  assert.equal(aliases.length, 4);
  for (const [id, alias] of aliases) {
    const [, version] =
      /"(\w+CurrentVersion\w+)","Version"/.exec(JSON.stringify(alias.FunctionVersion)) ?? [];
    const earlier = [...before(id, prod)];
    const group = earlier.find((other) => prod.resources[other]!.Type === 'AWS::CodeDeploy::DeploymentGroup');
    const { Alarms } = prod.resources[group!]!.Properties.AlarmConfiguration as {
      Alarms: { Name: { Ref: string } }[];
    };
    assert.equal(Alarms.length, 1);
    const alarm = Alarms[0]!.Name.Ref;
    assert.ok(earlier.includes(alarm) && before(alarm, prod).has(version!), id);
    const { AlarmName, Dimensions } = prod.resources[alarm]!.Properties;
    // CloudFormation makes another alarm for another name, and keeps the state of one that it changes.
    for (const named of [AlarmName, Dimensions])
      assert.ok(JSON.stringify(named).includes(`"${version}","Version"`));
  }
});

test('environments are kept warm for a version, which is a new one for a new number', () => {
  const functions = settingsOf('prod').functions;
  const keeping = (provisionedConcurrency: number) =>
    synthesise({
      environment: 'prod',
      settings: { functions: { ...functions, http: { ...functions.http, provisionedConcurrency } } },
    });
  const versions = [0, 1, 2].map((warm) => {
    const result = keeping(warm);
    const [[id]] = ofType(result, 'AWS::Lambda::Version').filter(([name]) =>
      name.startsWith('HttpFunction'),
    ) as [[string, unknown]];
    const version = result.resources[id]! as Resource & { DeletionPolicy: string };
    const { ProvisionedConcurrencyConfig: config } = version.Properties;
    assert.deepEqual(config, warm === 0 ? undefined : { ProvisionedConcurrentExecutions: warm });
    // One that stayed would be kept warm, and paid for.
    if (warm > 0) assert.equal(version.DeletionPolicy, 'Delete');
    // Lambda refuses to change this while a deployment shifts weights.
    for (const [alias, properties] of ofType(result, 'AWS::Lambda::Alias'))
      assert.equal(properties.ProvisionedConcurrencyConfig, undefined, alias);
    const [, captioner] = ofType(result, 'AWS::Lambda::Function').find(
      ([, { Handler }]) => Handler === 'http.handler',
    )!;
    return { id, configuration: JSON.stringify(captioner) };
  });
  // CloudFormation updates no version, and Lambda publishes none of a function that has not changed.
  assert.equal(new Set(versions.map(({ id }) => id)).size, 3);
  assert.equal(new Set(versions.map(({ configuration }) => configuration)).size, 3);
});

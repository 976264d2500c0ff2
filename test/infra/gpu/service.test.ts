import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { GpuService } from '../../../infra/gpu/service.ts';
import { type GpuSettings, gpuSettingsSchema, SMALLEST_GPU } from '../../../infra/gpu-settings.ts';
import { ROOT } from '../../support/samples.ts';

const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'gpu-'));
after(() => rmSync(directory, { recursive: true }));

/** The construct in a stack with what the captioner's own stack has. */
function synthesise(settings: Partial<GpuSettings> = {}, careless = false) {
  const app = new App({
    outdir: mkdtempSync(join(directory, 'assembly-')),
    context,
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const stack = new Stack(app, 'Gpu');
  const secure = {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
  };
  const accessLogs = new Bucket(stack, 'AccessLogs', { ...secure });
  Validations.of(accessLogs).acknowledge({ id: 'AwsSolutions-S1', reason: 'A bucket of logs.' });
  const logged = { ...secure, serverAccessLogsBucket: accessLogs };
  const deadLetters = new Queue(stack, 'DeadLetters', { enforceSSL: true });
  for (const id of ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy']) {
    Validations.of(deadLetters).acknowledge({ id, reason: 'The dead-letter queue itself.' });
  }
  const vpc = Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
    privateSubnetRouteTableIds: ['rtb-1', 'rtb-2'],
  });
  new GpuService(stack, 'Service', {
    vpc,
    inputQueue: new Queue(stack, 'Images', {
      enforceSSL: true,
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 3 },
    }),
    inputs: [{ bucket: new Bucket(stack, 'Input', logged), prefix: '', suffixes: [] }],
    resultsBucket: new Bucket(stack, 'Results', logged),
    resultsPrefix: 'captions/',
    accessLogs,
    modelDirectory: 'models/im2txt',
    maxObjectBytes: 64 << 20,
    maxPixels: 200_000_000,
    events: undefined,
    tagObjects: false,
    logRetentionDays: RetentionDays.ONE_MONTH,
    settings: gpuSettingsSchema.parse({ ...SMALLEST_GPU, ...settings }),
  });
  if (careless) new Bucket(stack, 'Careless');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  let failure: unknown = null;
  try {
    app.synth();
  } catch (error) {
    failure = error;
  }
  const json = JSON.parse(readFileSync(join(app.outdir, 'Gpu.template.json'), 'utf8'));
  return { template: Template.fromJSON(json), failure, report: readReport(app.outdir) };
}

function readReport(assembly: string): string[] {
  const report = JSON.parse(readFileSync(join(assembly, 'validation-report.json'), 'utf8'));
  return report.pluginReports.flatMap(({ violations }: { violations: object[] }) =>
    violations.flatMap((v) => {
      const { ruleName, violatingConstructs } = v as {
        ruleName: string;
        violatingConstructs: { constructPath: string }[];
      };
      return violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`);
    }),
  );
}

describe('GpuService', () => {
  let template: Template;
  let report: string[];
  let failure: unknown;
  before(() => {
    ({ template, report, failure } = synthesise());
  });

  it('leaves no finding of cdk-nag without a reason', () => {
    assert.deepEqual(report, []);
    assert.equal(failure, null);
  });

  it('is looked at by cdk-nag at all: a careless bucket beside it is found', () => {
    const careless = synthesise({}, true);
    assert.ok(careless.report.some((line) => line.startsWith('AwsSolutions-S10 at Gpu/Careless')));
  });

  it('goes down to zero machines and servers', () => {
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { MinSize: '0', MaxSize: '2' });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 0,
      MaxCapacity: 2,
    });
  });

  it('starts a machine for the first message and another when many wait', () => {
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ExactCapacity',
        StepAdjustments: [
          { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 1000, ScalingAdjustment: 1 },
          { MetricIntervalLowerBound: 1000, ScalingAdjustment: 2 },
        ],
      },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      EvaluationPeriods: 1,
    });
  });

  it('stops all machines when nothing has waited or been at work for the idle time', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      ComparisonOperator: 'LessThanOrEqualToThreshold',
      Threshold: 0,
      EvaluationPeriods: 15,
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'waiting + atWork' })]),
    });
  });

  it('takes spot machines only when it is told to', () => {
    const distribution = (percent: number) => ({
      MixedInstancesPolicy: {
        InstancesDistribution: Match.objectLike({ OnDemandPercentageAboveBaseCapacity: percent }),
      },
    });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', distribution(0));
    const onDemand = synthesise({ spot: false, maxInstances: 1 }).template;
    onDemand.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', distribution(100));
  });

  it('has machines by launch template, with IMDSv2 alone and encrypted volumes', () => {
    template.resourceCountIs('AWS::AutoScaling::LaunchConfiguration', 0);
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [Match.objectLike({ Ebs: Match.objectLike({ Encrypted: true }) })],
        UserData: {
          'Fn::Base64': {
            'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('AWSVPC_BLOCK_IMDS=true')])],
          },
        },
      },
    });
  });

  it('runs everything in private subnets, behind a load balancer that only the network reaches', () => {
    const subnets = ['subnet-1', 'subnet-2'];
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { VPCZoneIdentifier: subnets });
    template.hasResourceProperties('AWS::ECS::Service', {
      NetworkConfiguration: { AwsvpcConfiguration: { Subnets: subnets, AssignPublicIp: 'DISABLED' } },
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      Subnets: subnets,
      LoadBalancerAttributes: Match.arrayWith([{ Key: 'access_logs.s3.enabled', Value: 'true' }]),
    });
    const open = JSON.stringify(
      template.findResources('AWS::EC2::SecurityGroup', {
        Properties: { SecurityGroupIngress: [Match.objectLike({ CidrIp: '0.0.0.0/0' })] },
      }),
    );
    assert.equal(open, '{}');
  });

  it('speaks HTTPS where there is a certificate', () => {
    const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1';
    synthesise({ certificateArn }).template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      Certificates: [{ CertificateArn: certificateArn }],
    });
  });

  it('gives the container a GPU, and nothing to write to or to gain rights with', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [
        Match.objectLike({
          ResourceRequirements: [{ Type: 'GPU', Value: '1' }],
          ReadonlyRootFilesystem: true,
          DockerSecurityOptions: ['no-new-privileges'],
          LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
          Command: Match.arrayWith(['serve', '--execution-provider', 'cuda', '--queue-url']),
        }),
      ],
    });
  });

  it('lets the server answer pages of the origins that the settings name', () => {
    const commandOf = (settings: Partial<GpuSettings>) => {
      const tasks = synthesise(settings).template.findResources('AWS::ECS::TaskDefinition');
      return Object.values(tasks)[0]!.Properties.ContainerDefinitions[0].Command as string[];
    };
    assert.ok(!commandOf({}).includes('--cors-origin'));
    const origins = ['https://a.example.org', 'https://b.example.org'];
    const flags = ['--cors-origin', origins[0], '--cors-origin', origins[1]];
    assert.deepEqual(commandOf({ corsOrigins: origins }).slice(-4), flags);
  });

  it('lets the server do with queue and buckets what it needs, and nothing else', () => {
    const policies = template.findResources('AWS::IAM::Policy', {
      Properties: { PolicyName: Match.stringLikeRegexp('TaskRole') },
    });
    const [policy] = Object.values(policies);
    const statements: { Action: string | string[] }[] = policy!.Properties.PolicyDocument.Statement;
    assert.deepEqual(statements.flatMap(({ Action }) => Action).sort(), [
      's3:GetObject',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListBucket',
      's3:PutObject',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:ReceiveMessage',
    ]);
    assert.ok(!JSON.stringify(statements).includes('"Resource":"*"'));
  });

  it('keeps logs for a limited time', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });
});

describe('gpuSettingsSchema', () => {
  for (const [what, settings] of [
    ['a machine without a GPU', { instanceType: 'm7i.large' }],
    ['more machines at least than at most', { minInstances: 3, maxInstances: 2 }],
    ['clients that are no network', { clientCidr: 'everybody' }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(gpuSettingsSchema.safeParse({ ...SMALLEST_GPU, ...settings }).success, false);
    });
  }
});

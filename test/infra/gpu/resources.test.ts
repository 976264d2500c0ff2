/** The server on GPU machines as it is deployed beside the functions: who reaches it, what it may take, when it comes and goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployedAs } from '../deployed.ts';

const GPU = deployedAs('gpu');
const { propertiesOf, named, idsOf, resources } = GPU;
const GROUP = 'AWS::EC2::SecurityGroup';
const subnets = ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'];
const servers = `${named(GROUP, 'GpuServers')}.GroupId`;
const clients = `${named(GROUP, 'GpuHttpClients')}.GroupId`;

/** Machines and servers fetch images of containers and call AWS; nothing else goes out. */
const toAws = [
  { CidrIp: '0.0.0.0/0', Description: 'AWS services', FromPort: 443, IpProtocol: 'tcp', ToPort: 443 },
];

test('clients of the network reach the balancer, the balancer the servers, nobody the machines', () => {
  const groups = idsOf(GROUP).filter((id) => id.startsWith('Gpu'));
  assert.equal(groups.length, 4);
  const { GroupDescription: _what, ...balancer } = propertiesOf(GROUP, 'GpuHttpClients');
  assert.deepEqual(balancer, {
    SecurityGroupIngress: [
      {
        CidrIp: '10.0.0.0/8',
        Description: 'clients inside the network',
        FromPort: 80,
        IpProtocol: 'tcp',
        ToPort: 80,
      },
    ],
    VpcId: 'vpc-0123456789abcdef0',
  });
  for (const name of ['GpuServers', 'GpuMachines']) {
    const { GroupDescription: _for, ...group } = propertiesOf(GROUP, name);
    assert.deepEqual(group, { SecurityGroupEgress: toAws, VpcId: 'vpc-0123456789abcdef0' }, name);
  }
  const rule = { Description: 'the servers', FromPort: 8080, IpProtocol: 'tcp', ToPort: 8080 };
  assert.deepEqual(propertiesOf('AWS::EC2::SecurityGroupIngress', 'GpuServers'), {
    ...rule,
    GroupId: servers,
    SourceSecurityGroupId: clients,
  });
  assert.deepEqual(propertiesOf('AWS::EC2::SecurityGroupEgress', 'Gpu'), {
    ...rule,
    GroupId: clients,
    DestinationSecurityGroupId: servers,
  });
});

test('machines and servers reach what they call without a NAT gateway, and nobody else does', () => {
  const ENDPOINT = 'AWS::EC2::VPCEndpoint';
  const names = idsOf(ENDPOINT).map((id) => {
    const { ServiceName, ...rest } = propertiesOf(ENDPOINT, id);
    assert.deepEqual(rest, {
      PrivateDnsEnabled: true,
      SecurityGroupIds: [`${named(GROUP, 'GpuEndpoints')}.GroupId`],
      SubnetIds: subnets,
      VpcEndpointType: 'Interface',
      VpcId: 'vpc-0123456789abcdef0',
    });
    return ServiceName;
  });
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
  const services = ['ecr.api', 'ecr.dkr', 'ecs', 'ecs-agent', 'ecs-telemetry', 'logs', 'sqs'];
  assert.deepEqual(
    names.sort(),
    services.map((name) => `com.amazonaws.eu-west-1.${name}`),
  );
  const machines = `${named(GROUP, 'GpuMachines')}.GroupId`;
  const rules = idsOf('AWS::EC2::SecurityGroupIngress').filter((id) => id.startsWith('GpuEndpoints'));
  const allowed = rules.map((id) => propertiesOf('AWS::EC2::SecurityGroupIngress', id));
  assert.deepEqual(
    allowed.map(({ SourceSecurityGroupId }) => SourceSecurityGroupId).sort(),
    [machines, servers].sort(),
  );
  for (const { FromPort, ToPort, IpProtocol } of allowed)
    assert.deepEqual([FromPort, ToPort, IpProtocol], [443, 443, 'tcp']);
});

test('the queue has one consumer: the server, while the function is there for when no machine can be had', () => {
  const MAPPING = 'AWS::Lambda::EventSourceMapping';
  assert.equal(propertiesOf(MAPPING, 'Queue').Enabled, false);
  assert.equal(deployedAs('prod').propertiesOf(MAPPING, 'Queue').Enabled, undefined);
});

test('the balancer is strict about what it passes on, and logs it', () => {
  const balancer = propertiesOf('AWS::ElasticLoadBalancingV2::LoadBalancer', 'GpuHttp');
  const attributes = balancer.LoadBalancerAttributes as { Key: string; Value: unknown }[];
  assert.deepEqual(Object.fromEntries(attributes.map(({ Key, Value }) => [Key, Value])), {
    'deletion_protection.enabled': 'false',
    'routing.http.drop_invalid_header_fields.enabled': 'true',
    'routing.http.desync_mitigation_mode': 'strictest',
    'access_logs.s3.enabled': 'true',
    'access_logs.s3.bucket': named('AWS::S3::Bucket', 'BucketsAccessLogs'),
    'access_logs.s3.prefix': 'gpu',
  });
  assert.deepEqual(
    [balancer.Scheme, balancer.Subnets, balancer.SecurityGroups],
    ['internal', subnets, [clients]],
  );
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
  const logs = propertiesOf('AWS::S3::BucketPolicy', 'BucketsAccessLogs').PolicyDocument as {
    Statement: { Principal: unknown }[];
  };
  const bucket = `arn:aws:s3:::${named('AWS::S3::Bucket', 'BucketsAccessLogs')}`;
  assert.deepEqual(
    logs.Statement.filter(({ Principal }) => JSON.stringify(Principal).includes('elasticloadbalancing')),
    [
      {
        Action: 's3:PutObject',
        Effect: 'Allow',
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Resource: `${bucket}/gpu/AWSLogs/*`,
      },
    ],
  );
  const id = GPU.idOf('AWS::ElasticLoadBalancingV2::LoadBalancer', 'GpuHttp');
  const waits = [resources[id]!.DependsOn].flat();
  assert.ok(waits.includes(GPU.idOf('AWS::S3::BucketPolicy', 'BucketsAccessLogs')), `${waits}`);
});

test('a server counts while it answers at the port that it listens on', () => {
  assert.deepEqual(propertiesOf('AWS::ElasticLoadBalancingV2::TargetGroup', 'GpuHttpServers'), {
    HealthCheckIntervalSeconds: 15,
    HealthCheckPath: '/health',
    HealthCheckTimeoutSeconds: 5,
    Port: 8080,
    Protocol: 'HTTP',
    TargetGroupAttributes: [
      { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
      { Key: 'stickiness.enabled', Value: 'false' },
    ],
    TargetType: 'ip',
    VpcId: 'vpc-0123456789abcdef0',
  });
  assert.deepEqual(propertiesOf('AWS::ElasticLoadBalancingV2::Listener', 'GpuHttp'), {
    DefaultActions: [
      { TargetGroupArn: named('AWS::ElasticLoadBalancingV2::TargetGroup', 'GpuHttp'), Type: 'forward' },
    ],
    LoadBalancerArn: named('AWS::ElasticLoadBalancingV2::LoadBalancer', 'GpuHttp'),
    Port: 80,
    Protocol: 'HTTP',
  });
  assert.match(JSON.stringify(GPU.template.findOutputs('GpuUrl').GpuUrl!.Value), /"http:\/\/"/);
});

test('machines answer about themselves to themselves alone, over IMDSv2', () => {
  const { LaunchTemplateData: data } = propertiesOf('AWS::EC2::LaunchTemplate', 'GpuMachines') as {
    LaunchTemplateData: Record<string, unknown>;
  };
  const { ImageId: _image, TagSpecifications: _tags, IamInstanceProfile: _profile, UserData, ...rest } = data;
  assert.deepEqual(rest, {
    BlockDeviceMappings: [
      {
        DeviceName: '/dev/xvda',
        Ebs: { DeleteOnTermination: true, Encrypted: true, VolumeSize: 100, VolumeType: 'gp3' },
      },
    ],
    InstanceType: 'g4dn.xlarge',
    MetadataOptions: { HttpPutResponseHopLimit: 1, HttpTokens: 'required' },
    Monitoring: { Enabled: true },
    SecurityGroupIds: [`${named(GROUP, 'GpuMachines')}.GroupId`],
  });
  const script = (UserData as { 'Fn::Base64': string })['Fn::Base64'];
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
  for (const line of ['ECS_AWSVPC_BLOCK_IMDS=true', 'ECS_ENABLE_SPOT_INSTANCE_DRAINING=true'])
    assert.ok(script.includes(`\necho ${line} >> /etc/ecs/ecs.config\n`), line);
  const role = propertiesOf('AWS::IAM::Role', 'GpuMachinesRole').AssumeRolePolicyDocument;
  assert.match(JSON.stringify(role), /"Service":"ec2.amazonaws.com"/);
});

test('machines come from spot capacity with the containers that need them, and go with them', () => {
  const template = named('AWS::EC2::LaunchTemplate', 'GpuMachines');
  assert.deepEqual(propertiesOf('AWS::AutoScaling::AutoScalingGroup', 'GpuMachines'), {
    MaxSize: '2',
    MinSize: '0',
    MixedInstancesPolicy: {
      InstancesDistribution: {
        OnDemandAllocationStrategy: 'lowest-price',
        OnDemandBaseCapacity: 0,
        OnDemandPercentageAboveBaseCapacity: 0,
        SpotAllocationStrategy: 'price-capacity-optimized',
      },
      LaunchTemplate: {
        LaunchTemplateSpecification: {
          LaunchTemplateId: template,
          Version: `${template}.LatestVersionNumber`,
        },
      },
    },
    VPCZoneIdentifier: subnets,
  });
  assert.deepEqual(propertiesOf('AWS::ECS::CapacityProvider', 'GpuMachines'), {
    AutoScalingGroupProvider: {
      AutoScalingGroupArn: named('AWS::AutoScaling::AutoScalingGroup', 'GpuMachines'),
      ManagedDraining: 'ENABLED',
      ManagedScaling: { InstanceWarmupPeriod: 300, Status: 'ENABLED', TargetCapacity: 100 },
      ManagedTerminationProtection: 'DISABLED',
    },
  });
  assert.deepEqual(propertiesOf('AWS::ECS::ClusterCapacityProviderAssociations', 'Gpu').CapacityProviders, [
    named('AWS::ECS::CapacityProvider', 'Gpu'),
  ]);
  assert.deepEqual(propertiesOf('AWS::ECS::Cluster', 'Gpu').ClusterSettings, [
    { Name: 'containerInsights', Value: 'enabled' },
  ]);
});

test('the container is told queue, buckets and limits, and is stopped and checked in good time', () => {
  const { ContainerDefinitions, NetworkMode } = propertiesOf('AWS::ECS::TaskDefinition', 'Gpu');
  const [{ Image: _image, ...container }] = ContainerDefinitions as [Record<string, unknown>];
  const bucket = (start: string) => named('AWS::S3::Bucket', start);
  assert.equal(NetworkMode, 'awsvpc');
  assert.deepEqual(container, {
    Command: [
      ...['serve', '--host', '0.0.0.0', '--port', '8080', '--model', '/app/models/im2txt'],
      ...['--execution-provider', 'cuda', '--workers', '4'],
      ...['--queue-url', named('AWS::SQS::Queue', 'QueueImages')],
      ...['--allowed-buckets', bucket('BucketsInput'), '--results-bucket', bucket('BucketsResults')],
      ...['--results-prefix', 'captions/', '--max-object-bytes', '67108864'],
    ],
    DockerSecurityOptions: ['no-new-privileges'],
    Environment: [{ Name: 'AWS_REGION', Value: 'eu-west-1' }],
    Essential: true,
    HealthCheck: {
      Command: ['CMD', 'node', '/app/container/healthcheck.js'],
      Interval: 15,
      Retries: 3,
      StartPeriod: 120,
      Timeout: 5,
    },
    LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    LogConfiguration: {
      LogDriver: 'awslogs',
      Options: {
        'awslogs-group': named('AWS::Logs::LogGroup', 'GpuTask'),
        'awslogs-stream-prefix': 'server',
        'awslogs-region': 'eu-west-1',
      },
    },
    Memory: 12_288,
    Name: 'Server',
    PortMappings: [{ ContainerPort: 8080, Protocol: 'tcp' }],
    ReadonlyRootFilesystem: true,
    ResourceRequirements: [{ Type: 'GPU', Value: '1' }],
    StopTimeout: 60,
  });
  assert.equal(GPU.whenDeleted('AWS::Logs::LogGroup', 'GpuTask'), 'Delete');
});

test('a new server takes the place of the old one, which a failed deployment brings back; how many, scaling says', () => {
  const { TaskDefinition: _task, Cluster: _cluster, ...service } = propertiesOf('AWS::ECS::Service', 'Gpu');
  assert.deepEqual(service, {
    CapacityProviderStrategy: [{ CapacityProvider: named('AWS::ECS::CapacityProvider', 'Gpu'), Weight: 1 }],
    DeploymentConfiguration: {
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MaximumPercent: 100,
      MinimumHealthyPercent: 0,
    },
    EnableECSManagedTags: false,
    HealthCheckGracePeriodSeconds: 300,
    LoadBalancers: [
      {
        ContainerName: 'Server',
        ContainerPort: 8080,
        TargetGroupArn: named('AWS::ElasticLoadBalancingV2::TargetGroup', 'Gpu'),
      },
    ],
    NetworkConfiguration: {
      AwsvpcConfiguration: { AssignPublicIp: 'DISABLED', SecurityGroups: [servers], Subnets: subnets },
    },
    SchedulingStrategy: 'REPLICA',
  });
});

test('servers come after their machines belong to the cluster, and go before', () => {
  const service = GPU.idOf('AWS::ECS::Service', 'Gpu');
  const association = GPU.idOf('AWS::ECS::ClusterCapacityProviderAssociations', 'Gpu');
  const provider = GPU.idOf('AWS::ECS::CapacityProvider', 'Gpu');
  const group = GPU.idOf('AWS::AutoScaling::AutoScalingGroup', 'Gpu');
  const cluster = GPU.idOf('AWS::ECS::Cluster', 'Gpu');
  // CloudFormation deletes in the opposite order: nothing is removed that what is left still uses.
  const order = [service, association, provider, group, cluster];
  for (const [i, id] of order.slice(1).entries())
    assert.ok(needs(order[i]!).has(id), `${order[i]} has to be deleted before ${id}`);
});

/** Everything that has to be there before, by reference or by `DependsOn`. */
function needs(id: string, found = new Set<string>()): Set<string> {
  const { DependsOn = [], Properties } = resources[id]!;
  const referred = [...JSON.stringify(Properties).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([^"]+)"/g)];
  for (const other of [...[DependsOn].flat(), ...referred.map(([, name]) => name!)]) {
    if (!(other in resources) || found.has(other)) continue;
    found.add(other);
    needs(other, found);
  }
  return found;
}

test('the number of servers follows what waits or is at work, looked at every minute', () => {
  const POLICY = 'AWS::ApplicationAutoScaling::ScalingPolicy';
  const up = propertiesOf(POLICY, 'GpuServiceTaskCountTargetWaiting').StepScalingPolicyConfiguration;
  assert.equal((up as { Cooldown: number }).Cooldown, 300);
  assert.deepEqual(propertiesOf(POLICY, 'GpuServiceTaskCountTargetIdle').StepScalingPolicyConfiguration, {
    AdjustmentType: 'ChangeInCapacity',
    StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: -2 }],
  });
  const queue = [{ Name: 'QueueName', Value: `${named('AWS::SQS::Queue', 'QueueImages')}.QueueName` }];
  const many = propertiesOf('AWS::CloudWatch::Alarm', 'GpuServiceTaskCountTargetWaiting');
  assert.deepEqual([many.Dimensions, many.Period, many.Statistic], [queue, 900, 'Maximum']);
  const metric = (Id: string, MetricName: string) => ({
    Id,
    MetricStat: {
      Metric: { Dimensions: queue, MetricName, Namespace: 'AWS/SQS' },
      Period: 60,
      Stat: 'Maximum',
    },
    ReturnData: false,
  });
  assert.deepEqual(
    (propertiesOf('AWS::CloudWatch::Alarm', 'GpuServiceTaskCountTargetIdle').Metrics as unknown[]).slice(1),
    [
      metric('waiting', 'ApproximateNumberOfMessagesVisible'),
      metric('atWork', 'ApproximateNumberOfMessagesNotVisible'),
    ],
  );
});

test('the server may do what the function of the queue may, where it says so', () => {
  const { PolicyDocument } = propertiesOf('AWS::IAM::Policy', 'GpuTaskDefinitionTaskRole');
  const arn = (start: string) => `arn:aws:s3:::${named('AWS::S3::Bucket', start)}`;
  const [input, results] = [arn('BucketsInput'), arn('BucketsResults')];
  const allow = (Action: string | string[], Resource: string | string[]) => ({
    Action,
    Effect: 'Allow',
    Resource,
  });
  const queue = `arn:aws:sqs:eu-west-1:111122223333:${named('AWS::SQS::Queue', 'QueueImages')}`;
  assert.deepEqual((PolicyDocument as { Statement: unknown }).Statement, [
    allow(['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'], queue),
    allow(['s3:GetObject', 's3:GetObjectVersion'], `${input}/*`),
    allow('s3:ListBucket', [input, results]),
    allow(['s3:GetObject', 's3:PutObject'], `${results}/captions/*`),
  ]);
});

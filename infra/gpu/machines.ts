/** GPU machines that start and stop with the containers that need them. */
import { Duration } from 'aws-cdk-lib';
import {
  AutoScalingGroup,
  OnDemandAllocationStrategy,
  SpotAllocationStrategy,
} from 'aws-cdk-lib/aws-autoscaling';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  type IVpc,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  Peer,
  Port,
  SecurityGroup,
  UserData,
} from 'aws-cdk-lib/aws-ec2';
import { AmiHardwareType, AsgCapacityProvider, type Cluster, EcsOptimizedImage } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { GpuSettings } from '../gpu-settings.ts';

/** The system and its drivers take 30, the image with CUDA some 10, twice during a deployment. */
const ROOT_VOLUME_GB = 100;
const ROOT_DEVICE = '/dev/xvda';
const USER_DATA = [
  // Containers cannot reach the machine's own credentials, whatever they ask.
  'echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config',
  // A machine that AWS takes back gets no new container, and the one on it SIGTERM.
  'echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config',
];

export interface GpuMachinesProps {
  vpc: IVpc;
  cluster: Cluster;
  settings: GpuSettings;
}

export class GpuMachines extends Construct {
  readonly capacityProvider: AsgCapacityProvider;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { vpc, cluster, settings }: GpuMachinesProps) {
    super(scope, id);
    this.securityGroup = this.makeSecurityGroup(vpc);
    const launchTemplate = this.makeTemplate(settings);
    const group = new AutoScalingGroup(this, 'Group', {
      vpc,
      vpcSubnets: { subnets: vpc.privateSubnets },
      minCapacity: 0,
      maxCapacity: settings.maxInstances,
      mixedInstancesPolicy: {
        launchTemplate,
        instancesDistribution: {
          onDemandBaseCapacity: 0,
          onDemandPercentageAboveBaseCapacity: settings.spot ? 0 : 100,
          onDemandAllocationStrategy: OnDemandAllocationStrategy.LOWEST_PRICE,
          spotAllocationStrategy: SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        },
      },
    });
    acknowledge(
      group,
      'AwsSolutions-EC26',
      'The volumes are those of the launch template, all encrypted; the rule cannot follow a group there.',
    );
    acknowledge(
      group,
      'AwsSolutions-AS3',
      'Machines come and go with every burst of images, and messages about it would only be noise: alarms watch the ' +
        'queue, which is what a machine that does not come shows in.',
    );
    this.capacityProvider = new AsgCapacityProvider(this, 'Capacity', {
      autoScalingGroup: group,
      enableManagedScaling: true,
      // A machine that is protected from the group stays, and costs, when its stack is deleted.
      enableManagedTerminationProtection: false,
      // By ECS itself; otherwise CDK brings a function of its own for it.
      enableManagedDraining: true,
      instanceWarmupPeriod: Duration.minutes(5).toSeconds(),
    });
    cluster.addAsgCapacityProvider(this.capacityProvider);
    this.acknowledgeAgent(group.role as Role);
  }

  private makeTemplate(settings: GpuSettings): LaunchTemplate {
    const userData = UserData.forLinux();
    userData.addCommands(...USER_DATA);
    return new LaunchTemplate(this, 'Template', {
      instanceType: new InstanceType(settings.instanceType),
      machineImage: EcsOptimizedImage.amazonLinux2023(AmiHardwareType.GPU),
      userData,
      securityGroup: this.securityGroup,
      role: new Role(this, 'Role', {
        assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
        description: 'show-and-tell: the agent of ECS on GPU machines',
      }),
      requireImdsv2: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // The machine itself; one hop more and its containers would reach it too.
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: ROOT_DEVICE,
          volume: BlockDeviceVolume.ebs(ROOT_VOLUME_GB, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
    });
  }

  /** Lets nothing in: containers have addresses and groups of their own. */
  private makeSecurityGroup(vpc: IVpc): SecurityGroup {
    const group = new SecurityGroup(this, 'Machines', {
      vpc,
      description: 'show-and-tell: GPU machines',
      allowAllOutbound: false,
    });
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
    return group;
  }

  private acknowledgeAgent(role: Role): void {
    acknowledge(
      role,
      ['AwsSolutions-IAM5[Resource::*]', 'AwsSolutions-IAM5[Action::ecs:Submit*]'],
      "CDK's statements for the agent of ECS, narrower than the managed policy that AWS advises. Changing state is bound to " +
        'this cluster, by its ARN or by a condition; on * are finding the agent its endpoint, a token to pull images ' +
        'and writing to log streams. Containers cannot reach this role.',
    );
  }
}

/**
 * The server on GPU machines, beside the functions: it captions what the queue names, and what clients inside the network
 * send over HTTP. Off unless the settings ask for it; while no image waits, no machine runs.
 */
import { Duration } from 'aws-cdk-lib';
import { AdjustmentType, type ScalingInterval } from 'aws-cdk-lib/aws-applicationautoscaling';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, Ec2Service } from 'aws-cdk-lib/aws-ecs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { GpuBalancer } from './balancer.ts';
import { GpuMachines } from './machines.ts';
import { GpuTask, type GpuTaskProps } from './task.ts';

/** From a machine that starts to a server that answers: neither may count as missing before. */
const START_MINUTES = 5;

export interface GpuServiceProps extends GpuTaskProps {
  vpc: IVpc;
  /** Where the load balancer logs each request. */
  accessLogs: Bucket;
}

export class GpuService extends Construct {
  /** For clients inside the network. */
  readonly url: string;
  private readonly service: Ec2Service;

  constructor(scope: Construct, id: string, props: GpuServiceProps) {
    super(scope, id);
    const { vpc, settings, accessLogs } = props;
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    const servers = this.makeSecurityGroup(vpc);
    const { capacityProvider } = new GpuMachines(this, 'Machines', {
      vpc,
      cluster,
      settings,
    });
    const task = new GpuTask(this, 'Task', props);
    const balancer = new GpuBalancer(this, 'Http', { vpc, servers, settings, accessLogs });
    this.url = balancer.url;
    this.service = new Ec2Service(this, 'Service', {
      cluster,
      taskDefinition: task.definition,
      // No desiredCount: what a deployment names it sets, whatever the queue has scaled it to.
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html#cfn-ecs-service-desiredcount
      capacityProviderStrategies: [{ capacityProvider: capacityProvider.capacityProviderName, weight: 1 }],
      vpcSubnets: { subnets: vpc.privateSubnets },
      securityGroups: [servers],
      circuitBreaker: { rollback: true },
      // One server fills its machine: the old one goes before the new one comes. The queue waits meanwhile.
      minHealthyPercent: 0,
      maxHealthyPercent: 100,
      healthCheckGracePeriod: Duration.minutes(START_MINUTES),
    });
    this.service.attachToApplicationTargetGroup(balancer.targets);
    // And all below it: the cluster's association with its machines, which ECS keeps as long as a service uses it.
    this.service.node.addDependency(cluster);
    this.scale(props);
  }

  private makeSecurityGroup(vpc: IVpc): SecurityGroup {
    const group = new SecurityGroup(this, 'Servers', {
      vpc,
      description: 'show-and-tell: GPU servers',
      allowAllOutbound: false,
    });
    group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
    return group;
  }

  /** A machine for every so many messages that wait; none once nothing has waited or been at work for a while. */
  private scale({ inputQueue, settings }: GpuServiceProps): void {
    const { minInstances, maxInstances, messagesPerInstance, idleMinutes } = settings;
    const servers = this.service.autoScaleTaskCount({ minCapacity: minInstances, maxCapacity: maxInstances });
    const period = Duration.minutes(1);
    const waiting = inputQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' });
    const atWork = inputQueue.metricApproximateNumberOfMessagesNotVisible({ period, statistic: 'Maximum' });
    servers.scaleOnMetric('Waiting', {
      metric: waiting,
      adjustmentType: AdjustmentType.EXACT_CAPACITY,
      scalingSteps: stepsOf(maxInstances, messagesPerInstance),
      cooldown: Duration.minutes(START_MINUTES),
    });
    // Images at work are out of sight, but not done: without them the last ones would lose their machine.
    servers.scaleOnMetric('Idle', {
      metric: new MathExpression({
        expression: 'waiting + atWork',
        usingMetrics: { waiting, atWork },
        label: 'messages waiting or at work',
        period,
      }),
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      scalingSteps: [
        { upper: 0, change: -maxInstances },
        { lower: 1, change: 0 },
      ],
      evaluationPeriods: idleMinutes,
    });
  }
}

/** From the first message on one machine, then another for every `messages` more. */
function stepsOf(machines: number, messages: number): ScalingInterval[] {
  const steps = Array.from({ length: machines }, (_, i) => ({
    lower: Math.max(1, i * messages),
    change: i + 1,
  }));
  // CDK wants two at least.
  return machines > 1 ? steps : [...steps, { lower: messages + 1, change: 1 }];
}

/**
 * The server on GPU machines: it captions what the queue names, in place of the function, and what clients inside the
 * network send over HTTP. Off unless the settings ask for it; while no image waits, no machine runs.
 */
import { Duration } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, Ec2Service } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { GpuBalancer } from './balancer.ts';
import { GpuEndpoints } from './endpoints.ts';
import { GpuMachines } from './machines.ts';
import { START_MINUTES, scaleByQueue } from './scaling.ts';
import { GpuTask, type GpuTaskProps } from './task.ts';

export interface GpuServiceProps extends GpuTaskProps {
  vpc: IVpc;
  /** Where the load balancer logs each request. */
  accessLogs: Bucket;
}

export class GpuService extends Construct {
  /** For clients inside the network. */
  readonly url: string;
  /** Of the servers. */
  readonly role: IRole;
  private readonly service: Ec2Service;

  constructor(scope: Construct, id: string, props: GpuServiceProps) {
    super(scope, id);
    const { vpc, settings, accessLogs } = props;
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    const servers = this.makeSecurityGroup(vpc);
    const { capacityProvider, securityGroup: machines } = new GpuMachines(this, 'Machines', {
      vpc,
      cluster,
      settings,
    });
    if (settings.endpoints) {
      const events = props.events !== undefined;
      new GpuEndpoints(this, 'Endpoints', { vpc, events, clients: [machines, servers] });
    }
    const task = new GpuTask(this, 'Task', props);
    this.role = task.definition.taskRole;
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
    scaleByQueue(this.service, props);
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
}

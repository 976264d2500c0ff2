/** Ways from a network without a NAT gateway to what machines and servers call. S3 needs a gateway endpoint, which is free. */
import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  Port,
  SecurityGroup,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/**
 * Images of containers: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
 * The agent of ECS: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
 */
const SERVICES = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Ecs: InterfaceVpcEndpointAwsService.ECS,
  EcsAgent: InterfaceVpcEndpointAwsService.ECS_AGENT,
  EcsTelemetry: InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Queues: InterfaceVpcEndpointAwsService.SQS,
};

export interface GpuEndpointsProps {
  vpc: IVpc;
  /** Whether servers tell of results. */
  events: boolean;
  /** Groups whose members may use them. */
  clients: readonly SecurityGroup[];
}

export class GpuEndpoints extends Construct {
  constructor(scope: Construct, id: string, { vpc, events, clients }: GpuEndpointsProps) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, 'Group', {
      vpc,
      description: 'show-and-tell: endpoints of AWS services for GPU machines and servers',
      allowAllOutbound: false,
    });
    for (const client of clients) securityGroup.addIngressRule(client, Port.tcp(443), 'machines and servers');
    const services = { ...SERVICES, ...(events && { Events: InterfaceVpcEndpointAwsService.EVENTBRIDGE }) };
    for (const [name, service] of Object.entries(services)) {
      new InterfaceVpcEndpoint(this, name, {
        vpc,
        service,
        subnets: { subnets: vpc.privateSubnets },
        securityGroups: [securityGroup],
        open: false,
        privateDnsEnabled: true,
      });
    }
  }
}

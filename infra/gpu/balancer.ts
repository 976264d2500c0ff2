/** The address of the servers inside the network. */
import { Duration } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  DesyncMitigationMode,
  ListenerCertificate,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { GpuSettings } from '../gpu-settings.ts';

/** The image's own. */
export const SERVER_PORT = 8080;
const LOG_PREFIX = 'gpu';

export interface GpuBalancerProps {
  vpc: IVpc;
  servers: SecurityGroup;
  settings: Pick<GpuSettings, 'clientCidr' | 'certificateArn'>;
  accessLogs: Bucket;
}

export class GpuBalancer extends Construct {
  readonly targets: ApplicationTargetGroup;
  readonly url: string;

  constructor(scope: Construct, id: string, { vpc, servers, settings, accessLogs }: GpuBalancerProps) {
    super(scope, id);
    const { certificateArn, clientCidr } = settings;
    const port = certificateArn === undefined ? 80 : 443;
    const securityGroup = new SecurityGroup(this, 'Clients', {
      vpc,
      description: 'show-and-tell: clients of the GPU servers',
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(Peer.ipv4(clientCidr), Port.tcp(port), 'clients inside the network');
    securityGroup.connections.allowTo(servers, Port.tcp(SERVER_PORT), 'the servers');
    const balancer = new ApplicationLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: { subnets: vpc.privateSubnets },
      internetFacing: false,
      securityGroup,
      dropInvalidHeaderFields: true,
      desyncMitigationMode: DesyncMitigationMode.STRICTEST,
    });
    this.logInto(accessLogs, balancer);
    this.targets = new ApplicationTargetGroup(this, 'Servers', {
      vpc,
      port: SERVER_PORT,
      protocol: ApplicationProtocol.HTTP,
      targetType: TargetType.IP,
      // As long as a server takes to finish what it is at.
      deregistrationDelay: Duration.seconds(30),
      healthCheck: { path: '/health', interval: Duration.seconds(15), timeout: Duration.seconds(5) },
    });
    balancer.addListener('Listener', {
      port,
      open: false,
      defaultTargetGroups: [this.targets],
      ...(certificateArn === undefined
        ? { protocol: ApplicationProtocol.HTTP }
        : {
            protocol: ApplicationProtocol.HTTPS,
            certificates: [ListenerCertificate.fromArn(certificateArn)],
            sslPolicy: SslPolicy.RECOMMENDED_TLS,
          }),
    });
    this.url = `${certificateArn === undefined ? 'http' : 'https'}://${balancer.loadBalancerDnsName}`;
  }

  /** `logAccessLogs` of CDK needs the stack's region; the service's own principal is the same in all of them. */
  private logInto(bucket: Bucket, balancer: ApplicationLoadBalancer): void {
    bucket.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`${LOG_PREFIX}/AWSLogs/*`)],
      }),
    );
    balancer.setAttribute('access_logs.s3.enabled', 'true');
    balancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
    balancer.setAttribute('access_logs.s3.prefix', LOG_PREFIX);
    // The balancer is refused while the policy is not there.
    if (bucket.policy !== undefined) balancer.node.addDependency(bucket.policy);
  }
}

import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { FunctionName, Settings } from '../settings.ts';

export interface FunctionRoleProps {
  name: FunctionName;
  settings: Pick<Settings, 'tracing'>;
  vpc?: IVpc | undefined;
}

/** The statements of AWSLambdaENIManagementAccess, the least that a function in a VPC can start with. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Only what running takes: its own log group, its network where it has one. Lambda's construct adds traces where they
 * are on, buckets and queues add themselves.
 */
export function makeFunctionRole(scope: Construct, props: FunctionRoleProps, logs: LogGroup): Role {
  const { name, settings, vpc } = props;
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `show-and-tell: the ${name} function`,
  });
  logs.grantWrite(role);
  const reasons: string[] = [];
  if (settings.tracing) {
    reasons.push(
      'xray:PutTraceSegments and PutTelemetryRecords name no resource: AWS defines them for * only.',
    );
  }
  if (vpc !== undefined) {
    role.addToPolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }));
    reasons.push(
      'Lambda makes and removes the network interfaces of a function in a VPC with its role, before they have a name; ' +
        'these are the statements that AWS documents for it.',
    );
  }
  if (reasons.length > 0) acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reasons.join(' '));
  return role;
}

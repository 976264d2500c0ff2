/**
 * What looks at requests before CloudFront does anything with them. AWS keeps web ACLs for CloudFront in us-east-1 alone,
 * so they are a stack of their own there, wherever the rest is.
 */
import { CfnOutput, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import type { PageSettings } from '../page-settings.ts';
import type { Settings } from '../settings.ts';

const REGION = 'us-east-1';
const OUTPUT = 'WebAclArn';
/** AWS takes log groups whose names start so. */
const LOG_GROUP_PREFIX = 'aws-waf-logs-';
/** Seconds that a client is asked for patience, below the window of the rate. */
const RETRY_AFTER = '60';

/**
 * Rules that take photographs for attacks: bytes of an image, or the XML and addresses in its metadata, which nothing
 * behind the firewall reads as anything but an image or JSON of a schema. They are counted.
 */
const ABOUT_BODIES = [
  'SizeRestrictions_BODY',
  'CrossSiteScripting_BODY',
  'GenericLFI_BODY',
  'GenericRFI_BODY',
  'EC2MetaDataSSRF_BODY',
];
/** Codes of providers can be longer than the 2,048 bytes that it allows; CloudFront passes none on. */
const ABOUT_CODES = ['SizeRestrictions_QUERYSTRING'];

/** The web ACL for the page of a stack, and the stack that has it where it is our own. */
export function firewallFor(
  stack: Stack,
  settings: PageSettings['firewall'],
  logRetentionDays: FirewallProps['logRetentionDays'],
): string {
  if (settings.kind === 'existing') return settings.webAclArn;
  const firewall = new FirewallStack(stack.node.scope!, `${stack.node.id}-firewall`, {
    requestsPerFiveMinutes: settings.requestsPerFiveMinutes,
    logRetentionDays,
    isProtected: stack.terminationProtection ?? false,
  });
  stack.addStackDependency(firewall);
  // Read when the other stack is deployed, from any region, without a function of CDK's that would read it.
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
  return Fn.getStackOutput(firewall.stackName, OUTPUT, REGION);
}

interface FirewallProps {
  requestsPerFiveMinutes: number;
  logRetentionDays: Settings['logRetentionDays'];
  /** Against being deleted by accident. */
  isProtected: boolean;
}

class FirewallStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { requestsPerFiveMinutes, logRetentionDays, isProtected }: FirewallProps,
  ) {
    super(scope, id, {
      env: { region: REGION },
      description: 'show-and-tell: firewall of the page',
      terminationProtection: isProtected,
    });
    const acl = new CfnWebACL(this, 'WebAcl', {
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: watched('All'),
      rules: [
        tooMany(requestsPerFiveMinutes),
        managed(1, 'AWSManagedRulesAmazonIpReputationList'),
        common(2),
      ],
    });
    this.logWhatIsNotLetThrough(acl, logRetentionDays);
    new CfnOutput(this, OUTPUT, { value: acl.attrArn });
  }

  /** What is let through stands in the API's own log. */
  private logWhatIsNotLetThrough(acl: CfnWebACL, retention: FirewallProps['logRetentionDays']): void {
    const logGroupName = `${LOG_GROUP_PREFIX}${this.stackName}`;
    const logs = new LogGroup(this, 'Logs', {
      logGroupName,
      retention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logging = new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: acl.attrArn,
      logDestinationConfigs: [this.formatArn({ service: 'logs', resource: `log-group:${logGroupName}` })],
      // Neither what signs people in nor what proves that they are.
      redactedFields: [
        { queryString: {} },
        { singleHeader: { Name: 'authorization' } },
        { singleHeader: { Name: 'cookie' } },
      ],
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: [{ ActionCondition: { Action: 'BLOCK' } }],
          },
        ],
      },
    });
    logging.node.addDependency(logs);
  }
}

function tooMany(limit: number): CfnWebACL.RuleProperty {
  return {
    name: 'TooMany',
    priority: 0,
    statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
    // The page waits and tries again for this status, where 403 would be the end.
    action: {
      block: {
        customResponse: {
          responseCode: 429,
          responseHeaders: [{ name: 'retry-after', value: RETRY_AFTER }],
        },
      },
    },
    visibilityConfig: watched('TooMany'),
  };
}

function common(priority: number): CfnWebACL.RuleProperty {
  return managed(priority, 'AWSManagedRulesCommonRuleSet', [...ABOUT_BODIES, ...ABOUT_CODES]);
}

function managed(priority: number, name: string, counted: readonly string[] = []): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
    overrideAction: { none: {} },
    visibilityConfig: watched(name),
  };
}

function watched(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, metricName, sampledRequestsEnabled: false };
}

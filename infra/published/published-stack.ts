/** The stack as a template that needs no CDK: no bootstrapped account, no assets, the code's place as parameters. */
import { CfnCondition, CfnParameter, DefaultStackSynthesizer, Fn } from 'aws-cdk-lib';
import { CfnSubscription } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import { CaptionerStack } from '../stack.ts';

/** Whom alarms are mailed to, for templates whose settings name nobody. */
const ALARM_EMAIL = 'AlarmEmail';

interface PublishedStackProps {
  settings: Settings;
  /** Of the zip of the functions, hexadecimal. */
  sha256: string;
}

export class PublishedStack extends CaptionerStack {
  constructor(scope: Construct, id: string, { settings, sha256 }: PublishedStackProps) {
    super(scope, id, {
      description: 'show-and-tell: captions for images',
      settings,
      source: { kind: 'uploaded', sha256 },
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
      analyticsReporting: false,
    });
    // No part of a template: the script reads it there.
    this.templateOptions.metadata = { TerminationProtection: this.terminationProtection === true };
    if (settings.alarms.email === undefined) this.askForEmail();
  }

  private askForEmail(): void {
    const email = new CfnParameter(this, ALARM_EMAIL, {
      description: 'Gets mail about alarms, once the recipient has confirmed; empty for nobody',
      default: '',
    });
    const isGiven = new CfnCondition(this, 'HasAlarmEmail', {
      expression: Fn.conditionNot(Fn.conditionEquals(email.valueAsString, '')),
    });
    const subscription = new CfnSubscription(this.alarms.topic, 'Mail', {
      protocol: 'email',
      endpoint: email.valueAsString,
      topicArn: this.alarms.topic.topicArn,
    });
    subscription.cfnOptions.condition = isGiven;
  }
}

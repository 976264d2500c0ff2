/** The bus that is told of results: who may put events on it, and a topic for all who listen elsewhere. */
import { Stack } from 'aws-cdk-lib';
import { EventBus, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../src/aws/event-names.ts';
import { DEPLOYMENT, EVENT_BUS } from '../../src/lambda/env.ts';
import { acknowledge } from '../acknowledge.ts';
import type { EventSettings } from './event-settings.ts';

export class ResultEvents extends Construct {
  readonly busName: string;
  /** What events call this deployment. */
  readonly deployment: string;
  readonly topic: Topic | undefined;
  private readonly bus: IEventBus;

  constructor(scope: Construct, id: string, settings: EventSettings) {
    super(scope, id);
    this.busName = settings.bus;
    this.deployment = Stack.of(this).stackName;
    this.bus = EventBus.fromEventBusName(this, 'Bus', settings.bus);
    this.topic = settings.topic ? this.makeTopic() : undefined;
  }

  /** Variables of a function that tells of results. */
  get environment(): Record<string, string> {
    return { [EVENT_BUS]: this.busName, [DEPLOYMENT]: this.deployment };
  }

  allowTelling(role: IRole): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['events:PutEvents'],
        resources: [this.bus.eventBusArn],
        conditions: { StringEquals: { 'events:source': EVENT_SOURCE } },
      }),
    );
  }

  private makeTopic(): Topic {
    const topic = new Topic(this, 'Topic', { displayName: 'show-and-tell results', enforceSSL: true });
    const rule = new Rule(this, 'AllResults', {
      description: 'Results of show-and-tell',
      eventBus: this.bus,
      eventPattern: { source: [EVENT_SOURCE], detail: { deployment: [this.deployment] } },
      targets: [new SnsTopic(topic)],
    });
    acknowledge(
      topic,
      'Serverless-SNSRedrivePolicy',
      'Dead-letter queues of a topic belong to its subscriptions, which are for whoever subscribes to make.',
    );
    acknowledge(
      rule,
      'Serverless-EventBusDLQ',
      'The target is a topic of the same stack, which EventBridge tries to reach for 24 hours; every result lies in the ' +
        'results bucket in any case.',
    );
    return topic;
  }
}

/** What a person is called for, and the picture that the person then looks at. */
import { Duration } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IAlarm,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type CaptionerFunction, METRICS_NAMESPACE, serviceOf } from './functions/captioner-function.ts';
import type { CaptionerApi } from './http-api.ts';
import type { ImageQueue } from './image-queue.ts';
import type { FunctionName, Settings } from './settings.ts';
import type { Workflows } from './workflow/workflow.ts';

const PERIOD = Duration.minutes(5);
/** A budget warns before the money is gone. */
const BUDGET_WARNING_PERCENT = 80;

export interface AlarmsProps {
  settings: Settings;
  functions: Record<FunctionName, CaptionerFunction>;
  images: ImageQueue;
  api: CaptionerApi;
  workflows: Pick<Workflows, 'oneImage' | 'wholeBucket'>;
}

export class CaptionerAlarms extends Construct {
  readonly alarms: readonly IAlarm[];
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { settings, functions, images, api, workflows } = props;
    this.topic = this.makeTopic(settings);
    const { alarms: limits } = settings;
    const all = Object.values(functions);
    this.alarms = [
      ...all.map((f) => f.errors),
      ...all.map((f) =>
        this.makeAlarm(`Throttles-${f.name}`, f.alias.metricThrottles({ period: PERIOD, statistic: 'Sum' }), {
          alarmDescription: `Calls of the ${f.name} function were refused: what it reserves, or what the account has, is used up.`,
          threshold: 1,
          // A short rush passes without help: messages wait in the queue.
          evaluationPeriods: 3,
        }),
      ),
      this.makeAlarm(
        'DeadLetters',
        images.deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
        {
          alarmDescription: 'Images that could not be captioned wait in the dead-letter queue.',
          threshold: 1,
        },
      ),
      this.makeAlarm('OldestMessage', images.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD }), {
        alarmDescription: 'Images wait too long for their captions.',
        threshold: limits.oldestMessageMinutes * 60,
      }),
      this.makeAlarm('ServerErrors', api.api.metricServerError({ period: PERIOD, statistic: 'Sum' }), {
        // What the app answers itself is no error of the function: only the gateway sees it.
        alarmDescription: 'HTTP requests are answered with 5xx.',
        threshold: 1,
        evaluationPeriods: 2,
      }),
      this.makeAlarm('Slow', functions.http.alias.metricDuration({ period: PERIOD, statistic: 'p99' }), {
        alarmDescription: 'HTTP requests take too long (99th percentile).',
        threshold: limits.p99Seconds * 1_000,
        evaluationPeriods: 3,
      }),
      this.makeAlarm('ColdStarts', coldStartsOf(functions.http), {
        alarmDescription: 'Many HTTP requests wait for a cold start: think of provisionedConcurrency.',
        threshold: limits.coldStarts,
      }),
      ...this.alarmsOf('OneImage', workflows.oneImage),
      ...this.alarmsOf('WholeBucket', workflows.wholeBucket),
    ];
    for (const alarm of this.alarms) (alarm as Alarm).addAlarmAction(new SnsAction(this.topic));
    if (settings.monthlyBudget !== undefined) this.makeBudget(settings.monthlyBudget, limits.email!);
  }

  /** https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html */
  private alarmsOf(name: string, machine: StateMachine): Alarm[] {
    const options = { period: PERIOD, statistic: 'Sum' };
    return [
      this.makeAlarm(`Failed-${name}`, machine.metricFailed(options), {
        alarmDescription: `Executions of ${name} failed. The faults of images are outcomes, not failures.`,
        threshold: 1,
      }),
      this.makeAlarm(`TimedOut-${name}`, machine.metricTimedOut(options), {
        alarmDescription: `Executions of ${name} took longer than they may.`,
        threshold: 1,
      }),
      this.makeAlarm(`Throttled-${name}`, machine.metricThrottled(options), {
        alarmDescription: `Steps of ${name} wait, since the account's quota of state transitions is used up.`,
        threshold: 1,
        // Step Functions tries again by itself.
        evaluationPeriods: 3,
      }),
    ];
  }

  private makeTopic(settings: Settings): Topic {
    const topic = new Topic(this, 'Topic', { displayName: 'show-and-tell', enforceSSL: true });
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': topic.env.account } },
      }),
    );
    acknowledge(
      topic,
      'Serverless-SNSRedrivePolicy',
      'Mail that cannot be delivered would not be read in a queue either: the alarm stays red on the dashboard, and ' +
        'CloudWatch keeps its history.',
    );
    if (settings.alarms.email) topic.addSubscription(new EmailSubscription(settings.alarms.email));
    return topic;
  }

  private makeAlarm(
    id: string,
    metric: IMetric,
    props: Omit<AlarmProps, 'metric' | 'evaluationPeriods'> & Partial<AlarmProps>,
  ): Alarm {
    return new Alarm(this, id, {
      metric,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
    });
  }

  private makeBudget(dollars: number, email: string): void {
    const subscribers = [{ subscriptionType: 'EMAIL', address: email }];
    const warn = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: {
        notificationType,
        threshold,
        comparisonOperator: 'GREATER_THAN',
        thresholdType: 'PERCENTAGE',
      },
      subscribers,
    });
    new CfnBudget(this, 'Budget', {
      budget: { budgetType: 'COST', timeUnit: 'MONTHLY', budgetLimit: { amount: dollars, unit: 'USD' } },
      notificationsWithSubscribers: [warn('ACTUAL', BUDGET_WARNING_PERCENT), warn('FORECASTED', 100)],
    });
  }
}

/** What the function itself counts; Lambda has no metric for it. */
export function coldStartsOf(captioner: CaptionerFunction): Metric {
  const { functionName } = captioner.function;
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName: 'ColdStart',
    dimensionsMap: { service: serviceOf(captioner), function_name: functionName },
    statistic: 'Sum',
    period: PERIOD,
  });
}

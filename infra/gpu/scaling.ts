/** How many servers run, and with them machines: as many as the queue needs. */
import { Duration } from 'aws-cdk-lib';
import { AdjustmentType, type ScalingInterval } from 'aws-cdk-lib/aws-applicationautoscaling';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { BaseService } from 'aws-cdk-lib/aws-ecs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { GpuSettings } from '../gpu-settings.ts';

/** From a machine that starts to a server that answers: neither may count as missing before. */
export const START_MINUTES = 5;

export interface ScalingProps {
  inputQueue: IQueue;
  settings: Pick<GpuSettings, 'minInstances' | 'maxInstances' | 'messagesPerInstance' | 'idleMinutes'>;
}

/**
 * A machine for every so many messages that wait, from the first one on: nobody else takes them. Fewer only when fewer have
 * waited for a while, since machines that work a backlog off should not stop because it shrinks. The alarm looks at the most
 * that waited in a window which slides on every minute.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
 */
export function scaleByQueue(service: BaseService, { inputQueue, settings }: ScalingProps): void {
  const { minInstances, maxInstances, messagesPerInstance, idleMinutes } = settings;
  const servers = service.autoScaleTaskCount({ minCapacity: minInstances, maxCapacity: maxInstances });
  const window = Duration.minutes(idleMinutes);
  const waiting = inputQueue.metricApproximateNumberOfMessagesVisible({
    period: window,
    statistic: 'Maximum',
  });
  servers.scaleOnMetric('Waiting', {
    metric: waiting,
    adjustmentType: AdjustmentType.EXACT_CAPACITY,
    scalingSteps: stepsOf(maxInstances, messagesPerInstance),
    cooldown: Duration.minutes(START_MINUTES),
  });
  const period = Duration.minutes(1);
  // Images at work are out of sight, but not done: without them the last ones would lose their machine.
  servers.scaleOnMetric('Idle', {
    metric: new MathExpression({
      expression: 'waiting + atWork',
      usingMetrics: {
        waiting: waiting.with({ period }),
        atWork: inputQueue.metricApproximateNumberOfMessagesNotVisible({ period, statistic: 'Maximum' }),
      },
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

/** As many machines as it takes with `messages` for each; the metric counts whole messages. */
function stepsOf(machines: number, messages: number): ScalingInterval[] {
  const steps = Array.from({ length: machines }, (_, i) => ({ lower: i * messages + 1, change: i + 1 }));
  // CDK wants two at least.
  return machines > 1 ? steps : [...steps, { lower: messages + 1, change: 1 }];
}

import { Stack } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS } from '../src/lambda/env.ts';
import { type AlarmsProps, type CaptionerAlarms, coldStartsOf } from './alarms.ts';
import { METRICS_NAMESPACE, serviceOf } from './functions/captioner-function.ts';
import type { CaptionerApi } from './http-api.ts';

const HALF = 12;
const FULL = 24;

export interface DashboardProps extends Omit<AlarmsProps, 'workflows'> {
  alarms: CaptionerAlarms;
  api: CaptionerApi;
}

/** One page: is anything wrong, where, since when. */
export class CaptionerDashboard extends Construct {
  constructor(scope: Construct, id: string, { alarms, api, functions, images }: DashboardProps) {
    super(scope, id);
    const all = Object.values(functions);
    const of = (metric: (f: (typeof all)[number]) => Metric) =>
      all.map((f) => metric(f).with({ label: f.name }));
    const own = (name: string, statistic: string) => ownMetric(serviceOf(this), name, statistic);
    new Dashboard(this, 'Dashboard', {
      dashboardName: Stack.of(this).stackName,
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', width: FULL, alarms: [...alarms.alarms] as Alarm[] })],
        [
          graph(
            'Invocations',
            of((f) => f.alias.metricInvocations({ statistic: Stats.SUM })),
          ),
          graph('Errors and throttles', [
            ...all.map((f) => f.alias.metricErrors({ label: `${f.name} errors` })),
            ...all.map((f) => f.alias.metricThrottles({ label: `${f.name} throttles` })),
          ]),
        ],
        [
          graph(
            'Duration, 99th percentile',
            of((f) => f.alias.metricDuration({ statistic: Stats.p(99) })),
          ),
          graph('Cold starts', of(coldStartsOf)),
        ],
        [
          graph(
            'Images',
            [METRICS.captions, METRICS.skipped].map((name) => own(name, Stats.SUM)),
          ),
          graph(
            'Milliseconds of an image, average',
            [METRICS.decode, METRICS.preprocess, METRICS.encode, METRICS.search, METRICS.total].map((name) =>
              own(name, Stats.AVERAGE),
            ),
          ),
        ],
        [
          graph('Images waiting', [
            images.queue.metricApproximateNumberOfMessagesVisible({ label: 'queue' }),
            images.deadLetters.metricApproximateNumberOfMessagesVisible({ label: 'dead letters' }),
          ]),
          graph('Oldest image waiting', [
            images.queue.metricApproximateAgeOfOldestMessage({ label: 'seconds' }),
          ]),
        ],
        [
          graph('HTTP requests', [
            api.api.metricCount({ label: 'all' }),
            api.api.metricClientError({ label: '4xx' }),
            api.api.metricServerError({ label: '5xx' }),
          ]),
          graph('HTTP latency, 99th percentile', [
            api.api.metricLatency({ statistic: Stats.p(99), label: 'ms' }),
          ]),
        ],
      ],
    });
  }
}

/** What the functions count themselves. */
function ownMetric(service: string, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { service },
    statistic,
    label: metricName,
  });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: HALF });
}

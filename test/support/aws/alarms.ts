/**
 * What alarms of a template make of datapoints, and what scaling policies make of alarms: the part of CloudWatch's and
 * Application Auto Scaling's rules that the template uses. What it does not know it refuses to judge.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
 */

export interface Datapoint {
  namespace: string;
  metric: string;
  dimensions: Record<string, string>;
  /** Of its time; alarms here look at whole minutes. */
  minute: number;
  value: number;
}

type Properties = Record<string, unknown>;
type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** @param alarm properties with references worked out @param minute the last one that is looked at */
export function stateOf(alarm: Properties, datapoints: readonly Datapoint[], minute: number): State {
  const values = valuesOf(alarm, datapoints, minute);
  const known = values.filter((value) => value !== undefined);
  const { TreatMissingData: missing = 'missing', DatapointsToAlarm: needed = values.length } = alarm;
  if (missing !== 'missing' && missing !== 'notBreaching') throw new Error(`${missing} is not judged here`);
  if (known.length === 0 && missing === 'missing') return 'INSUFFICIENT_DATA';
  return known.filter((value) => breaches(value, alarm)).length >= Number(needed) ? 'ALARM' : 'OK';
}

/** One value a period, the latest first; `undefined` where nothing was measured. */
function valuesOf(
  alarm: Properties,
  datapoints: readonly Datapoint[],
  minute: number,
): (number | undefined)[] {
  return Array.from({ length: Number(alarm.EvaluationPeriods) }, (_, periods) =>
    alarm.Metrics === undefined
      ? statisticOf(alarm as unknown as Statistic, datapoints, minute, periods)
      : sumOf(alarm.Metrics as MetricQuery[], datapoints, minute, periods),
  );
}

interface Statistic {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: string }[];
  Statistic?: string;
  ExtendedStatistic?: string;
  Period: number;
}

interface MetricQuery {
  Id: string;
  Expression?: string;
  ReturnData?: boolean;
  MetricStat?: { Metric: Omit<Statistic, 'Statistic' | 'Period'>; Stat: string; Period: number };
}

function sumOf(
  queries: MetricQuery[],
  datapoints: readonly Datapoint[],
  minute: number,
  periods: number,
): number | undefined {
  const expression = queries.find(({ ReturnData }) => ReturnData !== false)?.Expression ?? '';
  if (!/^\w+( \+ \w+)*$/.test(expression)) throw new Error(`${expression} is not judged here`);
  const terms = expression.split(' + ').map((id) => {
    const { Metric, Stat, Period } = queries.find((query) => query.Id === id)!.MetricStat!;
    return statisticOf({ ...Metric, Statistic: Stat, Period }, datapoints, minute, periods);
  });
  return terms.reduce((sum, term) => (sum === undefined || term === undefined ? undefined : sum + term), 0);
}

/** @param periods before the last one */
function statisticOf(
  { Namespace, MetricName, Dimensions, Statistic, ExtendedStatistic, Period }: Statistic,
  datapoints: readonly Datapoint[],
  minute: number,
  periods: number,
): number | undefined {
  const wanted = JSON.stringify(Dimensions.map(({ Name, Value }) => [Name, Value]).sort());
  const end = minute - (periods * Period) / 60;
  const values = datapoints
    .filter((point) => point.namespace === Namespace && point.metric === MetricName)
    // A metric is all of its dimensions: one that has more is another.
    .filter(({ dimensions }) => JSON.stringify(Object.entries(dimensions).sort()) === wanted)
    .filter((point) => point.minute <= end && point.minute > end - Period / 60)
    .map(({ value }) => value)
    .sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  switch (Statistic ?? ExtendedStatistic) {
    case 'Sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'Maximum':
      return values.at(-1);
    case 'p99':
      return values[Math.ceil(values.length * 0.99) - 1];
    default:
      throw new Error(`${Statistic ?? ExtendedStatistic} is not judged here`);
  }
}

function breaches(
  value: number,
  { ComparisonOperator: operator, Threshold: threshold }: Properties,
): boolean {
  switch (operator) {
    case 'GreaterThanOrEqualToThreshold':
      return value >= Number(threshold);
    case 'LessThanOrEqualToThreshold':
      return value <= Number(threshold);
    default:
      throw new Error(`${operator} is not judged here`);
  }
}

interface StepAdjustment {
  MetricIntervalLowerBound?: number;
  MetricIntervalUpperBound?: number;
  ScalingAdjustment: number;
}

/**
 * Capacity after a policy has heard of its alarm, once; while the alarm lasts it is told every minute.
 * https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
 */
export function capacityAfter(
  policy: Properties,
  alarm: Properties,
  { capacity, least, most }: { capacity: number; least: number; most: number },
  datapoints: readonly Datapoint[],
  minute: number,
): number {
  const { AdjustmentType, StepAdjustments } = policy.StepScalingPolicyConfiguration as {
    AdjustmentType: string;
    StepAdjustments: StepAdjustment[];
  };
  const breach = valuesOf(alarm, datapoints, minute)[0]! - Number(alarm.Threshold);
  const step = StepAdjustments.find(
    ({ MetricIntervalLowerBound: low, MetricIntervalUpperBound: high }) =>
      // The bound that is nearer to the threshold belongs to the step.
      (low === undefined || (breach < 0 ? breach > low : breach >= low)) &&
      (high === undefined || (breach > 0 || low !== undefined ? breach < high : breach <= high)),
  );
  if (step === undefined) return capacity;
  const wanted =
    AdjustmentType === 'ExactCapacity' ? step.ScalingAdjustment : capacity + step.ScalingAdjustment;
  return Math.min(Math.max(wanted, least), most);
}

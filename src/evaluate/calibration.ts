/** How far probabilities can be believed: reliability, expected calibration error, ROC. */

export interface Forecast {
  /** 0 to 1. */
  probability: number;
  happened: boolean;
}

export interface ReliabilityBin {
  /** Forecasts in it. */
  count: number;
  /** Mean predicted probability. */
  said: number;
  /** Share that came about. */
  happened: number;
}

/** Forecasts in `bins` ranges of equal width, empty ones left out (DeGroot and Fienberg 1983). */
export function reliability(forecasts: readonly Forecast[], bins = 10): ReliabilityBin[] {
  const ranges = Array.from({ length: bins }, (): Forecast[] => []);
  for (const forecast of forecasts) {
    ranges[Math.min(bins - 1, Math.floor(forecast.probability * bins))]!.push(forecast);
  }
  return ranges
    .filter((range) => range.length > 0)
    .map((range) => ({
      count: range.length,
      said: mean(range.map(({ probability }) => probability)),
      happened: mean(range.map(({ happened }) => (happened ? 1 : 0))),
    }));
}

/** Mean distance between predicted and observed shares, weighted by count (Naeini et al. 2015). */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { count, said, happened }) => sum + (count / total) * Math.abs(said - happened),
    0,
  );
}

/** Probability that an event that came about was given the higher forecast; ties count half (Hanley, McNeil 1982). */
export function areaUnderRoc(forecasts: readonly Forecast[]): number {
  const sorted = forecasts.toSorted((a, b) => a.probability - b.probability);
  const positives = sorted.filter(({ happened }) => happened).length;
  const negatives = sorted.length - positives;
  if (positives === 0 || negatives === 0) return 0.5;
  let rankSum = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && sorted[end]!.probability === sorted[start]!.probability) end++;
    // Equal forecasts share the mean of their ranks, which count from 1.
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) if (sorted[i]!.happened) rankSum += rank;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Forecasts for each sample by a model that was fitted without it, in `folds` parts taken in turn. */
export function crossValidated<M>(
  features: readonly (readonly number[])[],
  labels: readonly boolean[],
  folds: number,
  fit: (features: readonly (readonly number[])[], labels: readonly boolean[]) => M,
  predict: (model: M, features: readonly number[]) => number,
): Forecast[] {
  const models = Array.from({ length: folds }, (_, fold) => {
    const inside = (_: unknown, i: number) => i % folds !== fold;
    return fit(features.filter(inside), labels.filter(inside));
  });
  return features.map((row, i) => ({ probability: predict(models[i % folds]!, row), happened: labels[i]! }));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

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
    ranges[rangeOf(forecast.probability, bins)]!.push(forecast);
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

/**
 * The calibration error that forecasts would show by chance if every probability were right: in a range of n forecasts
 * the sum of what happens is off by a normal deviate of variance sum(p (1 - p)), whose mean size is sqrt(2/pi) of its
 * deviation.
 */
export function errorByChance(forecasts: readonly Forecast[], bins = 10): number {
  const variances = new Array<number>(bins).fill(0);
  for (const { probability } of forecasts) {
    variances[rangeOf(probability, bins)]! += probability * (1 - probability);
  }
  return variances.reduce((sum, variance) => sum + Math.sqrt((2 / Math.PI) * variance), 0) / forecasts.length;
}

/** For each sample what a model says that was fitted without it, in `folds` parts taken in turn. */
export function crossValidated<Sample, Model, Said>(
  samples: readonly Sample[],
  folds: number,
  fit: (samples: readonly Sample[]) => Model,
  predict: (model: Model, sample: Sample) => Said,
): Said[] {
  const models = Array.from({ length: folds }, (_, fold) =>
    fit(samples.filter((_, i) => i % folds !== fold)),
  );
  return samples.map((sample, i) => predict(models[i % folds]!, sample));
}

function rangeOf(probability: number, bins: number): number {
  return Math.min(bins - 1, Math.floor(probability * bins));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

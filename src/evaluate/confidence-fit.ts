/** A bundle's confidence, fitted on the images of an evaluation and judged by cross-validation. */
import {
  type ConfidenceModel,
  confidenceFeatures,
  namedWeights,
  type ScoredCaption,
} from '../caption/confidence.ts';
import {
  areaUnderRoc,
  crossValidated,
  expectedCalibrationError,
  type ReliabilityBin,
  reliability,
} from './calibration.ts';
import { fitLogistic, predict } from './logistic-regression.ts';

/**
 * CIDEr-D in percent from which on a caption counts as acceptable: near the mean of the default model, where a caption
 * usually names the right actors and the right thing that they do.
 */
const ACCEPTABLE_CIDER_D = 40;
/** Where acceptable and not are equally likely. */
const REVIEW_BELOW = 0.5;
const FOLDS = 10;
/** Three weights and a bias want some dozens of each kind; with fewer the errors stated would be chance. */
const LEAST_OF_EACH_KIND = 50;

export interface ConfidenceReport {
  model: ConfidenceModel;
  reliability: ReliabilityBin[];
}

/**
 * @param ciderD of each caption, as a fraction
 * @returns `null` where the images are too few to calibrate on
 */
export function fitConfidence(
  captions: readonly ScoredCaption[],
  ciderD: readonly number[],
): ConfidenceReport | null {
  const acceptable = ciderD.map((score) => 100 * score >= ACCEPTABLE_CIDER_D);
  const positives = acceptable.filter(Boolean).length;
  if (Math.min(positives, acceptable.length - positives) < LEAST_OF_EACH_KIND) return null;
  const features = captions.map(confidenceFeatures);
  const forecasts = crossValidated(features, acceptable, FOLDS, fitLogistic, predict);
  const bins = reliability(forecasts);
  const { bias, weights } = fitLogistic(features, acceptable);
  return {
    model: {
      acceptableCiderD: ACCEPTABLE_CIDER_D,
      reviewBelow: REVIEW_BELOW,
      bias,
      weights: namedWeights(weights),
      images: captions.length,
      acceptable: rounded(positives / captions.length),
      expectedCalibrationError: rounded(expectedCalibrationError(bins)),
      areaUnderRoc: rounded(areaUnderRoc(forecasts)),
    },
    reliability: bins,
  };
}

function rounded(fraction: number): number {
  return Math.round(fraction * 10_000) / 10_000;
}

/** The report as a person reads it. */
export function confidenceTable({ model, reliability: bins }: ConfidenceReport): string[] {
  const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`.padStart(7);
  return [
    '',
    `Confidence that CIDEr-D is ${model.acceptableCiderD} or more, by ${FOLDS}-fold cross-validation`,
    `  acceptable captions        ${percent(model.acceptable)}`,
    `  expected calibration error ${percent(model.expectedCalibrationError)}`,
    `  area under the ROC curve   ${model.areaUnderRoc.toFixed(3).padStart(7)}`,
    '  captions     said  acceptable',
    ...bins.map(
      ({ count, said, happened }) => `  ${String(count).padStart(8)}  ${percent(said)}  ${percent(happened)}`,
    ),
  ];
}

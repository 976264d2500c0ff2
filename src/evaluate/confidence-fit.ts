/** A bundle's confidence, fitted on the images of an evaluation and judged by cross-validation. */
import {
  CAPTION_FEATURES,
  type ConfidenceFeatures,
  type ConfidenceModel,
  type ConfidenceQuality,
  confidenceOf,
  PHOTOGRAPH_FEATURES,
  type Regressions,
} from '../caption/confidence/confidence.ts';
import {
  areaUnderRoc,
  crossValidated,
  errorByChance,
  expectedCalibrationError,
  type Forecast,
  type ReliabilityBin,
  reliability,
} from './calibration.ts';
import { fitLogistic } from './logistic-regression.ts';

/**
 * CIDEr-D in percent from which on a caption counts as acceptable: near the mean of the default model, where a caption
 * usually names the right actors and the right thing that they do.
 */
const ACCEPTABLE_CIDER_D = 40;
/** Where acceptable and not are equally likely. */
const REVIEW_BELOW = 0.5;
export const FOLDS = 10;
/** A handful of weights wants some dozens of each outcome; with fewer the errors stated would be chance. */
export const LEAST_OF_EACH_KIND = 50;
/**
 * How much all images that are no photographs count together beside all photographs. Most of what is captioned are
 * photographs; at 1 one everyday photograph in twenty-five lost confidence without need, at 0.3 one in fifty.
 */
const SHARE_OF_NOT_PHOTOGRAPHS = 0.3;

/** Captioned photographs of one kind. */
export interface PhotographKind {
  name: string;
  features: readonly ConfidenceFeatures[];
  /** Of each caption, as a fraction. */
  ciderD: readonly number[];
}

export interface ConfidenceReport {
  model: ConfidenceModel;
  /** Of each kind by its name. */
  reliability: Record<string, ReliabilityBin[]>;
}

interface Sample {
  /** `null`: no photograph. */
  kind: string | null;
  features: ConfidenceFeatures;
  acceptable: boolean;
  /** How much it counts: each kind as much as every other, however many images it has. */
  share: number;
}

/**
 * @param notPhotographs whose captions are by definition not acceptable; may be empty
 * @returns `null` where the photographs are too few to calibrate on
 */
export function fitConfidence(
  kinds: readonly PhotographKind[],
  notPhotographs: readonly ConfidenceFeatures[],
): ConfidenceReport | null {
  const samples = samplesOf(kinds, notPhotographs);
  const photographs = samples.filter(isPhotograph);
  const positives = photographs.filter(({ acceptable }) => acceptable).length;
  if (Math.min(positives, photographs.length - positives) < LEAST_OF_EACH_KIND) return null;
  const said = crossValidated(samples, FOLDS, fitRegressions, (model, sample) => ({
    kind: sample.kind,
    probability: confidenceOf(sample.features, model),
    happened: sample.acceptable,
  }));
  const ofKind = (name: string | null) => said.filter(({ kind }) => kind === name);
  const all = qualityOf(said.filter(isPhotograph));
  const others = ofKind(null);
  return {
    model: {
      acceptableCiderD: ACCEPTABLE_CIDER_D,
      reviewBelow: REVIEW_BELOW,
      ...fitRegressions(samples),
      images: all.images,
      acceptable: all.acceptable,
      expectedCalibrationError: all.expectedCalibrationError,
      areaUnderRoc: all.areaUnderRoc,
      kinds: Object.fromEntries(kinds.map(({ name }) => [name, qualityOf(ofKind(name))])),
      ...(others.length > 0 && {
        notPhotographs: {
          images: others.length,
          needReview: rounded(
            others.filter(({ probability }) => probability < REVIEW_BELOW).length / others.length,
          ),
        },
      }),
    },
    reliability: Object.fromEntries(kinds.map(({ name }) => [name, reliability(ofKind(name))])),
  };
}

function samplesOf(
  kinds: readonly PhotographKind[],
  notPhotographs: readonly ConfidenceFeatures[],
): Sample[] {
  const images = kinds.reduce((sum, { features }) => sum + features.length, 0);
  const photographs = kinds.flatMap(({ name, features, ciderD }) =>
    features.map((numbers, i) => ({
      kind: name,
      features: numbers,
      acceptable: 100 * ciderD[i]! >= ACCEPTABLE_CIDER_D,
      share: images / kinds.length / features.length,
    })),
  );
  const others = notPhotographs.map((features) => ({
    kind: null,
    features,
    acceptable: false,
    share: (SHARE_OF_NOT_PHOTOGRAPHS * images) / notPhotographs.length,
  }));
  return [...photographs, ...others];
}

function isPhotograph({ kind }: { kind: string | null }): boolean {
  return kind !== null;
}

function fitRegressions(samples: readonly Sample[]): Regressions {
  const photographs = samples.filter(isPhotograph);
  const acceptable = fitNamed(CAPTION_FEATURES, photographs, (sample) => sample.acceptable);
  if (photographs.length === samples.length) return acceptable;
  return { ...acceptable, photograph: fitNamed(PHOTOGRAPH_FEATURES, samples, isPhotograph) };
}

function fitNamed<Name extends keyof ConfidenceFeatures>(
  names: readonly Name[],
  samples: readonly Sample[],
  label: (sample: Sample) => boolean,
): { bias: number; weights: Record<Name, number> } {
  const { bias, weights } = fitLogistic(
    samples.map(({ features }) => names.map((name) => features[name])),
    samples.map(label),
    samples.map(({ share }) => share),
  );
  const named = Object.fromEntries(names.map((name, i) => [name, weights[i]!]));
  return { bias, weights: named as Record<Name, number> };
}

function qualityOf(forecasts: readonly Forecast[]): ConfidenceQuality {
  return {
    images: forecasts.length,
    acceptable: rounded(forecasts.filter(({ happened }) => happened).length / forecasts.length),
    expectedCalibrationError: rounded(expectedCalibrationError(reliability(forecasts))),
    expectedByChance: rounded(errorByChance(forecasts)),
    areaUnderRoc: rounded(areaUnderRoc(forecasts)),
  };
}

function rounded(fraction: number): number {
  return Math.round(fraction * 10_000) / 10_000;
}

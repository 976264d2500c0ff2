/**
 * How likely a caption is acceptable. The probability of a sentence says little about that (a long right caption is
 * less probable than a short wrong one), so a logistic regression over its words' probabilities is fitted on
 * validation data and stored with the bundle (Platt 1999, with several numbers in place of one).
 */
import * as z from 'zod';

/**
 * What the regression looks at. The margin to the next caption and the agreement of all captions found add nothing to
 * these three on Flickr8k, and would make the confidence depend on the beam.
 */
const FEATURES = ['meanLogProbability', 'worstLogProbability', 'words'] as const;

/** The regression as a manifest stores it, with how good it is. */
export const confidenceSchema = z.strictObject({
  /** A caption is acceptable when its CIDEr-D against people's captions is at least this, in percent. */
  acceptableCiderD: z.number().positive(),
  /** A caption below this confidence needs a person, unless a caller draws the line elsewhere. */
  reviewBelow: z.number().min(0).max(1),
  bias: z.number(),
  weights: z.strictObject({
    meanLogProbability: z.number(),
    worstLogProbability: z.number(),
    words: z.number(),
  } satisfies Record<(typeof FEATURES)[number], z.ZodNumber>),
  /** Measured by cross-validation on this many images, of whose captions this share was acceptable. */
  images: z.int().positive(),
  acceptable: z.number().min(0).max(1),
  expectedCalibrationError: z.number().min(0).max(1),
  areaUnderRoc: z.number().min(0).max(1),
});

export type ConfidenceModel = z.output<typeof confidenceSchema>;

/** A caption as far as its confidence goes. */
export interface ScoredCaption {
  logProbability: number;
  words: readonly { logProbability: number }[];
}

/** The numbers of one caption: log-probability a word (its end counted), that of the least likely word, words. */
export function confidenceFeatures({ logProbability, words }: ScoredCaption): number[] {
  const worst = Math.min(0, ...words.map((word) => word.logProbability));
  return [logProbability / (words.length + 1), worst, words.length];
}

/** Probability that the caption is acceptable, 0 to 1. */
export function confidenceOf(
  caption: ScoredCaption,
  { bias, weights }: Pick<ConfidenceModel, 'bias' | 'weights'>,
): number {
  const features = confidenceFeatures(caption);
  const score = FEATURES.reduce((sum, name, i) => sum + weights[name] * features[i]!, bias);
  return 1 / (1 + Math.exp(-score));
}

/** Weights in the order of `confidenceFeatures` under their names. */
export function namedWeights(weights: readonly number[]): ConfidenceModel['weights'] {
  const [meanLogProbability = 0, worstLogProbability = 0, words = 0] = weights;
  return { meanLogProbability, worstLogProbability, words };
}

/**
 * How likely a caption is acceptable. The probability of a sentence says little about that (a long right caption is
 * less probable than a short wrong one), so logistic regressions fitted on validation data are stored with the bundle
 * (Platt 1999, with several numbers in place of one): one says how likely the caption of a photograph is acceptable,
 * another, where there is one, how likely the image is a photograph at all. The confidence is their product, for a
 * caption of anything else is not acceptable.
 *
 * The numbers below are those that helped; area under the curve on 130 everyday photographs / on Flickr8k:
 * the first three 0.61 / 0.73, content words 0.69 / 0.75, length of the embedding 0.73 / 0.76, last content word and
 * number of content words 0.76 / 0.76. Margin and agreement of the captions found, the first word, rarity of the words
 * and a regression over the embedding's 512 numbers added nothing that other photographs confirmed.
 */
import * as z from 'zod';
import { EVIDENCE_FEATURES, evidenceFeatures, type WordEvidence } from './evidence.ts';
import { isFunctionWord } from './function-words.ts';
import { logLength, photographFeatures, type SeenImage } from './photograph.ts';

/** What the regression over captions looks at; the first three in the order in which older bundles add them up. */
export const CAPTION_FEATURES = [
  'meanLogProbability',
  'worstLogProbability',
  'words',
  'meanContentLogProbability',
  'lastContentLogProbability',
  'contentWords',
  'embeddingLogLength',
] as const;

/** Bundles with word evidence have regressions over that alone: it says more than all of the above. */
const REGRESSED = [...CAPTION_FEATURES, ...EVIDENCE_FEATURES] as const;

/** What tells photographs from other images. Each is explained in `photograph.ts`. */
export const PHOTOGRAPH_FEATURES = [
  'regionSpread',
  'colours',
  'colourEntropy',
  'saturationDeviation',
  'flatShare',
] as const;

type EvidenceName = (typeof EVIDENCE_FEATURES)[number];
type PlainName = (typeof CAPTION_FEATURES)[number] | (typeof PHOTOGRAPH_FEATURES)[number];
export type FeatureName = PlainName | EvidenceName;
/** Those of evidence only where the bundle has some. */
export type ConfidenceFeatures = Record<PlainName, number> & Partial<Record<EvidenceName, number>>;

const share = z.number().min(0).max(1);
const count = z.int().positive();

/** How good a confidence is, by cross-validation. */
const qualitySchema = z.strictObject({
  images: count,
  /** Share of the captions that were acceptable. */
  acceptable: share,
  /** Over ten ranges of equal width. */
  expectedCalibrationError: share,
  /** What that error would be if the confidence were right: few images have one by chance. */
  expectedByChance: share,
  areaUnderRoc: share,
});

/** The regressions as a manifest stores them, with how good they are. Names that are left out weigh nothing. */
export const confidenceSchema = z.strictObject({
  /** A caption is acceptable when its CIDEr-D against people's captions is at least this, in percent. */
  acceptableCiderD: z.number().positive(),
  /** A caption below this confidence needs a person, unless a caller draws the line elsewhere. */
  reviewBelow: share,
  bias: z.number(),
  weights: z.partialRecord(z.enum(REGRESSED), z.number()),
  /** Whether the image is a photograph; absent where nothing but photographs was fitted on. */
  photograph: z
    .strictObject({ bias: z.number(), weights: z.partialRecord(z.enum(PHOTOGRAPH_FEATURES), z.number()) })
    .optional(),
  /** Measured by cross-validation on this many photographs, of whose captions this share was acceptable. */
  images: count,
  acceptable: share,
  expectedCalibrationError: share,
  areaUnderRoc: share,
  /** The same for each kind of photograph. */
  kinds: z.record(z.string(), qualitySchema).optional(),
  /** Images that are no photographs: how many, and the share that needs review, by cross-validation. */
  notPhotographs: z.strictObject({ images: count, needReview: share }).optional(),
});

export type ConfidenceModel = z.output<typeof confidenceSchema>;
export type ConfidenceQuality = z.output<typeof qualitySchema>;
export type Regressions = Pick<ConfidenceModel, 'bias' | 'weights' | 'photograph'>;

/** A caption as far as its confidence goes. */
export interface ScoredCaption {
  /** Natural log, its end counted. */
  logProbability: number;
  words: readonly { word: string; logProbability: number }[];
}

/** All numbers that a confidence may look at: logarithms are natural, words are counted. */
export function confidenceFeatures(
  caption: ScoredCaption,
  image: SeenImage,
  evidence: WordEvidence | null,
): ConfidenceFeatures {
  return {
    ...captionFeatures(caption),
    ...(evidence && evidenceFeatures(caption.words, image.embedding, evidence)),
    embeddingLogLength: logLength(image.embedding),
    ...photographFeatures(image),
  };
}

function captionFeatures({ logProbability, words }: ScoredCaption) {
  const content = words.filter(({ word }) => !isFunctionWord(word)).map((word) => word.logProbability);
  return {
    meanLogProbability: logProbability / (words.length + 1),
    worstLogProbability: Math.min(0, ...words.map((word) => word.logProbability)),
    words: words.length,
    meanContentLogProbability: content.reduce((sum, value) => sum + value, 0) / Math.max(1, content.length),
    lastContentLogProbability: content.at(-1) ?? 0,
    contentWords: content.length,
  };
}

/** Probability that the image is a photograph and the caption acceptable, 0 to 1. */
export function confidenceOf(
  features: ConfidenceFeatures,
  { bias, weights, photograph }: Regressions,
): number {
  const acceptable = logistic(REGRESSED, features, { bias, weights });
  return photograph === undefined ? acceptable : acceptable * photographProbability(features, photograph);
}

/** Probability that the image is a photograph of an everyday scene, 0 to 1. */
export function photographProbability(
  features: ConfidenceFeatures,
  photograph: NonNullable<Regressions['photograph']>,
): number {
  return logistic(PHOTOGRAPH_FEATURES, features, photograph);
}

function logistic<Name extends FeatureName>(
  names: readonly Name[],
  features: ConfidenceFeatures,
  { bias, weights }: { bias: number; weights: Partial<Record<Name, number>> },
): number {
  const score = names.reduce((sum, name) => sum + (weights[name] ?? 0) * (features[name] ?? 0), bias);
  return 1 / (1 + Math.exp(-score));
}

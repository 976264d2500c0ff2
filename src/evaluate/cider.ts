import { countNgrams, maxOrder, type NgramCounts } from './ngrams.ts';
import type { TokenizedSample } from './tokenize.ts';

/** Standard deviation of the length penalty, in words. */
const sigma = 6;

/** One caption as tf-idf weights by n-gram order. */
interface WeightedCaption {
  readonly weights: readonly ReadonlyMap<string, number>[];
  /** Euclidean length of each of `weights`. */
  readonly norms: readonly number[];
  /** In words. pycocoevalcap counts bigrams, one less, which cancels out in every difference that matters. */
  readonly length: number;
}

/**
 * CIDEr-D (Vedantam et al. 2015, arXiv:1411.5726) as pycocoevalcap 1.2 computes it, 0…10 per image and mean.
 * An n-gram weighs the less the more images of this very corpus have it in a reference, so scores of different
 * corpora do not compare; with a single image every weight is log(1/1) and every score 0.
 */
export function ciderD(samples: readonly TokenizedSample[]): { mean: number; perImage: number[] } {
  const references = samples.map((sample) => sample.references.map(countNgrams));
  const documentFrequency = countDocuments(references);
  const weigh = (counts: NgramCounts): WeightedCaption =>
    weightNgrams(counts, documentFrequency, samples.length);
  const perImage = samples.map(({ candidate }, image) =>
    scoreOne(weigh(countNgrams(candidate)), (references[image] ?? []).map(weigh)),
  );
  return { mean: perImage.reduce((sum, score) => sum + score, 0) / perImage.length, perImage };
}

/** In the references of how many images each n-gram occurs. */
function countDocuments(images: readonly (readonly NgramCounts[])[]): Map<string, number> {
  const frequency = new Map<string, number>();
  for (const references of images) {
    const ngrams = new Set(references.flatMap((orders) => orders.flatMap((counts) => [...counts.keys()])));
    for (const ngram of ngrams) frequency.set(ngram, (frequency.get(ngram) ?? 0) + 1);
  }
  return frequency;
}

function weightNgrams(
  orders: NgramCounts,
  documentFrequency: ReadonlyMap<string, number>,
  documents: number,
): WeightedCaption {
  const weights = orders.map((counts) => {
    const weighted = new Map<string, number>();
    for (const [ngram, count] of counts) {
      const idf = Math.log(documents) - Math.log(documentFrequency.get(ngram) ?? 1);
      weighted.set(ngram, count * idf);
    }
    return weighted;
  });
  return { weights, norms: weights.map(euclideanLength), length: sum(orders[0]?.values() ?? []) };
}

function euclideanLength(weights: ReadonlyMap<string, number>): number {
  let squares = 0;
  for (const weight of weights.values()) squares += weight ** 2;
  return Math.sqrt(squares);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function scoreOne(candidate: WeightedCaption, references: readonly WeightedCaption[]): number {
  const similarities = references.map((reference) => similarity(candidate, reference));
  return (10 * sum(similarities)) / references.length;
}

/** Mean over the orders of the cosine, clipped and damped so that repeating words or dropping them does not pay: 0…1. */
function similarity(candidate: WeightedCaption, reference: WeightedCaption): number {
  const cosines = candidate.weights.map((weights, index) => {
    const norm = (candidate.norms[index] ?? 0) * (reference.norms[index] ?? 0);
    return norm === 0 ? 0 : clippedProduct(weights, reference.weights[index] ?? new Map()) / norm;
  });
  const lengthPenalty = Math.exp(-((candidate.length - reference.length) ** 2) / (2 * sigma ** 2));
  return (sum(cosines) / maxOrder) * lengthPenalty;
}

function clippedProduct(
  candidate: ReadonlyMap<string, number>,
  reference: ReadonlyMap<string, number>,
): number {
  let product = 0;
  for (const [ngram, weight] of candidate) {
    const other = reference.get(ngram) ?? 0;
    product += Math.min(weight, other) * other;
  }
  return product;
}

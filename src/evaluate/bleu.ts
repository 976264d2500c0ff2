import { countNgrams, maxOrder, type NgramCounts } from './ngrams.ts';
import type { TokenizedSample } from './tokenize.ts';

/** BLEU-1 to BLEU-4, each 0…1. */
export type BleuScores = readonly [bleu1: number, bleu2: number, bleu3: number, bleu4: number];

/** What BLEU needs of one sample; those of a corpus are summed before the score is taken. */
interface BleuStatistics {
  readonly candidateLength: number;
  readonly referenceLength: number;
  /** By n-gram order: occurrences in the candidate that some reference has as well. */
  readonly matches: readonly number[];
  /** By n-gram order: occurrences in the candidate. */
  readonly total: readonly number[];
}

// pycocoevalcap's own smoothing: a missing match costs a factor of 1e-15/n instead of making the score zero.
const tiny = 1e-15;
const small = 1e-9;

/**
 * BLEU (Papineni et al. 2002, doi:10.3115/1073083.1073135) exactly as pycocoevalcap 1.2 computes it, with the
 * reference length closest to the candidate's. The corpus score is not the mean of those per image.
 */
export function bleu(samples: readonly TokenizedSample[]): { corpus: BleuScores; perImage: BleuScores[] } {
  const statistics = samples.map(compare);
  return { corpus: score(sum(statistics)), perImage: statistics.map(score) };
}

function compare({ candidate, references }: TokenizedSample): BleuStatistics {
  const allowed = references.map(countNgrams);
  return {
    candidateLength: candidate.length,
    referenceLength: closestLength(references, candidate.length),
    matches: countNgrams(candidate).map((counts, index) => clippedMatches(counts, allowed, index)),
    total: Array.from({ length: maxOrder }, (_, index) => Math.max(0, candidate.length - index)),
  };
}

/** Of two equally close lengths, the shorter. */
function closestLength(references: readonly (readonly string[])[], length: number): number {
  return references
    .map((reference) => reference.length)
    .reduce((best, next) => {
      const gain = Math.abs(best - length) - Math.abs(next - length);
      return gain > 0 || (gain === 0 && next < best) ? next : best;
    });
}

/** An n-gram counts at most as often as in the one reference that has it most. */
function clippedMatches(
  counts: ReadonlyMap<string, number>,
  references: NgramCounts[],
  index: number,
): number {
  let matches = 0;
  for (const [ngram, count] of counts) {
    const allowed = Math.max(...references.map((reference) => reference[index]?.get(ngram) ?? 0));
    matches += Math.min(count, allowed);
  }
  return matches;
}

function sum(statistics: readonly BleuStatistics[]): BleuStatistics {
  const perOrder = (values: (one: BleuStatistics) => readonly number[]): number[] =>
    Array.from({ length: maxOrder }, (_, index) =>
      statistics.reduce((all, one) => all + (values(one)[index] ?? 0), 0),
    );
  return {
    candidateLength: statistics.reduce((all, one) => all + one.candidateLength, 0),
    referenceLength: statistics.reduce((all, one) => all + one.referenceLength, 0),
    matches: perOrder((one) => one.matches),
    total: perOrder((one) => one.total),
  };
}

function score({ candidateLength, referenceLength, matches, total }: BleuStatistics): BleuScores {
  const ratio = (candidateLength + tiny) / (referenceLength + small);
  const brevityPenalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  const precisions = matches.map((count, index) => (count + tiny) / ((total[index] ?? 0) + small));
  const upTo = (order: number): number =>
    precisions.slice(0, order).reduce((product, precision) => product * precision, 1) ** (1 / order) *
    brevityPenalty;
  return [upTo(1), upTo(2), upTo(3), upTo(4)];
}

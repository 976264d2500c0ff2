import type { TokenizedSample } from './tokenize.ts';

/** How many times as important recall is as precision. */
const beta = 1.2;

/**
 * ROUGE-L (Lin 2004, aclanthology.org/W04-1013) as pycocoevalcap 1.2 computes it, 0…1: precision and recall of the
 * longest common subsequence, each the best over the references (not necessarily of the same one), then their F-score.
 */
export function rougeL(samples: readonly TokenizedSample[]): { mean: number; perImage: number[] } {
  const perImage = samples.map(scoreOne);
  return { mean: perImage.reduce((sum, score) => sum + score, 0) / perImage.length, perImage };
}

function scoreOne({ candidate, references }: TokenizedSample): number {
  const words = atLeastOneWord(candidate);
  let precision = 0;
  let recall = 0;
  for (const reference of references.map(atLeastOneWord)) {
    const common = longestCommonSubsequence(words, reference);
    precision = Math.max(precision, common / words.length);
    recall = Math.max(recall, common / reference.length);
  }
  if (precision === 0 || recall === 0) return 0;
  return ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
}

/** pycocoevalcap splits the empty caption into one empty word, so two empty captions agree. */
function atLeastOneWord(tokens: readonly string[]): readonly string[] {
  return tokens.length > 0 ? tokens : [''];
}

function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  // lengths[j]: for the words of `a` so far and the first j words of `b`; `diagonal` is lengths[j - 1] one word of `a` ago.
  const lengths = new Uint32Array(b.length + 1);
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = lengths[j]!;
      lengths[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, lengths[j - 1]!);
      diagonal = above;
    }
  }
  return lengths[b.length]!;
}

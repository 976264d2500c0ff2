/** Longest n-gram that BLEU-4 and CIDEr-D look at. */
export const maxOrder = 4;

/** How often each n-gram occurs, by order: element 0 counts words, element 3 four-word sequences. */
export type NgramCounts = readonly ReadonlyMap<string, number>[];

/** n-grams are keyed by their words with spaces between, which is unambiguous as no token holds a space. */
export function countNgrams(tokens: readonly string[]): NgramCounts {
  return Array.from({ length: maxOrder }, (_, index) => countOrder(tokens, index + 1));
}

function countOrder(tokens: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= tokens.length; start++) {
    const ngram = tokens.slice(start, start + order).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

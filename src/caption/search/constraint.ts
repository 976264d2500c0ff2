/**
 * What a caption must say, as a deterministic automaton over words: hypotheses in different states answer different
 * parts of the wish, so the search keeps a beam for each state (constrained beam search, Anderson et al. 2017).
 */

/** Each phrase doubles the beams of a search at least. */
export const MAX_REQUIRED_PHRASES = 4;
/** With `MAX_REQUIRED_PHRASES` keeps a decoder run below some hundred hypotheses. */
export const MAX_PHRASE_WORDS = 4;

export interface Constraint {
  /** State before the first word. */
  readonly start: number;
  /** State after a word; `null` where the word must not stand. */
  next(state: number, id: number): number | null;
  /** Words that must be looked at in a state, however unlikely the model finds them: all others lead to one state. */
  wanted(state: number): readonly number[];
  /** Whether a caption may end in a state. */
  accepts(state: number): boolean;
}

/** Nothing is asked for. */
export const NO_CONSTRAINT: Constraint = {
  start: 0,
  next: () => 0,
  wanted: () => [],
  accepts: () => true,
};

/**
 * A caption must begin with the words of `prefix` and say each of `phrases` somewhere, word after word.
 * @param phrases ids; none is empty
 */
export function constraintOf(prefix: readonly number[], phrases: readonly (readonly number[])[]): Constraint {
  if (prefix.length === 0 && phrases.length === 0) return NO_CONSTRAINT;
  // A state is one number: how many words of the prefix and of each phrase are said, in mixed radix.
  const sizes = [prefix, ...phrases].map((words) => words.length + 1);
  const digits = (state: number) => {
    let rest = state;
    return sizes.map((size) => {
      const digit = rest % size;
      rest = Math.floor(rest / size);
      return digit;
    });
  };
  const number = (said: readonly number[]) => said.reduceRight((sum, digit, i) => sum * sizes[i]! + digit, 0);
  return {
    start: 0,
    next(state, id) {
      const [begun, ...said] = digits(state);
      if (begun! < prefix.length && prefix[begun!] !== id) return null;
      return number([
        Math.min(begun! + 1, prefix.length),
        ...said.map((n, i) => progress(phrases[i]!, n, id)),
      ]);
    },
    wanted(state) {
      const [begun, ...said] = digits(state);
      if (begun! < prefix.length) return [prefix[begun!]!];
      // Only these lead to another state than the rest of the vocabulary does.
      const open = phrases.flatMap((phrase, i) =>
        said[i]! < phrase.length ? phrase.slice(0, said[i]! + 1) : [],
      );
      return [...new Set(open)];
    },
    accepts: (state) => digits(state).every((digit, i) => digit === sizes[i]! - 1),
  };
}

/** Words of `phrase` that are said after `id`, `said` of them before (Knuth, Morris and Pratt); once all are said it stays so. */
function progress(phrase: readonly number[], said: number, id: number): number {
  if (said === phrase.length) return said;
  const tail = [...phrase.slice(0, said), id];
  for (let n = tail.length; n > 0; n--) {
    if (tail.slice(-n).every((word, i) => word === phrase[i])) return n;
  }
  return 0;
}

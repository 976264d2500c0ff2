/**
 * What a caption must say, as a deterministic automaton over ids: hypotheses in different states answer different
 * parts of the wish, so the search keeps a beam for each group of states (constrained beam search, Anderson et al. 2017).
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
  /** Hypotheses whose states are of one group compete for the places of one beam. */
  group(state: number): number;
  /**
   * Whether the word in progress may not stay as it is, as `man` where that is banned and `manual` is not: the hypothesis
   * takes nobody's place, and is kept where it would have had one.
   */
  mustGoOn(state: number): boolean;
  /** How many more candidates are looked at in a state, since so many may be refused, or lead to a word that must go on. */
  apart(state: number): number;
}

/** Nothing is asked for. */
export const NO_CONSTRAINT: Constraint = {
  start: 0,
  next: () => 0,
  wanted: () => [],
  accepts: () => true,
  group: (state) => state,
  mustGoOn: () => false,
  apart: () => 0,
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
    group: NO_CONSTRAINT.group,
    mustGoOn: NO_CONSTRAINT.mustGoOn,
    apart: NO_CONSTRAINT.apart,
  };
}

/** Words of `phrase` that are said after `id`, `said` of them before; once all are said it stays so. */
function progress(phrase: readonly number[], said: number, id: number): number {
  return said === phrase.length ? said : matched(phrase, said, id);
}

/** How much of `phrase` stands at the end of what is said, with `next`, `said` of it before (Knuth, Morris and Pratt). */
export function matched<Word>(phrase: readonly Word[], said: number, next: Word): number {
  const tail = [...phrase.slice(0, said), next];
  for (let n = Math.min(tail.length, phrase.length); n > 0; n--) {
    if (tail.slice(-n).every((word, i) => word === phrase[i])) return n;
  }
  return 0;
}

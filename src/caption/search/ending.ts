/** Two rules for when captions are complete, how they are ranked, and when no better ones can come. */
import type { TopN } from './top-n.ts';

/** What a rule looks at of a caption that is being searched for. */
interface Child {
  logProbability: number;
  /** What it is ranked by. */
  score: number;
  /** Ends with the end id. */
  complete: boolean;
  ids: readonly number[];
}

/** How one image's search stands after a run. */
interface Standing<C extends Child> {
  live: readonly C[];
  complete: TopN<C>;
}

interface Widths {
  beamWidth: number;
  /** Captions wanted. */
  count: number;
  /** Of the longest caption in ids, start and end counted. */
  maxLength: number;
  lengthNormalization: number;
}

export interface EndingRule {
  /** Natural log of the least probability of a word. */
  least: number;
  /** Continuations of one hypothesis that can matter, where the beam is `width` wide. */
  continuations(width: number): number;
  /** Whether what reaches the maximum length ends there, at no cost. */
  forcesEnd: boolean;
  /** Whether a caption of `length` ids is over without its end id, and counts as others do. */
  cutsOff(length: number, maxLength: number): boolean;
  /** What a caption that is over is ranked by. */
  score(logProbability: number, length: number, lengthNormalization: number): number;
  /** Puts what may follow in one beam among the live ones and among those that are over. */
  settle<C extends Child>(children: readonly C[], isOver: (child: C) => boolean, to: Settled<C>): void;
  /** Whether the captions wanted are certain, or good enough for this rule. */
  isDecided<C extends Child>(standing: Standing<C>, widths: Widths): boolean;
}

interface Settled<C extends Child> {
  live: TopN<C>;
  complete: TopN<C>;
  beamWidth: number;
}

/** im2txt drops words below this probability. */
const LEAST_OF_IM2TXT = Math.log(1e-12);

function normalized(logProbability: number, length: number, exponent: number): number {
  return logProbability / length ** exponent;
}

/**
 * Complete captions are ranked by log-probability / length^lengthNormalization, start and end counted, partial ones by plain
 * log-probability; the two are never mixed (caption_generator.py of im2txt).
 */
export const IM2TXT_ENDING: EndingRule = {
  least: LEAST_OF_IM2TXT,
  continuations: (width) => width,
  forcesEnd: false,
  cutsOff: () => false,
  score: normalized,
  settle(children, isOver, { live, complete }) {
    for (const child of children) (isOver(child) ? complete : live).push(child);
  },
  /**
   * True when no live hypothesis can change the captions wanted. Log-probabilities only fall, so a hypothesis can at
   * best be completed at no cost, with the length that normalisation favours most: the longest one.
   */
  isDecided({ live, complete }, { count, maxLength, lengthNormalization }) {
    const worstWanted = complete.scoreOfRank(count);
    return live.every((h) => normalized(h.logProbability, maxLength, lengthNormalization) < worstWanted);
  },
};

/** `early_stopping` of transformers' generation configuration. */
export type EarlyStopping = boolean | 'never';

/**
 * The beam search of transformers 4.57 (`GenerationMixin._beam_search`): of all continuations of all hypotheses the best
 * that do not end live on (they are among the 2 * width best), and one that ends counts only among the best `width`.
 * Captions are ranked by log-probability / (ids after the start)^lengthNormalization; at the maximum length what did not
 * end counts as well.
 *
 * With one beam it is greedy search: the first end is the end.
 * @param forcesEnd `forced_eos_token_id`: the last id is the end, with a log-probability of 0
 */
export function transformersEnding(earlyStopping: EarlyStopping, forcesEnd = false): EndingRule {
  return {
    least: -Number.MAX_VALUE,
    // One of them may be the end.
    continuations: (width) => width + 1,
    forcesEnd,
    cutsOff: (length, maxLength) => length >= maxLength,
    score: (logProbability, length, exponent) => normalized(logProbability, length - 1, exponent),
    settle(children, isOver, { live, complete, beamWidth }) {
      const ranked = children.toSorted((a, b) => b.logProbability - a.logProbability);
      ranked.forEach((child, rank) => {
        if (!isOver(child)) live.push(child);
        else if (rank < beamWidth) complete.push(child);
      });
    },
    isDecided({ live, complete }, { beamWidth, maxLength, lengthNormalization: exponent }) {
      if (complete.size < beamWidth) return false;
      if (earlyStopping === true || beamWidth === 1) return true;
      const best = Math.max(...live.map((h) => h.logProbability));
      const length = earlyStopping === 'never' && exponent > 0 ? maxLength : live[0]!.ids.length;
      return normalized(best, length - 1, exponent) <= complete.scoreOfRank(beamWidth);
    },
  };
}

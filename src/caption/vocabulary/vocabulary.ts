/** What the core needs of a model's vocabulary; ids may be words or pieces of words. */
import type { Constraint } from '../search/constraint.ts';
import type { PieceWishes } from '../search/piece-constraint.ts';

export interface Vocabulary {
  /** What every caption's ids begin with. */
  readonly startIds: readonly number[];
  readonly endId: number;
  /** Softmax width; ids are below it. */
  readonly size: number;
  /** A caption as people read it. @param ids from the start ids on, with or without the end id */
  text(ids: readonly number[]): string;
  /** Its words; their ids are all but those of start and end, in their order. @param ids as of `text` */
  words(ids: readonly number[]): SaidWord[];
  /**
   * One id, for traces.
   * @param step 0 where captions start, 1 where their words do @default later
   */
  piece(id: number, step?: number): TracedPiece;
  /** @throws InvalidRequest for a word that the model cannot say, or that is both required and banned */
  plan(wanted: WantedWords): PlannedWords;
  /** @param planned by this vocabulary, perhaps in another thread */
  constraint(planned: PlannedWords): { bannedIds: ReadonlySet<number>; constraint: Constraint };
}

/** A word of a caption. */
export interface SaidWord {
  word: string;
  /** How many ids it is made of. */
  ids: number;
}

export interface TracedPiece {
  word: string;
  /** That it goes on with the word before. */
  continues?: true;
}

/** What captions may and must say, as people write it. */
export interface WantedWords {
  banned: readonly string[];
  /** Empty where nothing is asked for. */
  prefix: string;
  /** Phrases. */
  required: readonly string[];
}

/** The same for a search. Plain data: it crosses to worker threads. */
export type PlannedWords = WordIds | PlannedPieces;

/** Of a vocabulary of whole words. */
export interface WordIds {
  banned: readonly number[];
  prefix: readonly number[];
  /** Phrases, none of them empty. */
  required: readonly (readonly number[])[];
}

/** Of a vocabulary of pieces. */
export interface PlannedPieces {
  /** Ids that may not be said. */
  never: readonly number[];
  wishes: PieceWishes;
}

/** For each word the sum of its ids' values. @param values of each id from the first word on */
export function sumsOfWords(words: readonly SaidWord[], values: readonly number[]): number[] {
  let from = 0;
  return words.map(({ ids }) => {
    const own = values.slice(from, from + ids);
    from += ids;
    return own.reduce((sum, value) => sum + value);
  });
}

/**
 * What a caption of word pieces may and must say. A word is found in the text that the pieces make, however they spell it,
 * and only when it is whole: `man` is not in `manual`, and `cat` not said by `category`. To lead the search to a phrase,
 * the tokenizer's own spelling of it is followed piece by piece.
 */
import { type Constraint, matched, NO_CONSTRAINT } from './constraint.ts';
import { utf8Beginning, wordsOfText } from './text-words.ts';

/** What captions may and must say. Plain data. */
export interface PieceWishes {
  /** Words in a row that may not be said; most are one word. */
  banned: readonly (readonly string[])[];
  /** Every caption begins with the pieces of one of these; empty where any beginning will do. */
  prefixes: readonly (readonly number[])[];
  required: readonly RequiredPhrase[];
}

export interface RequiredPhrase {
  words: readonly string[];
  /** Its pieces behind other words. */
  within: readonly number[];
  /** Its pieces where a caption begins. */
  first: readonly number[];
}

/** What the constraint needs of a vocabulary. */
export interface PieceTexts {
  /** UTF-8 of a piece, a character a byte; empty where it adds nothing to a text. */
  bytes(id: number): string;
  /** In how many pieces this is a word, whole or a part of one. */
  count(word: string): number;
}

/** In place of a word in progress that can become none of those that matter. */
const ANY_WORD = '\0';

interface State {
  /** Pieces of the prefix, joined by spaces; `null` when it is said. */
  begun: string | null;
  /** The prefix is said, and its last word may not go on. */
  fresh: boolean;
  /** The word in progress, empty where there is none. */
  word: string;
  /** Bytes of a letter that is not whole yet. */
  rest: string;
  /** Words of each banned phrase that are said. */
  banned: readonly number[];
  required: readonly Progress[];
}

/** Of a required phrase. */
interface Progress {
  /** Words that are said, of the caption's whole words. */
  words: number;
  /** Pieces of `within` that stand at the end. */
  within: number;
  /** Pieces of `first` that are said and all that is said; -1 where it is something else. */
  first: number;
}

/** Looked at where pieces that end a word and pieces that go on with it lead apart: some of both are among so many. */
const EITHER = 64;
/** Looked at where the word that ends the prefix may not go on, however likely that is: once in a search. */
const BEHIND_PREFIX = 512;
const SAID_NOTHING: Progress = { words: 0, within: 0, first: 0 };

/** Ids of a state's group and of the state itself are given as they come up. */
export function pieceConstraint(wishes: PieceWishes, texts: PieceTexts): Constraint {
  if (wishes.banned.length + wishes.prefixes.length + wishes.required.length === 0) return NO_CONSTRAINT;
  const automaton = automatonOf(wishes);
  const states: { state: State; group: number; mustGoOn: boolean; next: Map<number, number | null> }[] = [];
  const numbers = new Map<string, number>();
  const groups = new Map<string, number>();
  const numberOf = (state: State): number => {
    const key = JSON.stringify(state);
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const groupKey = JSON.stringify(state.required);
    const group = groups.get(groupKey) ?? groups.size;
    groups.set(groupKey, group);
    const mustGoOn = state.begun === null && automaton.withWordWhole(state) === null;
    states.push({ state, group, mustGoOn, next: new Map() });
    numbers.set(key, states.length - 1);
    return states.length - 1;
  };
  const refusable = wishes.banned.reduce((sum, phrase) => sum + texts.count(phrase.at(-1)!), 0);
  return {
    start: numberOf(automaton.start),
    next(from, id) {
      const { state, next } = states[from]!;
      const known = next.get(id);
      if (known !== undefined) return known;
      const to = automaton.next(state, id, texts.bytes(id));
      const number = to === null ? null : numberOf(to);
      next.set(id, number);
      return number;
    },
    wanted: (at) => automaton.wanted(states[at]!.state),
    accepts: (at) => automaton.accepts(states[at]!.state),
    group: (at) => states[at]!.group,
    mustGoOn: (at) => states[at]!.mustGoOn,
    apart(at) {
      const { state, mustGoOn } = states[at]!;
      const { fresh, word } = state;
      if (fresh) return BEHIND_PREFIX;
      if (mustGoOn || automaton.isSpelled(state)) return refusable + EITHER;
      const ends = wishes.banned.map((phrase) => phrase.at(-1)!);
      const completing = word === '' ? [] : ends.filter((end) => end.startsWith(word));
      return completing.reduce((sum, end) => sum + texts.count(end.slice(word.length)), refusable);
    },
  };
}

function automatonOf({ banned, prefixes, required }: PieceWishes) {
  const bannedWords = new Set(banned.filter((phrase) => phrase.length === 1).map(([word]) => word!));
  const bannedPhrases = banned.filter((phrase) => phrase.length > 1);
  const beginnings = new Set([...banned, ...required.map(({ words }) => words)].flat().flatMap(beginningsOf));
  const asFarAsItMatters = (word: string) => (word === '' || beginnings.has(word) ? word : ANY_WORD);
  const spellings = prefixes.map((ids) => ids.join(' '));
  const start: State = {
    begun: prefixes.length === 0 ? null : '',
    fresh: false,
    word: '',
    rest: '',
    banned: bannedPhrases.map(() => 0),
    required: required.map(() => SAID_NOTHING),
  };

  /** After whole words; `null` where they may not stand. */
  const withWords = (state: State, words: readonly string[]): State | null => {
    let { banned: saidBanned, required: said } = state;
    for (const word of words) {
      if (bannedWords.has(word)) return null;
      saidBanned = saidBanned.map((n, i) => matched(bannedPhrases[i]!, n, word));
      if (saidBanned.some((n, i) => n === bannedPhrases[i]!.length)) return null;
      said = said.map((progress, i) => withWord(progress, required[i]!, word));
    }
    return { ...state, banned: saidBanned, required: said };
  };
  const withWordWhole = (state: State) => (state.word === '' ? state : withWords(state, [state.word]));

  const withPiece = (state: State, id: number, bytes: string): State | null => {
    const { text, rest } = utf8Beginning(state.rest + bytes);
    const { words, joinsBefore, joinsAfter } = wordsOfText(text);
    const spelled = state.required.map((progress, i) => withId(progress, required[i]!, id));
    if (text === '') return { ...state, rest, required: spelled };
    if (state.fresh && joinsBefore) return null;
    const joined = joinsBefore ? [state.word + words[0]!, ...words.slice(1)] : [state.word, ...words];
    const word = joinsAfter ? joined.pop()! : '';
    const said = withWords(
      { ...state, required: spelled },
      joined.filter((one) => one !== ''),
    );
    return said && { ...said, fresh: false, word: asFarAsItMatters(word), rest };
  };

  return {
    start,
    withWordWhole,
    /** Whether a required phrase would be said if its last word ended here. */
    isSpelled: ({ required: said }: State) =>
      said.some(({ within, first }, i) => {
        const phrase = required[i]!;
        return within === phrase.within.length || first === phrase.first.length;
      }),
    next(state: State, id: number, bytes: string): State | null {
      if (state.begun === null) return withPiece(state, id, bytes);
      const begun = state.begun === '' ? String(id) : `${state.begun} ${id}`;
      if (!spellings.some((ids) => ids === begun || ids.startsWith(`${begun} `))) return null;
      const next = withPiece(state, id, bytes);
      if (next === null || !spellings.includes(begun)) return next && { ...next, begun };
      return { ...next, begun: null, fresh: next.word !== '' };
    },
    wanted({ begun, required: said }: State): number[] {
      if (begun !== null) {
        const at = begun === '' ? 0 : begun.split(' ').length;
        const open = prefixes.filter((ids) => ids.slice(0, at).join(' ') === begun);
        return unique(open.map((ids) => ids[at]!));
      }
      return unique(
        said.flatMap(({ words, within, first }, i) => {
          const phrase = required[i]!;
          if (words === phrase.words.length) return [];
          return [
            ...phrase.within.slice(0, within + 1),
            ...phrase.first.slice(first, first < 0 ? 0 : first + 1),
          ];
        }),
      );
    },
    accepts(state: State): boolean {
      const whole = state.begun === null ? withWordWhole(state) : null;
      return whole?.required.every(({ words }, i) => words === required[i]!.words.length) === true;
    },
  };
}

/** Once a phrase is said it stays so, and how it was spelt matters no more. */
function withWord(progress: Progress, { words }: RequiredPhrase, word: string): Progress {
  if (progress.words === words.length) return progress;
  const said = matched(words, progress.words, word);
  return said === words.length ? { words: said, within: 0, first: -1 } : { ...progress, words: said };
}

function withId(progress: Progress, { words, within, first }: RequiredPhrase, id: number): Progress {
  if (progress.words === words.length) return progress;
  return {
    words: progress.words,
    within: matched(within, progress.within, id),
    first: first[progress.first] === id ? progress.first + 1 : -1,
  };
}

function beginningsOf(word: string): string[] {
  const letters = [...word];
  return letters.map((_, i) => letters.slice(0, i + 1).join(''));
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}

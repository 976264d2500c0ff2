/** A vocabulary whose ids are pieces of words, as tokenizers of Hugging Face make them. */
import { InvalidRequest } from '../../errors.ts';
import { type PieceTexts, type PieceWishes, pieceConstraint } from '../search/piece-constraint.ts';
import { utf8Beginning, utf8Text, wordsOfText } from '../search/text-words.ts';
import type { SaidWord, Vocabulary, WantedWords } from './vocabulary.ts';

/** What a tokenizer says of its pieces, and how it cuts texts into them. */
export interface Tokenizer {
  /** Number of ids, those that nothing has included. */
  size: number;
  /**
   * What an id adds to a text in UTF-8, a character a byte, blanks before words included; how a special id is written.
   * @param isFirst whether it begins the text @default false
   */
  bytes(id: number, isFirst?: boolean): string;
  /** Ids that are no text: start, end, padding, unknown. */
  special: ReadonlySet<number>;
  /** In place of what it cannot spell; `null` where it can spell everything. */
  unknownId: number | null;
  /** Whether texts lose the blanks before their stops, as some tokenizers have it. */
  closesUp: boolean;
  /** Ids of a text, none special beside what the text itself has. */
  encode(text: string): number[];
}

/** The part of a manifest that says how captions begin and end. */
export interface PieceTokens {
  startIds: readonly number[];
  endId: number;
  /** Softmax width. */
  logits: number;
}

/** Kept for `<UNK>`, which bundles of whole words ban by this name. */
const UNKNOWN_WORD = '<UNK>';
/** What pictures of a search know starts and ends by. */
const START_WORD = '<S>';
const END_WORD = '</S>';
const BLANK = '␣';
/** The search keeps a beam for each piece of a phrase that it follows. */
const MAX_PHRASE_PIECES = 24;

export function pieceVocabulary(tokenizer: Tokenizer, { startIds, endId, logits }: PieceTokens): Vocabulary {
  const isText = (id: number) => id !== endId && !tokenizer.special.has(id);
  const bytes = (id: number) => (isText(id) ? tokenizer.bytes(id) : '');
  const saidIds = (ids: readonly number[]) => {
    const from = startIds.every((id, i) => ids[i] === id) ? startIds.length : 0;
    const to = ids.at(-1) === endId ? ids.length - 1 : ids.length;
    return ids.slice(from, to);
  };
  const textOf = (ids: readonly number[]) => {
    const bytes = ids.filter(isText).map((id, i) => tokenizer.bytes(id, i === 0));
    const text = utf8Text(bytes.join(''));
    return (tokenizer.closesUp ? closedUp(text) : text).trim();
  };
  let counts: Map<string, number> | undefined;
  const texts: PieceTexts = {
    bytes,
    count: (word) => {
      counts ??= countWords(Array.from({ length: tokenizer.size }, (_, id) => bytes(id)));
      return counts.get(word) ?? 0;
    },
  };
  return {
    startIds,
    endId,
    size: logits,
    text: (ids) => textOf(saidIds(ids)),
    words: (ids) => wordsOfPieces(saidIds(ids).map(bytes)),
    piece(id, step = Number.POSITIVE_INFINITY) {
      if (step === 0) return { word: START_WORD };
      if (id === endId) return { word: END_WORD };
      const text = bytes(id);
      if (text === '') return { word: utf8Text(tokenizer.bytes(id)) || UNKNOWN_WORD };
      const word = utf8Text(text).trim() || BLANK;
      return step > 1 && goesOn('a', text) ? { word, continues: true } : { word };
    },
    plan: (wanted) => planPieces(wanted, tokenizer, endId, textOf),
    constraint(planned) {
      if (!('wishes' in planned)) throw new TypeError('planned for a vocabulary of whole words');
      return { bannedIds: new Set(planned.never), constraint: pieceConstraint(planned.wishes, texts) };
    },
  };
}

/** What tokenizers of Hugging Face call `clean_up_tokenization_spaces`. */
function closedUp(text: string): string {
  return text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m|'s|'ve|'re)/g, '$1');
}

/** A piece begins a word behind a blank, a sign, or where it is a sign itself; what adds no text goes with the word before. */
function wordsOfPieces(pieces: readonly string[]): SaidWord[] {
  const words: { bytes: string; ids: number }[] = [];
  for (const bytes of pieces) {
    const last = words.at(-1);
    if (last === undefined || (last.bytes.trim() !== '' && !goesOn(last.bytes, bytes))) {
      words.push({ bytes, ids: 1 });
    } else {
      last.bytes += bytes;
      last.ids++;
    }
  }
  const blank = words.length > 1 && words.at(-1)!.bytes.trim() === '' ? words.pop()! : null;
  if (blank) words.at(-1)!.ids += blank.ids;
  return words
    .map(({ bytes, ids }) => ({ word: utf8Text(bytes).trim(), ids }))
    .filter(({ word }) => word !== '');
}

/** Whether a piece goes on with the word that ends in `before`. */
function goesOn(before: string, bytes: string): boolean {
  const { text } = utf8Beginning(bytes);
  // A part of a letter, or nothing.
  if (text === '' || text.startsWith('\ufffd')) return true;
  return wordsOfText(text).joinsBefore && wordsOfText(utf8Text(before)).joinsAfter;
}

/** In how many pieces each word is, whole or a part of one. */
function countWords(pieces: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const bytes of pieces) {
    for (const word of new Set(wordsOfText(utf8Beginning(bytes).text).words)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

function planPieces(
  { banned, prefix, required }: WantedWords,
  tokenizer: Tokenizer,
  endId: number,
  textOf: (ids: readonly number[]) => string,
): { never: number[]; wishes: PieceWishes } {
  const { special, unknownId, encode } = tokenizer;
  const isSayable = (ids: readonly number[]) =>
    ids.length > 0 && ids.every((id) => !special.has(id) && id !== unknownId && id !== endId);
  /** Where a caption begins, and behind other words. */
  const spellings = (text: string) => [encode(text.trim()), encode(` ${text.trim()}`)].filter(isSayable);
  /** As the tokenizer writes it, which may know no capital letters or accents. */
  const wordsOf = (ids: readonly number[]) => wordsOfText(textOf(ids)).words;
  const idsFor = (field: string, text: string) => {
    const ids = spellings(text);
    const [first, within = first] = ids;
    if (first && within && wordsOf(first).length > 0) return { first, within };
    const word = text.split(/\s+/).find((one) => one !== '' && spellings(one).length === 0) ?? text.trim();
    const message = `the model does not know the word "${word}" and cannot say it`;
    throw new InvalidRequest([{ field, message }]);
  };
  const never = banned.flatMap((text) => idsNamed(text, tokenizer)).filter((id) => id !== endId);
  // What the tokenizer cannot spell the model may, in other pieces.
  const phrases = banned
    .map((text) => spellings(text).map(wordsOf)[0] ?? wordsOfText(text).words)
    .filter((words) => words.length > 0);
  const begin = prefix.trim() === '' ? null : idsFor('prefix', prefix);
  const wanted = required.map((phrase) => idsFor('requiredWords', phrase));
  const long = wanted.findIndex(
    ({ first, within }) => Math.max(first.length, within.length) > MAX_PHRASE_PIECES,
  );
  if (long >= 0) {
    const message = `"${required[long]}" has more than ${MAX_PHRASE_PIECES} pieces as the model writes it`;
    throw new InvalidRequest([{ field: 'requiredWords', message }]);
  }
  for (const said of begin ? [begin, ...wanted] : wanted) {
    const contradiction = phrases.find((phrase) => contains(wordsOf(said.first), phrase));
    if (contradiction) throw new InvalidRequest(`"${contradiction.join(' ')}" is both required and banned`);
  }
  return {
    never,
    wishes: {
      banned: phrases,
      prefixes: begin ? unlike(begin.first, begin.within) : [],
      required: wanted.map((ids) => ({
        words: wordsOf(ids.first),
        within: ids.within,
        first: unlike(ids.within, ids.first)[1] ?? [],
      })),
    },
  };
}

/** The special id that a text is the name of. */
function idsNamed(text: string, { special, bytes, unknownId }: Tokenizer): number[] {
  if (text === UNKNOWN_WORD && unknownId !== null) return [unknownId];
  return [...special].filter((id) => utf8Text(bytes(id)) === text);
}

function unlike(one: number[], other: number[]): number[][] {
  return one.join(' ') === other.join(' ') ? [one] : [one, other];
}

function contains(words: readonly string[], phrase: readonly string[]): boolean {
  return words.some((_, at) => phrase.every((word, i) => words[at + i] === word));
}

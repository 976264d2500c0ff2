/** A vocabulary whose ids are words, as im2txt's are. */
import { InvalidRequest } from '../../errors.ts';
import { constraintOf } from '../search/constraint.ts';
import type { Vocabulary, WantedWords, WordIds } from './vocabulary.ts';
import { UNKNOWN_WORD, type WordList } from './word-list.ts';

/** @param size softmax width; at least the number of words */
export function wholeWords(list: WordList, size: number): Vocabulary {
  return {
    startIds: [list.startId],
    endId: list.endId,
    size,
    text: (ids) => wordsOf(ids, list).join(' '),
    words: (ids) => wordsOf(ids, list).map((word) => ({ word, ids: 1 })),
    piece: (id) => ({ word: wordAt(id, list) }),
    plan: (wanted) => planWords(wanted, list, size),
    constraint(planned) {
      if ('wishes' in planned) throw new TypeError('planned for a vocabulary of pieces');
      const { banned, prefix, required } = planned;
      return { bannedIds: new Set(banned), constraint: constraintOf(prefix, required) };
    },
  };
}

function planWords({ banned, prefix, required }: WantedWords, list: WordList, size: number): WordIds {
  const bannedIds = idsOf(banned, list, size);
  const idsFor = (field: string, text: string) => {
    const { ids, unknown } = idsOfText(text, list);
    if (unknown === null) return ids;
    const message = `the model does not know the word "${unknown}" and cannot say it`;
    throw new InvalidRequest([{ field, message }]);
  };
  const begin = idsFor('prefix', prefix);
  const phrases = required.map((phrase) => idsFor('requiredWords', phrase));
  const contradiction = [begin, ...phrases].flat().find((id) => bannedIds.has(id));
  if (contradiction !== undefined) {
    throw new InvalidRequest(`"${wordAt(contradiction, list)}" is both required and banned`);
  }
  return { banned: [...bannedIds], prefix: begin, required: phrases };
}

/**
 * Words of a caption's ids: start and end stripped only where they stand. Ids past the list (im2txt networks have
 * more softmax outputs than words) are the unknown word.
 */
export function wordsOf(ids: readonly number[], list: WordList): string[] {
  const from = ids[0] === list.startId ? 1 : 0;
  const to = ids.length > from && ids[ids.length - 1] === list.endId ? ids.length - 1 : ids.length;
  return ids.slice(from, to).map((id) => wordAt(id, list));
}

/** The word of an id, the unknown word past the list. */
export function wordAt(id: number, list: WordList): string {
  return list.words[id] ?? UNKNOWN_WORD;
}

/** Ids of words, `size` being the softmax width; words that the list lacks have none. */
export function idsOf(words: readonly string[], list: WordList, size: number): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const word of words) {
    const id = list.words.indexOf(word);
    if (id >= 0) ids.add(id);
    if (word === UNKNOWN_WORD) for (let i = list.words.length; i < size; i++) ids.add(i);
  }
  return ids;
}

/**
 * Ids of the words of a text as the model writes them: lower case, separated by spaces.
 * @returns with the first word that the model cannot say, `null` where it can say all
 */
export function idsOfText(text: string, list: WordList): { ids: number[]; unknown: string | null } {
  const { startId, endId, unknownId } = list;
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const ids = words.map((word) => list.words.indexOf(word));
  const at = ids.findIndex((id) => id < 0 || id === startId || id === endId || id === unknownId);
  return { ids, unknown: words[at] ?? null };
}

import { InvalidRequest } from '../errors.ts';
import { type Constraint, constraintOf, idsOfText } from './constraint.ts';
import { GENDERED_WORDS } from './gendered-words.ts';
import type { CaptionOptions } from './options.ts';
import { idsOf, type Vocabulary, wordAt } from './vocabulary.ts';

/** Which words a caption may and must say, as ids of one vocabulary. */
export interface WordRules {
  bannedIds: ReadonlySet<number>;
  constraint: Constraint;
}

/**
 * @param vocabularySize softmax width
 * @throws InvalidRequest for a required word that the model cannot say, or that is banned as well
 */
export function wordRules(
  { bannedWords, genderNeutral, prefix = '', requiredWords = [] }: CaptionOptions,
  vocabulary: Vocabulary,
  vocabularySize: number,
): WordRules {
  const banned = genderNeutral === true ? [...bannedWords, ...GENDERED_WORDS] : bannedWords;
  const bannedIds = idsOf(banned, vocabulary, vocabularySize);
  const begin = idsOfText(prefix, vocabulary);
  const phrases = requiredWords.map((phrase) => idsOfText(phrase, vocabulary));
  const contradiction = [begin, ...phrases].flat().find((id) => bannedIds.has(id));
  if (contradiction !== undefined) {
    throw new InvalidRequest(`"${wordAt(contradiction, vocabulary)}" is both required and banned`);
  }
  return { bannedIds, constraint: constraintOf(begin, phrases) };
}

/** Do a word list and weights belong together? Public im2txt lists are not interchangeable: even start and end swap. */
import {
  END_WORD,
  parseVocabulary,
  type RepairedVocabulary,
  repairVocabulary,
  START_WORD,
  UNKNOWN_WORD,
  VocabularyError,
  type WordList,
} from '../../caption/vocabulary/word-list.ts';
import { SourceError } from '../../errors.ts';
import type { ShowAndTellWeights } from './weights.ts';

/**
 * A word list that fits the weights.
 * @param text the list, decompressed
 * @param repair mend what can be mended instead of refusing it
 * @throws SourceError `VocabularyMismatch`
 */
export function fitVocabulary(
  file: string,
  text: string,
  weights: ShowAndTellWeights,
  repair: boolean,
): RepairedVocabulary {
  const read = repair ? repaired(file, text) : asItStands(file, text);
  checkSize(file, read.vocabulary, weights);
  if (!startAndEndSwapped(read.vocabulary, weights)) return read;
  if (!repair) throw swapped(file, read.vocabulary, weights);
  const swappedBack = repaired(file, swapMarkers(read.text));
  const { startId, endId } = swappedBack.vocabulary;
  const mended = `${START_WORD} and ${END_WORD} swapped: they are ids ${startId} and ${endId} for these weights`;
  return { ...swappedBack, mended: [...read.mended, mended] };
}

function asItStands(file: string, text: string): RepairedVocabulary {
  try {
    return { vocabulary: parseVocabulary(text), text, mended: [] };
  } catch (cause) {
    throw mismatch(file, cause, 'Give the list that belongs to these weights, or add --repair-vocabulary.');
  }
}

function repaired(file: string, text: string): RepairedVocabulary {
  try {
    return repairVocabulary(text);
  } catch (cause) {
    throw mismatch(file, cause, 'This cannot be mended: give the list that belongs to these weights.');
  }
}

function mismatch(file: string, cause: unknown, remedy: string): unknown {
  if (!(cause instanceof VocabularyError)) return cause;
  const problem = { file, expected: 'a word list', actual: cause.message, remedy };
  return new SourceError('VocabularyMismatch', problem, { cause });
}

/** The unknown word needs a row too. A matrix may have more rows (12,000 in im2txt for 11,520 words), never fewer. */
function checkSize(file: string, { words }: WordList, { logitsBiases }: ShowAndTellWeights): void {
  if (words.length <= logitsBiases.length) return;
  throw new SourceError('VocabularyMismatch', {
    file,
    expected: `at most ${logitsBiases.length - 1} words and ${UNKNOWN_WORD}, as many as the softmax has outputs`,
    actual: `${words.length - 1} words and ${UNKNOWN_WORD}`,
    remedy: 'This list belongs to other weights.',
  });
}

/** No caption ever continues with the start word, so training pushes its bias far down; the end word ends every one. */
function startAndEndSwapped({ startId, endId }: WordList, { logitsBiases }: ShowAndTellWeights): boolean {
  return logitsBiases[startId]! > logitsBiases[endId]!;
}

function swapped(
  file: string,
  { startId, endId }: WordList,
  { logitsBiases }: ShowAndTellWeights,
): SourceError {
  const bias = (id: number) => logitsBiases[id]!.toFixed(2);
  return new SourceError('VocabularyMismatch', {
    file,
    expected: `${START_WORD} where these weights never go on (a low bias) and ${END_WORD} where they end`,
    actual: `bias ${bias(startId)} for ${START_WORD} (id ${startId}) and ${bias(endId)} for ${END_WORD} (id ${endId})`,
    remedy: 'The list belongs to weights with the two swapped: add --repair-vocabulary to swap them.',
  });
}

function swapMarkers(text: string): string {
  const other = new Map([
    [START_WORD, END_WORD],
    [END_WORD, START_WORD],
  ]);
  return text.replace(/^\S+/gm, (word) => other.get(word) ?? word);
}

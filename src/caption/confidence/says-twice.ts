import { isFunctionWord } from './function-words.ts';

const ARTICLES = new Set(['a', 'an', 'the']);
const JOINTS = new Set(['and', 'with', 'of']);
const MARKS = new Set(['.', ',']);

/**
 * Whether a caption repeats itself so that a reader laughs: "white and white", "a hat and a hat", "dog dog", and two
 * content words or three words in a row that come again ("a red shirt and a red shirt"). Two dogs apart are no fault.
 * `models/training/captioner/faults.py` counts the same.
 */
export function saysTwice(caption: readonly string[]): boolean {
  const words = caption.filter((word) => !MARKS.has(word)).map((word) => word.toLowerCase());
  const bare = words.filter((word) => !ARTICLES.has(word));
  const isContent = (word: string) => !isFunctionWord(word);
  return (
    words.some((word, i) => word === words[i + 1]) ||
    bare.some((word, i) => JOINTS.has(bare[i + 1] ?? '') && word === bare[i + 2]) ||
    comesAgain(runs(words, 2).filter((run) => run.every(isContent))) ||
    comesAgain(runs(words, 3).filter((run) => run.some(isContent)))
  );
}

function runs(words: readonly string[], length: number): string[][] {
  return Array.from({ length: Math.max(0, words.length - length + 1) }, (_, i) => words.slice(i, i + length));
}

function comesAgain(all: readonly string[][]): boolean {
  return new Set(all.map((run) => run.join(' '))).size < all.length;
}

/**
 * The word list of a bundle, in im2txt's `word_counts.txt` form: one `word count` line for each word, id = 0-based
 * line number. The unknown word is not in the file; its id is the number of lines.
 */

export const START_WORD = '<S>';
export const END_WORD = '</S>';
export const UNKNOWN_WORD = '<UNK>';

export interface WordList {
  /** Word of each id, the unknown word last. */
  words: readonly string[];
  startId: number;
  endId: number;
  unknownId: number;
}

export interface VocabularyProblem {
  /** 1-based; 0 when the list as a whole is meant. */
  line: number;
  reason: string;
}

/** A word list that cannot be trusted; says every line and reason. */
export class VocabularyError extends Error {
  override readonly name = 'VocabularyError';
  readonly problems: readonly VocabularyProblem[];

  constructor(problems: readonly VocabularyProblem[]) {
    const shown = problems.slice(0, 5).map(describe);
    const rest = problems.length - shown.length;
    super(shown.join('; ') + (rest > 0 ? `; and ${rest} more` : ''));
    this.problems = problems;
  }
}

function describe({ line, reason }: VocabularyProblem): string {
  return line > 0 ? `line ${line}: ${reason}` : reason;
}

/**
 * Reads a word list as it stands.
 * @param text the file's text, decompressed
 * @throws VocabularyError when a line is blank, damaged or a duplicate, or `<S>` or `</S>` is missing
 */
export function parseVocabulary(text: string): WordList {
  const problems: VocabularyProblem[] = [];
  const words: string[] = [];
  const seen = new Map<string, number>();
  linesOf(text).forEach((content, index) => {
    const line = index + 1;
    const problem = problemOf(content, seen);
    if (problem !== null) problems.push({ line, reason: problem });
    const word = wordOf(content);
    if (!seen.has(word)) seen.set(word, line);
    words.push(word);
  });
  problems.push(...missingMarkers(words));
  if (problems.length > 0) throw new VocabularyError(problems);
  return vocabularyOf(words);
}

export interface RepairedVocabulary {
  vocabulary: WordList;
  /** The list in its right form, for writing. */
  text: string;
  /** One sentence for each line mended; empty when the list was right. */
  mended: string[];
}

/**
 * Reads a damaged word list: unwraps `b'word'`, gives quoted words their apostrophe back, drops blank lines, puts a
 * count where it is missing, keeps duplicates as second ids under a mark that tells them apart.
 * @throws VocabularyError when what remains still is no word list, e.g. without `<S>`
 */
export function repairVocabulary(text: string): RepairedVocabulary {
  const mended: string[] = [];
  const lines: string[] = [];
  const seen = new Map<string, number>();
  linesOf(text).forEach((content, index) => {
    const line = index + 1;
    if (content.trim() === '') {
      mended.push(`line ${line}: blank line dropped, later ids move down by one`);
      return;
    }
    const [found = '', count = ''] = content.trim().split(/\s+/);
    const unwrapped = unwrapPython(found) ?? unquote(found, seen);
    let word = unwrapped ?? found;
    if (unwrapped !== null) mended.push(`line ${line}: ${found} is ${word}`);
    if (!isCount(count)) mended.push(`line ${line}: count of ${word} set to 1`);
    const first = seen.get(word);
    if (first !== undefined) {
      word = `${word}#${line}`;
      mended.push(`line ${line}: duplicate of line ${first}, kept as ${word}`);
    }
    seen.set(word, line);
    lines.push(`${word} ${isCount(count) ? count : '1'}`);
  });
  const repaired = lines.join('\n');
  return { vocabulary: parseVocabulary(repaired), text: repaired, mended };
}

function linesOf(text: string): string[] {
  // Neither a byte order mark nor a newline at the end is a line; im2txt itself writes no last newline.
  return text
    .replace(/^\uFEFF/, '')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
}

function wordOf(content: string): string {
  return content.trim().split(/\s+/)[0] ?? '';
}

function isCount(field: string | undefined): boolean {
  return field !== undefined && /^\d+$/.test(field);
}

/** What a Python 3 program wrote where it meant a word: `b'dog'`. */
function unwrapPython(word: string): string | null {
  const [, single, double] = /^b(?:'(.+)'|"(.+)")$/.exec(word) ?? [];
  return single ?? double ?? null;
}

/**
 * What a lost apostrophe leaves behind in lists that went through a Python 3 rewrite: the word in double quotes
 * without it. `""` stands for the closing quotation mark first, for a lone apostrophe the second time.
 */
const QUOTED = new Map([
  ['nt', "n't"],
  ['oclock', "o'clock"],
  ['doeuvres', "d'oeuvres"],
]);

function unquote(word: string, seen: ReadonlyMap<string, number>): string | null {
  const inner = /^"(.*)"$/.exec(word)?.[1];
  if (inner === undefined) return null;
  if (inner === '') return seen.has("''") ? "'" : "''";
  return QUOTED.get(inner) ?? `'${inner}`;
}

function problemOf(content: string, seen: ReadonlyMap<string, number>): string | null {
  const fields = content.trim().split(/\s+/);
  const word = fields[0] ?? '';
  if (word === '') return 'blank line';
  if (unwrapPython(word) !== null) return `${word} is a Python 3 bytes literal, not a word`;
  if (/^".*"$/.test(word))
    return `${word} is a word that lost its apostrophe (a Python 3 rewrite of the list)`;
  if (word.includes('\uFFFD')) return `${word} is not valid UTF-8`;
  if (word === UNKNOWN_WORD) return `${UNKNOWN_WORD} is appended after the last line, not listed`;
  if (fields.length !== 2 || !isCount(fields[1])) return `expected "word count", found "${content.trim()}"`;
  const first = seen.get(word);
  return first === undefined ? null : `duplicate of line ${first}: ${word}`;
}

function missingMarkers(words: readonly string[]): VocabularyProblem[] {
  return [START_WORD, END_WORD]
    .filter((marker) => !words.includes(marker))
    .map((marker) => ({ line: 0, reason: `no line for ${marker}` }));
}

function vocabularyOf(words: readonly string[]): WordList {
  return {
    words: [...words, UNKNOWN_WORD],
    startId: words.indexOf(START_WORD),
    endId: words.indexOf(END_WORD),
    unknownId: words.length,
  };
}

import { patterns } from './ptb-patterns.ts';

/** What the metrics compare: the tokens of a caption and of what people wrote about the same image. */
export interface TokenizedSample {
  readonly candidate: readonly string[];
  /** At least one. */
  readonly references: readonly (readonly string[])[];
}

/** What pycocoevalcap removes after tokenizing, in the spelling of the caption instead of the Penn Treebank's. */
const punctuation = /^(?:[.?!,:;'’‘‛`“”«»‹›"–—―…‐‑‒]|\.{3,}|''|-{1,4}|&quot;|&apos;|&nbsp;)$/;

const treebankSpelling: ReadonlyMap<string, string> = new Map([
  // pycocoevalcap means to remove round and curly brackets, but looks for "-LRB-" after lower-casing, so they stay.
  ['(', '-lrb-'],
  [')', '-rrb-'],
  ['[', '-lsb-'],
  [']', '-rsb-'],
  ['{', '-lcb-'],
  ['}', '-rcb-'],
  ['£', '#'],
  ['€', '$'],
  ['¢', 'cents'],
  ['½', '1/2'],
  ['¼', '1/4'],
  ['¾', '3/4'],
  ['⅓', '1/3'],
  ['⅔', '2/3'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
]);
const typographicClitic = /^(?:n[’‘]t|’(?:s|d|m|ll|re|ve))$/;
const emoticon = /^[<>]?[:;=][-o*']?[()]$/;

/** Most words: nothing but letters up to a space. Trying this first makes the whole twice as fast. */
const plainWord = /(?!(?:cannot|gonna|gotta|wanna|lemme|gimme)\b)[a-z]+(?=\s|$)/iy;

/**
 * Lower-case tokens of one caption, as pycocoevalcap's PTBTokenizer gives them (Stanford PTB tokenizer 3.4.1, then
 * punctuation removed): "The dog's t-shirt isn't red." is `the dog 's t-shirt is n't red`. May be empty.
 *
 * Known differences, none of which occurs in the 35,000 captions of Flickr8k's training and validation parts: phone
 * numbers with brackets, numeric HTML entities, HTML comments, mixed fractions and tags with attributes (one token
 * with a no-break space there, several here), an abbreviation glued to another word by a hyphen, letters outside the
 * basic multilingual plane.
 */
export function tokenize(caption: string): string[] {
  const text = caption.replaceAll('\u00ad', ''); // soft hyphens do not end a word
  const tokens: string[] = [];
  let at = 0;
  while (at < text.length) {
    const token = plainWordAt(text, at) ?? longestTokenAt(text, at);
    if (token && !punctuation.test(token)) tokens.push(...spell(token.toLowerCase()));
    at += token.length || 1;
  }
  return tokens;
}

function plainWordAt(text: string, at: number): string | undefined {
  plainWord.lastIndex = at;
  return plainWord.exec(text)?.[0];
}

/** Empty where no pattern matches: white space, emoji. */
function longestTokenAt(text: string, at: number): string {
  let token = '';
  let longest = 0;
  for (const pattern of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (!match || match[0].length <= longest) continue;
    longest = match[0].length;
    token = match[1] ?? match[0];
  }
  return token;
}

function spell(token: string): string[] {
  if (typographicClitic.test(token)) return [token.replace('’', "'").replace('‘', '`')];
  if (emoticon.test(token)) return [token.replace('(', '-lrb-').replace(')', '-rrb-')];
  return (treebankSpelling.get(token) ?? token).split(/\s+/);
}

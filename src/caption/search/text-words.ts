/**
 * Words of a text, so that a constraint finds them however a tokenizer spells them: runs of letters and digits, and every
 * other sign alone. "The man's hat." has the words the, man, ', s, hat and full stop.
 */

const WORDS = /[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu;
const BEGINS_IN_WORD = /^[\p{L}\p{M}\p{N}]/u;
const ENDS_IN_WORD = /[\p{L}\p{M}\p{N}]$/u;

export interface TextWords {
  /** In lower case. */
  words: readonly string[];
  /** Whether the first may be the rest of a word before, and the last the beginning of one. */
  joinsBefore: boolean;
  joinsAfter: boolean;
}

export function wordsOfText(text: string): TextWords {
  const words = text.match(WORDS) ?? [];
  return {
    words: words.map(folded),
    joinsBefore: BEGINS_IN_WORD.test(text),
    joinsAfter: ENDS_IN_WORD.test(text),
  };
}

/** Letter by letter, so that it does not depend on where a word is cut: a sigma at the end of a word has a form of its own. */
function folded(word: string): string {
  return /^[\x20-\x7e]*$/.test(word) ? word.toLowerCase() : [...word].map((c) => c.toLowerCase()).join('');
}

/** Text of UTF-8 that is written with a character for each byte; what is none becomes replacement characters. */
export function utf8Text(bytes: string): string {
  if (/^[\x20-\x7e]*$/.test(bytes)) return bytes;
  return UTF8.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The same, and what a last letter that is not whole yet has so far. */
export function utf8Beginning(bytes: string): { text: string; rest: string } {
  const cut = bytes.length - unfinished(bytes);
  return { text: utf8Text(bytes.slice(0, cut)), rest: bytes.slice(cut) };
}

/** Bytes at the end that begin a letter of more bytes. */
function unfinished(bytes: string): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes.charCodeAt(bytes.length - back);
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < needed && byte < 0xf5 ? back : 0;
  }
  return 0;
}

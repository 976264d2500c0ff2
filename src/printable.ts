/**
 * What others wrote, as names of files, words of vocabularies and messages, where a terminal would act upon it or a log would take
 * it for lines: control characters, DEL and C1 among them, line ends of Unicode, marks that turn the direction of what follows, and
 * surrogates that stand alone. Files that are written as data keep them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu;

/** In one line, as JSON escapes: `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeOf);
}

/** In the lines that it has. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON in one line with the same value, whatever is in it. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

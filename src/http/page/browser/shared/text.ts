/** Numbers as people read them. */

/** The lowest probabilities of the levels of the legend, from 0 on; the rest is the last level. */
const LEVELS = [0.8, 0.5, 0.2, 0.05];

/** @param p 0 to 1 */
export function percent(p: number): string {
  if (p >= 0.995) return '100%';
  if (p >= 0.01) return `${Math.round(p * 100)}%`;
  return p >= 0.001 ? `${(p * 100).toFixed(1)}%` : '<0.1%';
}

export function probability(p: number): string {
  return p >= 1e-6 ? p.toFixed(6) : p.toExponential(1);
}

export function milliseconds(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toString();
}

export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${Number((bytes / 1e6).toFixed(1))} MB`;
}

/** With the sign that is as wide as a digit. */
export function minus(number: number): string {
  return number.toFixed(2).replace('-', '−');
}

/** The network says punctuation as words of their own. */
export function isStop(word: string): boolean {
  return /^[.,;:!?]$/.test(word);
}

/** Words in which no line ends before a stop. */
export function unbroken(words: string): string {
  return words.replace(/ (?=[.,;:!?]( |$))/g, '\u00a0');
}

/** How unsure a word is: 0 to 4, as in the legend. */
export function levelOf(p: number): number {
  return LEVELS.filter((least) => p < least).length;
}

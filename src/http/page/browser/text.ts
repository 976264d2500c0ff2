/** Numbers and captions as people read them. */

/** What screen readers are commonly said to read in one go. */
const ALT_TEXT_LENGTH = 125;
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

/** How unsure a word is: 0 to 4, as in the legend. */
export function levelOf(p: number): number {
  return LEVELS.filter((least) => p < least).length;
}

/** As `src/alt/alt-text.ts` has them. */
const ANNOUNCEMENT =
  /^((this|there|it) is )?(an?|the) (black and white |\w+ )?(image|picture|photo|photograph) (of|showing) /;
const CLOSE_UP = /\bclose[ -]?up( (image|picture|photo|photograph|shot|view))?(?= of )/g;
const WRONG_ARTICLE = /\ba(?= (?!(uni(?![dmn])|us[aeiu]|ut[ei]|ur[ai]|uk|u\b|eu|ewe|on[ce]))[aeiou])/g;

/** A caption as people write alternative texts: a sentence, no space before its stop, no "image of", not too long. */
export function altText(caption: string): string {
  const sentence = caption
    .replace(/ (?=[.,;:!?)]|'|n't\b)/g, '')
    .replace(CLOSE_UP, 'close-up')
    .replace(ANNOUNCEMENT, '')
    .replace(WRONG_ARTICLE, 'an')
    .replace(/^./u, (first) => first.toUpperCase());
  if (sentence.length <= ALT_TEXT_LENGTH) return sentence;
  return `${sentence.slice(0, ALT_TEXT_LENGTH).replace(/[\s,;:]*\s\S*$/, '')}…`;
}

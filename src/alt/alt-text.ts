/** A caption as people write alternative text. */

/** Screen readers read longer texts in pieces; W3C's and most publishers' advice stays near it. */
export const MAX_ALT_TEXT_LENGTH = 125;

/** A screen reader says "image" itself. */
const ANNOUNCEMENT =
  /^(?:(?:this|there|it) is )?(?:an?|the) (?:black and white |\w+ )?(?:image|picture|photo|photograph) (?:of|showing) /i;
/** As models begin that write whole sentences. */
const SENTENCE_ABOUT_IMAGE =
  /^(?:(?:this|the) (?:image|picture|photo|photograph) (?:shows|depicts|features)|in (?:this|the) (?:image|picture|photo|photograph),? we can see) /i;
/** The noun, which captions write like the adverb; how near something is tells more than "image" does. */
const CLOSE_UP = /\bclose[ -]?up(?: (?:image|picture|photo|photograph|shot|view))?(?= of )/gi;
/** "a" before a vowel that is spoken as one, so not in "a uniform", "a used car", "a european city", "a one way sign". */
const WRONG_ARTICLE = /\b([aA])(?= (?!(?:uni(?![dmn])|us[aeiu]|ut[ei]|ur[ai]|uk|u\b|eu|ewe|on[ce]))[aeiou])/g;
/** Written without a blank before it. */
const CLINGS = /^(?:[.,;:!?'’]|n't\b)/;
const STOPS = '.,;:';
/** Words that promise another word, so no text ends in them. */
const PROMISES = new Set(
  'a an the of in on at to by with and or is are from for near next its his her their while as very'.split(
    ' ',
  ),
);

/**
 * `a dog runs on the grass .` becomes `A dog runs on the grass.`: a capital letter, no blank before a stop, at most
 * 125 characters (cut after a whole word), no "image of", a "close-up of", "an" before a vowel.
 * @param text of a caption, whether there are blanks before its stops or none
 */
export function altText(text: string): string {
  const words = text
    .replace(CLOSE_UP, 'close-up')
    .replace(SENTENCE_ABOUT_IMAGE, '')
    .replace(ANNOUNCEMENT, '')
    .replace(WRONG_ARTICLE, '$1n')
    .trim()
    .split(/\s+/);
  const sentence = withoutStops(words.map((word) => (CLINGS.test(word) ? word : ` ${word}`)).join(''));
  const cut = shortened(sentence, MAX_ALT_TEXT_LENGTH - 1);
  if (cut === '') return '';
  const stop = /[!?]$/.test(cut) ? '' : '.';
  return `${cut[0]!.toUpperCase()}${cut.slice(1)}${stop}`;
}

function withoutStops(sentence: string): string {
  let end = sentence.length;
  while (end > 0 && STOPS.includes(sentence[end - 1]!)) end--;
  return sentence.slice(0, end).trim();
}

/** The longest beginning that ends after a word and promises nothing more. */
function shortened(sentence: string, length: number): string {
  if (sentence.length <= length) return sentence;
  const words = sentence
    .slice(0, length + 1)
    .split(' ')
    .slice(0, -1);
  while (words.length > 0 && PROMISES.has(words.at(-1)!)) words.pop();
  return words.join(' ').replace(/[,;:]$/, '') || sentence.slice(0, length);
}

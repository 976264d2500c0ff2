// The lexical rules of Stanford's PTB tokenizer 3.4.1 as far as captions need them, found by asking the tokenizer
// about made-up captions and comparing; its source (GPL) was not used. Oddities are its own, and kept on purpose.
import { abbreviations } from './abbreviations.ts';

const letter = String.raw`[\p{L}\p{M}]`;
const alnum = String.raw`[\p{L}\p{M}\p{Nd}]`;
const apostrophe = "['’]";
/** A typographic one cuts even inside a word ("’sad" is "'s ad"), a typewriter one only at the end of a word. */
const clitic = `(?:'(?:s|d|m|ll|re|ve)(?!${letter})|’(?:s|d|m|ll|re|ve))`;
const notClitic = "n['’‘`]t";
const acronym = String.raw`${letter}(?:\.${letter})+(?!${alnum})\.?`;
const hyphen = '[-_‐‑]';
const elision = `(?:[DLOdlo]${apostrophe}${letter})?`;
const slashPart = '[A-Za-z0-9]+(?:-[A-Za-z]+)*';
const tagName = '[A-Za-z][A-Za-z0-9_:.-]*';
const tagAttribute = String.raw`\s+${tagName}(?:\s*=\s*(?:"[^"]*"|'[^']*'))?`;

type PatternSource = readonly [source: string, flags?: 'i'];

const wordsWithClitics: PatternSource[] = [
  [`(${letter}+)${notClitic}`, 'i'],
  [`${notClitic}(?!${letter})`, 'i'],
  [`(${alnum}+)${clitic}`, 'i'],
  [clitic, 'i'],
];

/** can|not, gon|na, 't|is, y'|all */
const wordsCutInTwo: PatternSource[] = [
  [`(can(?=not)|(?:gon|wan)(?=na)|got(?=ta)|(?:lem|gim)(?=me))(?:not|na|ta|me)(?!${alnum}|${clitic})`, 'i'],
  ["('t)(?:is|was)", 'i'],
  [`(y${apostrophe})(?!d|m|s|ll|re|ve)${letter}`, 'i'],
];

/** 'em, rock 'n' roll, '90s, '57, ol', j'ai, o'clock, O'Hara, ma'am, s'mores */
const wordsWithApostrophe: PatternSource[] = [
  [`${apostrophe}(?:em|till?|cause|n${apostrophe}|n(?!${alnum}))`, 'i'],
  [String.raw`${apostrophe}(?:[2-9]0s|\d\d(?=\s|$))`],
  ["ol'|[djl]'", 'i'],
  [`[A-HJ-XZdlno]${apostrophe}${letter}{2,}`],
  [`${letter}+[aeiouyAEIOUY]${apostrophe}[aeiouA-Z]${letter}*`],
  ["e'er|s'mores|c'mon", 'i'],
];

/** mr., no. 5, plan b|. Then, j. smith, u.s., and words where a space was forgotten: dog.The, yes?no */
const wordsWithStop: PatternSource[] = [
  [String.raw`(?:ph\.d|${abbreviations.anyCase})\.`, 'i'],
  [String.raw`(?:${abbreviations.capitalised})\.`],
  [String.raw`((?:${abbreviations.beforeNumber})\.)\s*\d`, 'i'],
  [String.raw`([A-Za-z])\.\s+(?:${abbreviations.sentenceStarters})(?=\s|$)`],
  [String.raw`${letter}\.`],
  [acronym],
  [String.raw`((?:${letter}${alnum}*(?:[.&]${alnum}+)*|${alnum}+(?:-${alnum}+)*)\.)[,;:]`],
  [`${letter}${alnum}*(?:[.?!]${letter}${alnum}*)+`],
];

/** dog, t-shirt, 20-year-old, u.s.-based, red,white-blue, non-u.s., and/or, 9/11, 2-1/2, 1,000, 5:30, -5, R&B, US$ */
const words: PatternSource[] = [
  [`${alnum}+`],
  [`${elision}${alnum}(?:${alnum}|[.,])*(?:${hyphen}${elision}${alnum}+)+`],
  [`${alnum}+(?:${hyphen}${alnum}+)*${hyphen}${acronym}`],
  [`${slashPart}(?:/${slashPart}){1,2}`],
  [String.raw`\d+-\d+/\d+`],
  [String.raw`[-+]?(?:\d*(?:[.,:]\d+)+|\d+)`],
  ['[A-Z]+(?:&[A-Z]+)+'],
  [String.raw`[A-Z]{1,2}\$`],
];

/** <UNK>, &amp;, addresses, C#, @name, #tag, :-) */
const web: PatternSource[] = [
  [String.raw`</?${tagName}(?:${tagAttribute})*\s*/?>`],
  ['&(?:amp|lt|gt|quot|apos|nbsp);', 'i'],
  [String.raw`https?://[^\s"'<>()]*[^\s"'<>().,;:!?]`, 'i'],
  // 64 characters, as RFC 5321 allows in front of the @, so that a long line without spaces is not read again and again.
  [String.raw`[A-Za-z0-9][^\s"<>|(){}]{0,63}@[^\s"<>|(){}.]+(?:\.[^\s"<>|(){}.]+)*`],
  [String.raw`[CF]#|C\+\+`, 'i'],
  ['@[A-Za-z_][A-Za-z0-9_]*'],
  [`#${letter}${alnum}*`],
  [String.raw`[<>]?[:;=][-o*']?[()DPdpO\\{@|[\]](?![A-Za-z0-9])`],
];

/** Runs that stay together, then any other sign by itself. What matches nothing (emoji) is dropped. */
const signs: PatternSource[] = [
  [String.raw`[!?]+|#+|\.{3,}|\*+|_+|@+|<<|>>|''|-+`],
  [String.raw`(?=[\0-\u27bf])[\p{P}\p{S}\p{No}]`],
];

const sources = [
  ...wordsWithClitics,
  ...wordsCutInTwo,
  ...wordsWithApostrophe,
  ...wordsWithStop,
  ...words,
  ...web,
  ...signs,
];

/**
 * Sticky patterns of one token each. The token is the first capturing group, or the whole match where there is none.
 * The longest match wins, counting what was matched behind the group; of equals, the earlier pattern.
 */
export const patterns: readonly RegExp[] = sources.map(
  ([source, flags = '']) => new RegExp(source, `uy${flags}`),
);

/** The decoding options that several commands share. */
import type { Command } from 'commander';
import type { CaptionOptionsInput } from '../../caption/options.ts';
import { parseCaptionOptions } from '../../caption/options.ts';
import { wordRules } from '../../caption/word-rules.ts';
import { InvalidRequest } from '../../errors.ts';
import type { Bundle } from '../../model/bundle.ts';

/** Flag of each core option, for messages. */
const FLAGS: Record<string, string> = {
  beamWidth: '--beam',
  maxLength: '--max-length',
  minLength: '--min-length',
  lengthNormalization: '--length-normalization',
  bannedWords: '--ban',
  requiredWords: '--require',
  prefix: '--prefix',
  genderNeutral: '--gender-neutral',
  minConfidence: '--min-confidence',
  captions: '--top',
};

export interface DecodingFlags {
  beam?: number;
  maxLength?: number;
  minLength?: number;
  lengthNormalization?: number;
  ban?: string[];
  require?: string[];
  prefix?: string;
  genderNeutral?: boolean;
  minConfidence?: number;
  top?: number;
}

export function addDecodingFlags(command: Command): Command {
  return command
    .option('--beam <n>', 'hypotheses kept alive, 1 to 10 (default: the model’s, mostly 3)', numberOf)
    .option(
      '--max-length <n>',
      'longest caption in words, start and end counted (default: the model’s)',
      Number,
    )
    .option('--min-length <n>', 'shortest caption in words, start and end not counted', numberOf)
    .option(
      '--length-normalization <x>',
      'rank by log-probability / length^x; 0 ranks by probability',
      Number,
    )
    .option('--ban <word>', 'a word that no caption may contain (repeatable)', collect)
    .option('--require <phrase>', 'a word or phrase that every caption must contain (repeatable)', collect)
    .option('--prefix <text>', 'words that every caption begins with')
    .option('--gender-neutral', 'search without words that name a gender: person, not man')
    .option(
      '--min-confidence <x>',
      'below this, 0 to 1, a result needs review (default: the model’s)',
      numberOf,
    )
    .option('--top <n>', 'captions to print for each image, at most --beam', numberOf);
}

/** A flag's number; NaN, which every bound refuses, for anything else (`Number('')` would be 0). */
export function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function collect(word: string, words: string[] = []): string[] {
  return [...words, word];
}

/**
 * The core's options from flags, checked against what the model can say.
 * @throws InvalidRequest in the flags' names
 */
export function decodingOptions(
  flags: DecodingFlags,
  { manifest, vocabulary }: Pick<Bundle, 'manifest' | 'vocabulary'>,
): CaptionOptionsInput {
  const given: Record<string, unknown> = {
    beamWidth: flags.beam,
    maxLength: flags.maxLength,
    minLength: flags.minLength,
    lengthNormalization: flags.lengthNormalization,
    bannedWords: flags.ban,
    requiredWords: flags.require,
    prefix: flags.prefix,
    genderNeutral: flags.genderNeutral,
    minConfidence: flags.minConfidence,
    captions: flags.top,
  };
  const input = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  try {
    wordRules(parseCaptionOptions(input, manifest.decoding), vocabulary, manifest.vocabulary.logits);
    if (flags.minConfidence !== undefined && manifest.confidence === undefined) {
      throw new InvalidRequest('minConfidence: this model was not calibrated; `evaluate --save` does it');
    }
  } catch (error) {
    throw error instanceof InvalidRequest ? new InvalidRequest(inFlags(error.message)) : error;
  }
  return input;
}

/** Option names are in camel case; `captions` is also a plain word and means the option only before a colon. */
function inFlags(message: string): string {
  return message.replace(
    /\b[a-z]+[A-Z][a-zA-Z]*\b|\b(?:captions|prefix)(?=:)/g,
    (word) => FLAGS[word] ?? word,
  );
}

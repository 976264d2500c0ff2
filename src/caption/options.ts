import * as z from 'zod';
import { InvalidRequest, problemsIn } from '../errors.ts';
import { MAX_PHRASE_WORDS, MAX_REQUIRED_PHRASES } from './search/constraint.ts';

/** Ten live captions already cost three times the decoder work of the tutorial's three and gain nothing measurable. */
export const MAX_BEAM_WIDTH = 10;
/** A paragraph of Florence-2 has some hundred pieces of words, captions of COCO 60 words at most; bounds the decoder runs of one request. */
export const MAX_CAPTION_LENGTH = 128;
/** Each banned word costs one more candidate a step; this keeps the candidate list far below a vocabulary. */
const MAX_BANNED_WORDS = 200;
/** Longer runs come twice in no caption that people write. */
export const MAX_NGRAM = 10;
/** At 5 a caption of twice the length is worth 32 times as much. */
export const MAX_LENGTH_NORMALIZATION = 5;
/** Words with blanks between them: a pattern, since the OpenAPI document can say that. */
export const PHRASE = new RegExp(`^\\s*\\S+(?:\\s+\\S+){0,${MAX_PHRASE_WORDS - 1}}\\s*$`);

/** What every edge says of an option; names of other options stand in braces. */
interface OptionText {
  /** Flag of the command line, with what follows it. */
  flag: string;
  /** What it does, without its bounds, which the schema has. */
  text: string;
  /** What holds where it is left out. */
  otherwise: string;
}

/** The one table of options: flags, help and the OpenAPI document are made of it and of the schemas. */
const optionTexts = z.registry<OptionText>();
const MODELS_OWN = 'the model’s';

/**
 * How captions are searched for. Lengths count words as im2txt counts them, or pieces of words where a model says these:
 * `maxLength` includes `<S>` and `</S>`, `minLength` counts neither.
 */
export const captionOptionsSchema = z
  .strictObject({
    beamWidth: z.int().min(1).max(MAX_BEAM_WIDTH).default(3).register(optionTexts, {
      flag: '--beam <n>',
      text: 'hypotheses that the search keeps alive',
      otherwise: MODELS_OWN,
    }),
    maxLength: z.int().min(1).max(MAX_CAPTION_LENGTH).default(20).register(optionTexts, {
      flag: '--max-length <n>',
      text: 'longest caption in words (pieces, in models of pieces), start and end counted',
      otherwise: MODELS_OWN,
    }),
    /** `</S>` is no candidate before. */
    minLength: z.int().min(0).max(MAX_CAPTION_LENGTH).default(0).register(optionTexts, {
      flag: '--min-length <n>',
      text: 'shortest caption in words (pieces, in models of pieces), start and end not counted',
      otherwise: MODELS_OWN,
    }),
    lengthNormalization: z.number().min(0).max(MAX_LENGTH_NORMALIZATION).default(0).register(optionTexts, {
      flag: '--length-normalization <x>',
      text: 'complete captions are ranked by log-probability / length^this; 0 ranks by probability',
      otherwise: MODELS_OWN,
    }),
    /** A word that the vocabulary lacks is never produced anyway. */
    bannedWords: z.array(z.string().min(1).max(100)).max(MAX_BANNED_WORDS).default([]).register(optionTexts, {
      flag: '--ban <word>',
      text: 'words that no caption may contain, beside those that the model bans',
      otherwise: 'none',
    }),
    /** Words of a phrase are separated by spaces. */
    requiredWords: z
      .array(z.string().max(200).regex(PHRASE, `a phrase has one to ${MAX_PHRASE_WORDS} words`))
      .max(MAX_REQUIRED_PHRASES)
      .optional()
      .register(optionTexts, {
        flag: '--require <phrase>',
        text: 'words or phrases that every caption must contain',
        otherwise: 'none',
      }),
    /** Words are separated by spaces. */
    prefix: z.string().max(1000).optional().register(optionTexts, {
      flag: '--prefix <text>',
      text: 'words that every caption begins with',
      otherwise: 'none',
    }),
    genderNeutral: z.boolean().optional().register(optionTexts, {
      flag: '--gender-neutral',
      text: 'keep to words that do not name a gender: person, not man',
      otherwise: MODELS_OWN,
    }),
    avoidRepeats: z.boolean().optional().register(optionTexts, {
      flag: '--avoid-repeats',
      text: 'captions that say a thing twice ("a hat and a hat") come after all others that were found',
      otherwise: MODELS_OWN,
    }),
    noRepeatNgram: z.int().min(0).max(MAX_NGRAM).optional().register(optionTexts, {
      flag: '--unique-ngrams <n>',
      text: 'no run of so many words comes twice in a caption (n-grams; pieces of words in models that have those); 0 allows all',
      otherwise: MODELS_OWN,
    }),
    minConfidence: z.number().min(0).max(1).optional().register(optionTexts, {
      flag: '--min-confidence <x>',
      text: 'a result whose confidence is below this needs review',
      otherwise: MODELS_OWN,
    }),
    count: z.int().min(1).max(MAX_BEAM_WIDTH).optional().register(optionTexts, {
      flag: '--top <n>',
      text: 'captions for each image, at most {beamWidth}',
      otherwise: 'all that the search found',
    }),
  })
  .refine((o) => o.count === undefined || o.count <= o.beamWidth, {
    path: ['count'],
    message: 'more captions than the beam keeps: raise {beamWidth} as well',
  })
  .refine((o) => o.minLength <= Math.max(0, o.maxLength - 2), {
    path: ['minLength'],
    message: 'leaves no room: {maxLength} counts <S> and </S>, so this can be at most {maxLength} - 2',
  })
  .refine((o) => wordsIn(o.prefix) <= Math.max(0, o.maxLength - 2), {
    path: ['prefix'],
    message:
      'leaves no room: {maxLength} counts <S> and </S>, so this can have at most {maxLength} - 2 words',
  });

/** What may be asked for beside captions; part of `CaptionCall`, since it changes no caption. */
const extrasShape = {
  trace: z.boolean().register(optionTexts, {
    flag: '--trace',
    text: 'also tell every word that the search looked at',
    otherwise: 'no',
  }),
  explain: z.boolean().register(optionTexts, {
    flag: '--explain',
    text: 'also tell which part of the image each word of the best caption came from',
    otherwise: 'no',
  }),
};

const askedShape = { ...captionOptionsSchema.shape, ...extrasShape };
export type OptionName = keyof typeof askedShape;

/** One row of the table. */
export interface OptionRow extends OptionText {
  name: OptionName;
  /** Without default: what a value must be where one is given. */
  schema: z.ZodType;
  kind: 'number' | 'boolean' | 'string' | 'array';
  /** Least and most, of numbers. */
  bounds: readonly [number, number] | null;
}

/** All options, in the order in which help lists them. */
export const OPTIONS: readonly OptionRow[] = Object.entries(askedShape).map(([name, outer]) => {
  const schema = innermost(outer);
  return {
    name: name as OptionName,
    ...optionTexts.get(outer)!,
    schema,
    kind: schema.def.type as OptionRow['kind'],
    bounds: schema instanceof z.ZodNumber ? [schema.minValue!, schema.maxValue!] : null,
  };
});

function innermost(schema: z.ZodType): z.ZodType {
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return isWrapped ? innermost(schema.unwrap() as z.ZodType) : schema;
}

/** `beamWidth` → `--beam`, also of an item in it (`bannedWords.1`); what is no option stays as it is. */
export function flagOf(field: string): string {
  const [option] = field.split('.', 1);
  return OPTIONS.find(({ name }) => name === option)?.flag.split(' ', 1)[0] ?? field;
}

function wordsIn(text = ''): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

export type CaptionOptions = z.output<typeof captionOptionsSchema>;
export type CaptionOptionsInput = z.input<typeof captionOptionsSchema>;

/**
 * Fills in defaults and checks bounds. `defaults` are a bundle's own decoding defaults; banned words of both count,
 * and a default minimum length gives way to a shorter maximum.
 * @throws InvalidRequest naming every option that is out of bounds
 */
export function parseCaptionOptions(
  input: CaptionOptionsInput = {},
  defaults: CaptionOptionsInput = {},
): CaptionOptions {
  const parsed = captionOptionsSchema.safeParse(merge(input, defaults));
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(problemsIn(parsed.error));
}

function merge(input: CaptionOptionsInput, defaults: CaptionOptionsInput): CaptionOptionsInput {
  const merged = { ...defaults, ...input };
  if (Array.isArray(input.bannedWords) && defaults.bannedWords !== undefined) {
    merged.bannedWords = [...new Set([...defaults.bannedWords, ...input.bannedWords])];
  }
  if (input.minLength === undefined && defaults.minLength !== undefined && merged.maxLength !== undefined) {
    merged.minLength = Math.max(0, Math.min(defaults.minLength, merged.maxLength - 2));
  }
  return merged;
}

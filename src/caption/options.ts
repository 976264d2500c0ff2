import * as z from 'zod';
import { InvalidRequest, problemsIn } from '../errors.ts';
import { MAX_PHRASE_WORDS, MAX_REQUIRED_PHRASES } from './constraint.ts';

/** Ten live captions already cost three times the decoder work of the tutorial's three and gain nothing measurable. */
export const MAX_BEAM_WIDTH = 10;
/** Longer than any caption of COCO or Flickr8k; bounds the decoder runs of one request. */
export const MAX_CAPTION_LENGTH = 60;
/** Each banned word costs one more candidate a step; this keeps the candidate list far below a vocabulary. */
const MAX_BANNED_WORDS = 200;

/**
 * How captions are searched for. Lengths count words as im2txt counts them: `maxLength` includes `<S>` and `</S>`,
 * `minLength` counts neither.
 */
export const captionOptionsSchema = z
  .strictObject({
    /** Hypotheses kept alive, 1 to 10. */
    beamWidth: z.int().min(1).max(MAX_BEAM_WIDTH).default(3),
    /** Longest caption in words, `<S>` and `</S>` included. */
    maxLength: z.int().min(1).max(MAX_CAPTION_LENGTH).default(20),
    /** Shortest caption in words, `<S>` and `</S>` not counted; `</S>` is no candidate before. */
    minLength: z.int().min(0).max(MAX_CAPTION_LENGTH).default(0),
    /** Complete captions are ranked by log-probability / length^this; 0 ranks by log-probability. */
    lengthNormalization: z.number().min(0).max(5).default(0),
    /** Words that no caption may contain; a word that the vocabulary lacks is never produced anyway. */
    bannedWords: z.array(z.string().min(1).max(100)).max(MAX_BANNED_WORDS).default([]),
    /** Words or phrases that every caption must contain, words separated by spaces. */
    requiredWords: z
      .array(
        z
          .string()
          .max(200)
          .refine((phrase) => wordsIn(phrase) >= 1 && wordsIn(phrase) <= MAX_PHRASE_WORDS, {
            message: `a phrase has one to ${MAX_PHRASE_WORDS} words`,
          }),
      )
      .max(MAX_REQUIRED_PHRASES)
      .optional(),
    /** Words that every caption begins with, separated by spaces. */
    prefix: z.string().max(1000).optional(),
    /** True keeps to words that do not name a gender: `person`, not `man`. */
    genderNeutral: z.boolean().optional(),
    /** A result whose confidence is below this needs a person; the model says which where left out. */
    minConfidence: z.number().min(0).max(1).optional(),
    /** Captions returned, at most `beamWidth`; all that the beam found where left out. */
    captions: z.int().min(1).max(MAX_BEAM_WIDTH).optional(),
  })
  .refine((o) => o.captions === undefined || o.captions <= o.beamWidth, {
    path: ['captions'],
    message: 'more captions than the beam keeps: raise beamWidth as well',
  })
  .refine((o) => o.minLength <= Math.max(0, o.maxLength - 2), {
    path: ['minLength'],
    message: 'leaves no room: maxLength counts <S> and </S>, so minLength can be at most maxLength - 2',
  })
  .refine((o) => wordsIn(o.prefix) <= Math.max(0, o.maxLength - 2), {
    path: ['prefix'],
    message: 'leaves no room: maxLength counts <S> and </S>, so prefix can have at most maxLength - 2 words',
  });

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
  throw new InvalidRequest(problemsIn(parsed.error, 'options'));
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

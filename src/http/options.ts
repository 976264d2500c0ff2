/** The core's options as JSON and as a query say them; names and bounds are the core's own. */
import { z } from '@hono/zod-openapi';
import type { CaptionCall } from '../caption/captioner.ts';
import { type CaptionOptionsInput, captionOptionsSchema } from '../caption/options.ts';

/** What a request may ask for beside captions. */
type Extras = Pick<CaptionCall, 'trace' | 'explain'>;

/** Options as a request gives them, each within its bounds; what is left out is the model's to say. */
export type GivenOptions = CaptionOptionsInput & Extras;

const NUMERAL = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
const FLAGS = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

/** By the kind of value wanted. Text of another kind stays, and fails as what it is (`Number('')` would be 0). */
const READ_TEXT: Partial<Record<string, (text: string) => unknown>> = {
  number: (text) => (NUMERAL.test(text) ? Number(text) : text),
  boolean: (text) => FLAGS.get(text) ?? text,
  array: (text) => text.split(','),
};

const DESCRIPTIONS: Record<keyof GivenOptions, string> = {
  beamWidth: 'Hypotheses that the search keeps alive. Default: the model’s.',
  maxLength: 'Longest caption in words, start and end word counted. Default: the model’s.',
  minLength: 'Shortest caption in words, start and end word not counted. Default: the model’s.',
  lengthNormalization:
    'Complete captions are ranked by log-probability / length^this; 0 ranks by probability. Default: the model’s.',
  bannedWords: 'Words that no caption may contain, beside those that the model bans.',
  requiredWords: 'Words or phrases that every caption must contain.',
  prefix: 'Words that every caption begins with, blanks between them.',
  genderNeutral: 'Whether to keep to words that do not name a gender: person, not man. Default: the model’s.',
  minConfidence: 'A result whose confidence is below this needs review, 0 to 1. Default: the model’s.',
  captions: 'Captions returned, at most beamWidth. Default: all that the search found.',
  trace: 'Whether the answer tells what the search looked at. Default: false.',
  explain:
    'Whether the answer tells which part of the image each word of the best caption came from. Default: false.',
};

type Fields = {
  [K in keyof GivenOptions]-?: z.ZodOptional<z.ZodType<Exclude<GivenOptions[K], undefined>>>;
};

const shape = { ...captionOptionsSchema.shape, trace: z.boolean(), explain: z.boolean() };

/** Options as fields of a JSON body: the core's without its defaults. */
export const captionFields = fieldsOf(shape, (schema, name) =>
  innermost(schema).optional().describe(DESCRIPTIONS[name]),
);

/** Options in a query: each at most once, none unknown. */
export const captionQuerySchema = z.strictObject(fieldsOf(captionFields, fromText));

function fieldsOf(
  shape: Record<keyof GivenOptions, z.ZodType>,
  change: (schema: z.ZodType, name: keyof GivenOptions) => z.ZodType,
): Fields {
  const names = Object.keys(shape) as (keyof GivenOptions)[];
  // `fromEntries` forgets which schema has which name.
  return Object.fromEntries(names.map((name) => [name, change(shape[name], name)])) as unknown as Fields;
}

function innermost(schema: z.ZodType): z.ZodType {
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodOptional;
  return isWrapped ? innermost(schema.unwrap() as z.ZodType) : schema;
}

/** What stands in a query once is text; a list of texts is what stood there more than once. */
function fromText(schema: z.ZodType): z.ZodType {
  const { type } = innermost(schema).def;
  const read = z.preprocess((value, { addIssue }) => {
    if (typeof value === 'string') return READ_TEXT[type]?.(value) ?? value;
    if (Array.isArray(value)) addIssue('given more than once');
    return value;
  }, schema);
  return type === 'array' ? read.openapi({ param: { style: 'form', explode: false } }) : read;
}

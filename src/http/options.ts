/** The core's options as JSON and as a query say them; names, bounds and texts are the core's own. */
import { z } from '@hono/zod-openapi';
import type { CaptionCall } from '../caption/describe.ts';
import { type CaptionOptionsInput, OPTIONS, type OptionRow } from '../caption/options.ts';
import { inNames } from '../errors.ts';

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
const READ_TEXT = {
  number: (text) => (NUMERAL.test(text) ? Number(text) : text),
  boolean: (text) => FLAGS.get(text) ?? text,
  array: (text) => text.split(','),
  string: (text) => text,
} satisfies Record<OptionRow['kind'], (text: string) => unknown>;

type Fields = {
  [K in keyof GivenOptions]-?: z.ZodOptional<z.ZodType<Exclude<GivenOptions[K], undefined>>>;
};

/** Options as fields of a JSON body: the core's without its defaults. */
export const captionFields = fieldsOf((row) => row.schema.optional().describe(sentences(row)));

/** Options in a query: each at most once, lists also item by item (`a=1&a=2` is `a=1,2`); none unknown. */
export const captionQuerySchema = z.strictObject(fieldsOf(fromText));

function fieldsOf(schemaOf: (row: OptionRow) => z.ZodType): Fields {
  // `fromEntries` forgets which schema has which name.
  return Object.fromEntries(OPTIONS.map((row) => [row.name, schemaOf(row)])) as unknown as Fields;
}

function sentences({ text, otherwise }: OptionRow): string {
  const named = inNames(text, (name) => name);
  return `${named[0]!.toUpperCase()}${named.slice(1)}. Default: ${otherwise}.`;
}

/** What stands in a query once is text; a list of texts is what stood there more than once. */
function fromText({ name, kind }: OptionRow): z.ZodType {
  const read = z.preprocess((value, { addIssue }) => {
    if (typeof value === 'string') return READ_TEXT[kind](value);
    if (!Array.isArray(value)) return value;
    if (kind === 'array') return value.flatMap(READ_TEXT.array);
    addIssue('given more than once');
    return value;
  }, captionFields[name]);
  return kind === 'array' ? read.openapi({ param: { style: 'form', explode: false } }) : read;
}

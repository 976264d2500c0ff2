/** Examples of what a schema allows: the document's own where it has some, else made up. */
import { nameIn, type Schema, type Schemas } from './schema-text.ts';

/** Stands where an image as base64 would. */
export const BASE64 = '<base64 of photo.jpg>';

type Json = unknown;
type Plain = Exclude<Schema, { $ref: string }>;

/** What stands at a content type of a body. */
export interface Content {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { summary?: string; value?: unknown } | { $ref: string }>;
}

export interface Example {
  /** Empty where there is only one. */
  name: string;
  value: Json;
}

/** At least one; images in them are `BASE64`. */
export function examplesOf({ schema = {}, example, examples = {} }: Content, schemas: Schemas): Example[] {
  const named = Object.entries(examples).flatMap(([name, one]) =>
    'value' in one ? [{ name: one.summary ?? name, value: withoutImages(one.value, schema, schemas) }] : [],
  );
  if (named.length > 0) return named;
  const alternatives = '$ref' in schema ? [] : (schema.anyOf ?? schema.oneOf ?? []);
  if (example === undefined && alternatives.length > 1 && !isObject(schema)) {
    return alternatives.map((one, i) => ({
      name: '$ref' in one ? nameIn(one.$ref) : String(i + 1),
      value: exampleOf(one, schemas),
    }));
  }
  const value = example ?? exampleOf(schema, schemas);
  return [{ name: '', value: withoutImages(value, schema, schemas) }];
}

export function resolve(schema: Schema, schemas: Schemas): Plain {
  return '$ref' in schema ? resolve(schemas[nameIn(schema.$ref)] ?? {}, schemas) : schema;
}

/** Optional properties only where the document has an example of theirs. */
export function exampleOf(given: Schema, schemas: Schemas): Json {
  const schema = resolve(given, schemas);
  const own = schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.default ?? schema.enum?.[0];
  if (own !== undefined) return own;
  const either = schema.anyOf ?? schema.oneOf;
  if (schema.properties !== undefined) return objectExample(schema, schemas);
  if (either?.[0] !== undefined) return exampleOf(either[0], schemas);
  const [type] = [schema.type].flat();
  switch (type) {
    case 'array':
      return arrayExample(schema, schemas);
    case 'object':
      return typeof schema.additionalProperties === 'object'
        ? { name: exampleOf(schema.additionalProperties, schemas) }
        : {};
    case 'integer':
    case 'number':
      return numberBetween(schema.minimum, schema.maximum);
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return textExample(schema);
  }
}

function objectExample(schema: Plain, schemas: Schemas): Json {
  const alternatives = (schema.oneOf ?? schema.anyOf ?? []).map(
    (one) => resolve(one, schemas).required ?? [],
  );
  const [chosen = [], ...others] = alternatives;
  const required = new Set([...(schema.required ?? []), ...chosen]);
  const wanted = Object.entries(schema.properties as Schemas).filter(
    ([name, value]) =>
      required.has(name) || (!others.flat().includes(name) && resolve(value, schemas).example !== undefined),
  );
  return Object.fromEntries(wanted.map(([name, value]) => [name, exampleOf(value, schemas)]));
}

/** One item, or one of each kind where there are several. */
function arrayExample({ items = {}, minItems = 1 }: Plain, schemas: Schemas): Json {
  const item = resolve(items, schemas);
  const kinds = isObject(item) ? [item] : (item.anyOf ?? item.oneOf ?? [item]);
  return Array.from({ length: Math.max(minItems, kinds.length) }, (_, i) =>
    exampleOf(kinds[i % kinds.length]!, schemas),
  );
}

/** With properties beside its alternatives, which then only say which of them are required. */
function isObject(schema: Schema): boolean {
  return 'properties' in schema;
}

function numberBetween(least: number | undefined, most: number | undefined): number {
  if (least !== undefined) return least;
  return Math.min(1, most ?? 1);
}

const TEXTS: Record<string, string> = {
  uri: 'https://example.com/',
  'uri-reference': '/',
  'date-time': '2026-01-01T00:00:00Z',
};

function textExample(schema: Plain): string {
  if (schema.contentEncoding === 'base64') return BASE64;
  return (TEXTS[schema.format ?? ''] ?? 'text').padEnd(schema.minLength ?? 0, '.');
}

/** Images of the document are long to read, and a reader has images of their own. */
function withoutImages(value: Json, given: Schema, schemas: Schemas): Json {
  const schema = resolve(given, schemas);
  if (schema.contentEncoding === 'base64') return BASE64;
  if (Array.isArray(value)) return value.map((item) => withoutImages(item, schema.items ?? {}, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const properties = (schema.properties ?? {}) as Schemas;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const known = properties[name];
      return [name, known === undefined ? one : withoutImages(one, known, schemas)];
    }),
  );
}

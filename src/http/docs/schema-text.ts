import { html } from 'hono/html';
import type { OpenApiDocument } from '../routes/openapi.ts';
import type { Markup } from './markup.ts';

export type Schemas = NonNullable<NonNullable<OpenApiDocument['components']>['schemas']>;
/** A schema of the document, or a reference to one. */
export type Schema = Schemas[string];

/** Bytes as they are: without a type, or in the words of OpenAPI 3.1 or 3.0 for files. */
export function isFile(schema: Schema): boolean {
  if ('$ref' in schema || schema.contentEncoding !== undefined) return false;
  const { type, properties, anyOf, oneOf, contentMediaType, format } = schema;
  const isAny = [type, schema.enum, schema.const, properties, anyOf, oneOf].every((one) => one === undefined);
  return isAny || contentMediaType !== undefined || format === 'binary';
}

/** `Caption` of `#/components/schemas/Caption`. */
export function nameIn($ref: string): string {
  return $ref.slice($ref.lastIndexOf('/') + 1);
}

/** What a schema allows, in a few words; named schemas as links to `#schema-…`. */
export function schemaText(schema: Schema): Markup {
  if ('$ref' in schema) return html`<a href="#schema-${nameIn(schema.$ref)}">${nameIn(schema.$ref)}</a>`;
  const either = schema.anyOf ?? (schema.type === undefined ? schema.oneOf : undefined);
  if (either !== undefined)
    return html`${either.map((one, i) => html`${i > 0 ? ' or ' : ''}${schemaText(one)}`)}`;
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined) return html`${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`;
  if (schema.items !== undefined) {
    return html`array${rangeText(schema.minItems, schema.maxItems)} of: ${schemaText(schema.items)}`;
  }
  if (schema.properties !== undefined) return propertiesText(schema.properties);
  if (typeof schema.additionalProperties === 'object')
    return html`object, each value: ${schemaText(schema.additionalProperties)}`;
  if (isFile(schema)) return html`file`;
  const unit = schema.contentEncoding ?? schema.format;
  return html`${[schema.type].flat().join(' or ')}${unit === undefined ? '' : ` (${unit})`}${rangeText(schema.minimum, schema.maximum)}${rangeText(schema.minLength, schema.maxLength, ' characters')}`;
}

function propertiesText(properties: Schemas): Markup {
  return html`{ ${Object.entries(properties).map(([name, value], i) => html`${i > 0 ? ', ' : ''}<code>${name}</code>: ${schemaText(value)}`)} }`;
}

function rangeText(least: number | undefined, most: number | undefined, unit = ''): string {
  if (least === undefined && most === undefined) return '';
  if (least === undefined) return `, at most ${most}${unit}`;
  if (most === undefined) return `, at least ${least}${unit}`;
  return `, ${least} to ${most}${unit}`;
}

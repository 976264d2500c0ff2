import { html } from 'hono/html';
import type { OpenApiDocument } from './openapi.ts';

export type Schemas = NonNullable<NonNullable<OpenApiDocument['components']>['schemas']>;
/** A schema of the document, or a reference to one. */
export type Schema = Schemas[string];
type Markup = ReturnType<typeof html>;

/** What a schema allows, in a few words; named schemas as links to `#schema-…`. */
export function schemaText(schema: Schema): Markup {
  if ('$ref' in schema) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const either = schema.anyOf ?? (schema.type === undefined ? schema.oneOf : undefined);
  if (either !== undefined)
    return html`${either.map((one, i) => html`${i > 0 ? ' or ' : ''}${schemaText(one)}`)}`;
  if (schema.enum !== undefined) return html`${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`;
  if (schema.items !== undefined) {
    return html`array${rangeText(schema.minItems, schema.maxItems)} of: ${schemaText(schema.items)}`;
  }
  if (schema.properties !== undefined) return propertiesText(schema.properties);
  if (schema.format === 'binary') return html`${schema.description ?? 'bytes'}`;
  const type = [schema.type ?? schema.description ?? 'anything'].flat().join(' or ');
  const unit = schema.contentEncoding ?? schema.contentMediaType;
  return html`${type}${unit === undefined ? '' : ` (${unit})`}${rangeText(schema.minimum, schema.maximum)}${rangeText(schema.minLength, schema.maxLength, ' characters')}`;
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

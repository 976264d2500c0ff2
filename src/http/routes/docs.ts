/** The reference of the interface as one page, from the OpenAPI document. */
import { html, raw } from 'hono/html';
import { PROBLEMS } from '../failures.ts';
import type { OpenApiDocument } from './openapi.ts';
import { type Schema, type Schemas, schemaText } from './schema-text.ts';

type Paths = NonNullable<OpenApiDocument['paths']>;
type Operation = NonNullable<Paths[string]['get']>;
type Markup = ReturnType<typeof html>;
type Cell = string | number | Markup;

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1.5rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid; }
h3 { margin-top: 2rem; }
main { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8885; }
code { font-family: ui-monospace, monospace; overflow-wrap: break-word; }
`;

/** A complete HTML document that asks for nothing else. */
export function docsHtml(document: OpenApiDocument): string {
  const { info, paths = {}, components } = document;
  const operations = Object.entries(paths).flatMap(([path, item]) => operationsOf(path, item));
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: reference</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${info.title}: reference</h1>
<p>${info.description} The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<h2>Requests</h2>
${operations}
<h2 id="problems">Problems</h2>
<p>400 when the bytes of a request cannot be read as what it says they are; 422 when they can, and ask for what is not
allowed.</p>
${table(['code', 'status', 'meaning'], problemRows())}
<h2>Schemas</h2>
${Object.entries((components?.schemas ?? {}) as Schemas).map(([name, schema]) => schemaSection(name, schema))}
</main>
</body>
</html>
`);
}

const METHODS = ['get', 'post'] as const;

function operationsOf(path: string, item: Paths[string]) {
  return METHODS.flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [operationSection(`${method.toUpperCase()} ${path}`, operation)];
  });
}

function operationSection(name: string, operation: Operation): Markup {
  const { summary = '', description = '', parameters = [], requestBody, responses = {} } = operation;
  const body = requestBody !== undefined && 'content' in requestBody ? requestBody.content : {};
  return html`<h3><code>${name}</code></h3>
<p>${summary}. ${description}</p>
${table(
  ['in the query', 'type', 'meaning'],
  parameters.flatMap((p) =>
    '$ref' in p ? [] : [[code(p.name), schemaText(p.schema ?? {}), p.description ?? '']],
  ),
)}
${table(
  ['body', 'type'],
  Object.entries(body).map(([type, { schema }]) => [code(type), schemaText(schema ?? {})]),
)}
${table(
  ['answer', 'type', 'meaning'],
  Object.entries(responses).map(([status, answer]) => answerRow(status, answer)),
)}
`;
}

function answerRow(status: string, answer: NonNullable<Operation['responses']>[string]): Cell[] {
  const content: Record<string, { schema?: Schema }> = answer.content ?? {};
  const types = Object.entries(content).map(
    ([type, { schema }]) => html`${code(type)} ${schema === undefined ? '' : schemaText(schema)}`,
  );
  return [status, html`${types}`, answer.description];
}

/** Problem documents point at these rows. */
function problemRows(): Cell[][] {
  return Object.entries(PROBLEMS).map(([name, { status, title }]) => [
    html`<code id="${name}">${name}</code>`,
    status,
    title,
  ]);
}

function schemaSection(name: string, schema: Schema): Markup {
  const heading = html`<h3 id="schema-${name}">${name}</h3>`;
  if ('$ref' in schema || schema.properties === undefined)
    return html`${heading}<p>${schemaText(schema)}</p>`;
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties as Schemas).map(([property, value]): Cell[] => [
    html`${code(property)}${required.has(property) ? '' : ' (optional)'}`,
    schemaText(value),
    value.description ?? '',
  ]);
  return html`${heading}<p>${schema.description ?? ''}</p>${table(['property', 'type', 'meaning'], rows)}`;
}

function code(text: string): Markup {
  return html`<code>${text}</code>`;
}

/** Nothing where there are no rows. */
function table(heads: readonly string[], rows: readonly Cell[][]): Markup | string {
  if (rows.length === 0) return '';
  return html`<table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody>
</table>
`;
}

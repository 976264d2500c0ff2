/** The reference of the interface as one page, from the OpenAPI document. */
import { html, raw } from 'hono/html';
import type { OpenApiDocument } from '../routes/openapi.ts';
import { exampleOf } from './example.ts';
import { type Limit, limitsSection } from './limits.ts';
import { type Cell, code, definitions, json, type Markup, ORIGIN } from './markup.ts';
import { type Operation, operationSection, operationsOf } from './operation.ts';
import { PROBLEM_CODES, problemSections } from './problems.ts';
import { type Schema, type Schemas, schemaText } from './schema-text.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A complete HTML document that asks for nothing else; `ORIGIN` stands in it for the deployment's address. */
export function docsHtml(document: OpenApiDocument, limits: readonly Limit[]): string {
  const { info, components } = document;
  const operations = operationsOf(document);
  const schemas = (components?.schemas ?? {}) as Schemas;
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title}: reference</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#reference">Skip the contents</a>
${contents(operations, Object.keys(schemas))}
<main id="reference" tabindex="-1">
<h1>${info.title}: reference</h1>
<p>${info.description} The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<p>The address of this deployment is <code class="origin">${ORIGIN}</code>. Where a gateway in front of it asks who is
calling, every request needs what the gateway asks for as well.</p>
<h2 id="requests">Requests</h2>
<p>The lines are for a POSIX shell (sh, bash, zsh) with curl, in a folder with a photograph <code>photo.jpg</code> and, where a
form takes several, <code>other.jpg</code>.</p>
${operations.map((operation) => operationSection(operation, schemas))}
<h2 id="limits">Limits</h2>
<p>Of this deployment. What each option may be stands at the option.</p>
${limitsSection(limits)}
<h2 id="problems">Problems</h2>
<p>400 when the bytes of a request cannot be read as what it says they are; 422 when they can, and ask for what is not
allowed. The <code>type</code> of a problem document, resolved against the address asked, opens the section of its
code.</p>
${schemas.Problem === undefined ? '' : json(exampleOf(schemas.Problem, schemas))}
${problemSections()}
<h2 id="schemas">Schemas</h2>
${Object.entries(schemas).map(([name, schema]) => schemaSection(name, schema))}
</main>
<p class="unseen" role="status" id="live"></p>
<script>${raw(SCRIPT)}</script>
</body>
</html>
`);
}

function contents(operations: readonly Operation[], schemas: readonly string[]): Markup {
  const byTag = [...Map.groupBy(operations, ({ tag }) => tag)];
  const link = (id: string, text: Cell) => html`<li><a href="#${id}">${text}</a></li>\n`;
  return html`<nav aria-label="Contents">
<p><a href="#requests">Requests</a></p>
${byTag.map(([tag, within]) => html`<ul class="tall" aria-label="${tag}">\n${within.map(({ id, name }) => link(id, code(name)))}</ul>\n`)}
<p><a href="#limits">Limits</a></p>
<p><a href="#problems">Problems</a></p>
<ul>
${PROBLEM_CODES.map((one) => link(one, one))}</ul>
<p><a href="#schemas">Schemas</a></p>
<ul>
${schemas.map((name) => link(`schema-${name}`, name))}</ul>
</nav>
`;
}

function schemaSection(name: string, schema: Schema): Markup {
  const id = `schema-${name}`;
  const section = (inside: Markup) => html`<section id="${id}" aria-labelledby="${id}-name">
<h3 id="${id}-name">${name}</h3>
${inside}</section>
`;
  if ('$ref' in schema || schema.properties === undefined)
    return section(html`<p>${schemaText(schema)}</p>\n`);
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties as Schemas).map(([property, value]) => ({
    term: html`${code(property)}${required.has(property) ? '' : ' (optional)'}`,
    kind: schemaText(value),
    meaning: value.description ?? '',
  }));
  const { description } = schema;
  return section(html`${description === undefined ? '' : html`<p>${description}</p>\n`}${definitions(rows)}`);
}

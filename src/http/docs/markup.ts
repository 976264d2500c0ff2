import { html } from 'hono/html';

export type Markup = ReturnType<typeof html>;
export type Cell = string | number | Markup;

/** Stands for the deployment's own address until a page is asked for: a name that no deployment can have (RFC 2606). */
export const ORIGIN = 'http://origin.invalid';

export function code(text: string): Markup {
  return html`<code>${text}</code>`;
}

/** A term, what is to be said of it in few words, and what it means. */
export interface Definition {
  term: Cell;
  kind?: Cell;
  meaning: Cell;
}

/** A list that fits any width, unlike a table; nothing where there are no rows. */
export function definitions(rows: readonly Definition[], look: 'wide' | 'narrow' = 'wide'): Markup | string {
  if (rows.length === 0) return '';
  return html`<dl class="${look}">
${rows.map(({ term, kind = '', meaning }) => html`<div><dt>${term}${kind === '' ? '' : html` <span class="kind">${kind}</span>`}</dt><dd>${meaning}</dd></div>\n`)}</dl>
`;
}

export function json(value: unknown): Markup {
  return html`<pre><code>${laidOut(value)}</code></pre>`;
}

/** Characters of an object or array that stands in one line: as many as a narrow screen has. */
const MAX_INLINE = 48;

/** JSON with a line for each entry, or one line for all where they are short. */
function laidOut(value: unknown, indent = ''): string {
  const text = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || text.length <= MAX_INLINE) return text;
  const within = `${indent}  `;
  const isArray = Array.isArray(value);
  const entries = Object.entries(value).map(([name, one]) => {
    const label = isArray ? '' : `${JSON.stringify(name)}: `;
    return `${within}${label}${laidOut(one, within)}`;
  });
  const [open, close] = isArray ? '[]' : '{}';
  return `${open}\n${entries.join(',\n')}\n${indent}${close}`;
}

/** Lines to paste into a shell; the script of the page adds a button that copies them. */
export function shell(name: string, lines: string): Markup {
  const [first, ...others] = lines.split(ORIGIN);
  const address = html`<span class="origin">${ORIGIN}</span>`;
  return html`<pre class="curl" data-name="${name}"><code>${first}${others.map((text) => html`${address}${text}`)}</code></pre>`;
}

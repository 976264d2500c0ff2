/**
 * Makes one document of the page's files, so that a browser needs one request and the policy can name each script and
 * style by its hash. The modules of the script become one: they share a scope, in which no name may occur twice
 * (`inline-page.test.ts` holds that), and are written without `import * as`, renaming, default exports or template
 * literals of several lines.
 */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';

const STYLE_SHEET = /<link rel="stylesheet" href="([^"]+)">/g;
const PICTURE = /(?<=<img src=")([^":]+\.webp)(?=")/g;
const SCRIPT = /<script type="module" src="([^"]+)"><\/script>/g;
/** `import { a, b } from './c.ts';` */
const IMPORT = /^import\s*\{[\w\s,$]*\}\s*from\s*'(\.[^']+)';$/gm;
const EXPORT = /^export (?=(async )?function |const )/gm;
/** What is left of imports and exports that are written in another way. */
const UNREAD = /^(import|export)\b.*/m;
/** A line with a template literal that goes on in the next one. */
const OPEN_TEMPLATE = /^[^`\n]*`(?:[^`\n]*`[^`\n]*`)*[^`\n]*$/m;
const COMMENT = /^[^\S\n]*(\/\/.*|\/\*[\s\S]*?\*\/)\n/gm;
const HTML_COMMENT = /<!--[\s\S]*?-->/g;
/** Blank lines, and blanks at both ends of lines. */
const MARGINS = /^\s+|[^\S\n]+$/gm;

/**
 * Puts the style sheets, WebP pictures and modules that an HTML file names in their places, and leaves out comments and
 * indentation; a file that has none of these stays as it is.
 * @throws Error naming the module that cannot be taken in
 */
export async function inlinePage(page: URL): Promise<string> {
  const html = (await readFile(page, 'utf8')).replace(HTML_COMMENT, '').replace(MARGINS, '');
  const styled = await replaceAll(html, STYLE_SHEET, async (path) => {
    return `<style>\n${withoutBlanks(await readFile(new URL(path, page), 'utf8'))}</style>`;
  });
  const illustrated = await replaceAll(styled, PICTURE, async (path) => {
    return `data:image/webp;base64,${await readFile(new URL(path, page), 'base64')}`;
  });
  return replaceAll(illustrated, SCRIPT, async (path) => {
    return `<script type="module">\n${await linkModules(new URL(path, page))}</script>`;
  });
}

async function replaceAll(
  text: string,
  pattern: RegExp,
  replacementOf: (path: string) => Promise<string>,
): Promise<string> {
  const replacements = await Promise.all([...text.matchAll(pattern)].map(([, path]) => replacementOf(path!)));
  return text.replace(pattern, () => replacements.shift()!);
}

/** Without comments and indentation, which browsers do not need. */
function withoutBlanks(style: string): string {
  return style
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .replace(/}/g, '}\n');
}

/** One script of a module and all that it imports, each after what it imports itself. */
async function linkModules(entry: URL): Promise<string> {
  const read = new Set<string>();
  const bodies: string[] = [];
  const add = async (module: URL): Promise<void> => {
    if (read.has(module.href)) return;
    read.add(module.href);
    const source = plainScript(await readFile(module, 'utf8'));
    for (const [, path] of source.matchAll(IMPORT)) await add(new URL(path!, module));
    bodies.push(bodyOf(source, module));
  };
  await add(entry);
  return bodies.join('');
}

function bodyOf(source: string, module: URL): string {
  const body = source.replace(IMPORT, '').replace(EXPORT, '');
  const unread = UNREAD.exec(body) ?? OPEN_TEMPLATE.exec(body);
  if (unread) throw new Error(`${module.pathname}: the page cannot take in: ${unread[0]}`);
  return body.replace(MARGINS, '');
}

/** Types and comments taken out, and the blanks around them. */
function plainScript(source: string): string {
  return withoutTypes(source).replace(COMMENT, '').replace(MARGINS, '');
}

/** Node leaves a blank for each character of a type, so that places stay; a browser does not need them. */
function withoutTypes(source: string): string {
  const blanked = quietlyStripped(source);
  if (blanked.length !== source.length) return blanked;
  return blanked.replace(/ /g, (blank, at: number) => (source[at] === blank ? blank : ''));
}

/** Node calls its own function experimental, on standard error and once in each process: not the reader's concern. */
function quietlyStripped(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

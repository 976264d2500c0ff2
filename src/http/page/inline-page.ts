/**
 * Makes one document of the page's files, so that a browser needs one request and the policy can name each script and
 * style by its hash. The modules of the script become one: they share a scope, in which no name may occur twice
 * (`inline-page.test.ts` holds that), and are written without `import * as`, renaming or default exports.
 */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';

const STYLE_SHEET = /<link rel="stylesheet" href="([^"]+)">/g;
const SCRIPT = /<script type="module" src="([^"]+)"><\/script>/g;
/** `import { a, b } from './c.ts';` */
const IMPORT = /^import\s*\{[\w\s,$]*\}\s*from\s*'(\.[^']+)';$/gm;
const EXPORT = /^export (?=(async )?function |const )/gm;
/** What is left of imports and exports that are written in another way. */
const UNREAD = /^(import|export)\b.*/m;
const COMMENT = /^[^\S\n]*(\/\/.*|\/\*[\s\S]*?\*\/)\n/gm;

/**
 * Puts the style sheets and modules that an HTML file names in their places; a file that names none stays as it is.
 * @throws Error naming the module whose imports or exports cannot be read
 */
export async function inlinePage(page: URL): Promise<string> {
  const html = await readFile(page, 'utf8');
  const styled = await replaceAll(html, STYLE_SHEET, async (path) => {
    return `<style>\n${withoutBlanks(await readFile(new URL(path, page), 'utf8'))}</style>`;
  });
  return replaceAll(styled, SCRIPT, async (path) => {
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
  const unread = UNREAD.exec(body);
  if (unread) throw new Error(`${module.pathname}: the page cannot take in: ${unread[0]}`);
  return body.replace(/^\n+/gm, '');
}

/** Types and comments taken out, and the blanks that Node leaves where types stood. */
function plainScript(source: string): string {
  return withoutTypes(source)
    .replace(COMMENT, '')
    .replace(/[^\S\n]+$/gm, '');
}

/** Node calls its own function experimental, on standard error and once in each process: not the reader's concern. */
function withoutTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

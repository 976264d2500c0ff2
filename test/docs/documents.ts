/** The documents of the repository, and the code in them. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/samples.ts';

export interface Document {
  /** From the root of the repository. */
  path: string;
  text: string;
  /** Blocks, fenced or indented, with lines that a backslash continues put together. */
  blocks: string[];
  /** What stands between backquotes in sentences and tables. */
  spans: string[];
  /** Targets of links and pictures that lie in the repository. */
  links: string[];
}

const FENCED = /^```[^\n]*\n(.*?)^```/gms;
const INDENTED = /(?:^ {4}\S[^\n]*\n)+/gm;

const AT_THE_ROOT = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/** `docs/*.md` and those at the root that are about the program. */
export function readDocuments(): Document[] {
  const paths = [...AT_THE_ROOT, ...globSync('docs/*.md', { cwd: ROOT })];
  return paths.map((path) => readDocument(path));
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const fenced = [...text.matchAll(FENCED)].map(([, block]) => block!);
  const prose = text.replace(FENCED, '');
  const indented = [...prose.matchAll(INDENTED)].map(([block]) => block.replace(/^ {4}/gm, ''));
  const sentences = prose.replace(INDENTED, '');
  return {
    path,
    text,
    blocks: [...fenced, ...indented].map((block) => block.replace(/\\\n\s*/g, ' ')),
    spans: [...sentences.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!),
    links: [...sentences.matchAll(/\]\(([^)#\s]+)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^https?:/.test(target)),
  };
}

/** Fenced blocks of one language. */
export function blocksOf({ text }: Document, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms');
  return [...text.matchAll(fence)].map(([, block]) => block!);
}

/** Rows of all tables, cell by cell. */
export function tableRows({ text }: Document): string[][] {
  return text
    .split('\n')
    .filter((line) => /^\| /.test(line))
    .map((line) => line.slice(2, -2).split(' | '));
}

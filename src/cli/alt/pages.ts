/** HTML pages that arguments name. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type PageText, readPageText } from '../../alt/page/page-text.ts';
import { InvalidRequest } from '../../errors.ts';

const PAGE_EXTENSIONS = new Set(['.html', '.htm']);
/** Written by people or generators, pages have some 100 kB; the tree of one takes twenty times its size. */
const MAX_PAGE_BYTES = 16 << 20;

/** Files as they stand, directories with all pages below them, in the order of their names. */
export async function expandPages(args: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    args.map(async (arg) => {
      const found = await stat(arg).catch(() => null);
      return found?.isDirectory() ? pagesBelow(arg) : [arg];
    }),
  );
  return lists.flat();
}

/** A directory that has none stays in the list, and fails when it is read. */
async function pagesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const pages = entries
    .filter((entry) => entry.isFile() && PAGE_EXTENSIONS.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return pages.length > 0 ? pages : [directory];
}

export interface ReadPage {
  file: Buffer;
  text: PageText;
}

/** @throws InvalidRequest when it cannot be read, is no file or too large, or has an encoding that is not handled */
export async function readPage(path: string): Promise<ReadPage> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InvalidRequest('no such page', { cause });
  });
  if (found.isDirectory()) throw new InvalidRequest('a directory without pages in it');
  if (!found.isFile()) throw new InvalidRequest('not a regular file');
  if (found.size > MAX_PAGE_BYTES) {
    throw new InvalidRequest(`the page has ${found.size} bytes, more than ${MAX_PAGE_BYTES}`);
  }
  const file = await readFile(path).catch((cause: unknown) => {
    throw new InvalidRequest('the page cannot be opened', { cause });
  });
  return { file, text: readPageText(file) };
}

/** Shortened, since data addresses are long; without control characters, which terminals would act upon. */
export function shownSource(src: string): string {
  const plain = src.replace(/[\s\p{Cc}]+/gu, ' ');
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain || '(no address)';
}

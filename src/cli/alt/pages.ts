/** HTML pages that arguments name. */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { type PageText, readPageText } from '../../alt/page/page-text.ts';
import { InvalidRequest } from '../../errors.ts';
import { systemPath } from '../../model/file-name.ts';
import { whyEmpty, whyUnopened } from '../../model/image-file.ts';
import { expandInputs } from '../shared/inputs.ts';

const PAGE_EXTENSIONS = new Set(['.html', '.htm']);
/** Written by people or generators, pages have some 100 kB; the tree of one takes twenty times its size. */
const MAX_PAGE_BYTES = 16 << 20;

/** Files as they stand, directories with all pages below them, patterns. */
export function expandPages(args: readonly string[]): Promise<string[]> {
  return expandInputs(args, (name) => PAGE_EXTENSIONS.has(extname(name).toLowerCase()));
}

export interface ReadPage {
  file: Buffer;
  text: PageText;
}

/** @throws InvalidRequest when it cannot be read, is no file or too large, or has an encoding that is not handled */
export async function readPage(path: string): Promise<ReadPage> {
  const name = systemPath(path);
  const found = await stat(name).catch((cause: unknown) => {
    throw new InvalidRequest(whyUnopened(path, cause), { cause });
  });
  if (found.isDirectory()) throw new InvalidRequest(await whyEmpty(path, 'pages'));
  if (!found.isFile()) throw new InvalidRequest('not a regular file');
  if (found.size > MAX_PAGE_BYTES) {
    throw new InvalidRequest(`the page has ${found.size} bytes, more than ${MAX_PAGE_BYTES}`);
  }
  const file = await readFile(name).catch((cause: unknown) => {
    throw new InvalidRequest(whyUnopened(path, cause), { cause });
  });
  return { file, text: readPageText(file) };
}

/** Shortened, since data addresses are long; without control characters, which terminals would act upon. */
export function shownSource(src: string): string {
  const plain = src.replace(/[\s\p{Cc}]+/gu, ' ');
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain || '(no address)';
}

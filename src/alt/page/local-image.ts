/** Addresses in a page to files on disk. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InvalidRequest } from '../../errors.ts';

/** A file, or why there is none to caption. */
export type LocalImage = { file: string } | { skipped: 'no address' | 'remote' | 'missing' | 'outside' };

/** Where addresses of a page start from; paths without symbolic links in them. */
export interface PagePlace {
  path: string;
  /** Directory that `/` in an address means, and that no image may lie outside of. */
  root: string;
  /** See `BareImages`. */
  base: string | null;
}

/**
 * @param root @default the page's directory
 * @throws InvalidRequest for a root that is not there
 */
export async function pagePlace(path: string, base: string | null, root?: string): Promise<PagePlace> {
  const directory = await realpath(dirname(path));
  const place = { path: join(directory, basename(path)), base };
  if (root === undefined) return { ...place, root: directory };
  const real = await resolved(root);
  if (real === null) throw new InvalidRequest(`--root ${root}: no such directory`);
  return { ...place, root: real };
}

/** The image file that `src` means in the page; query and fragment do not count. */
export async function localImage(src: string, place: PagePlace): Promise<LocalImage> {
  if (src === '') return { skipped: 'no address' };
  const path = pathOf(src, place);
  if (path === null) return { skipped: 'remote' };
  if (!isWithin(place.root, path)) return { skipped: 'outside' };
  const file = await resolved(path);
  if (file === null) return { skipped: 'missing' };
  return isWithin(place.root, file) ? { file } : { skipped: 'outside' };
}

function pathOf(src: string, { path, root, base }: PagePlace): string | null {
  const rootUrl = pathToFileURL(`${root}/`);
  const pageUrl = pathToFileURL(path);
  const baseUrl = base === null ? pageUrl : addressed(base, pageUrl, rootUrl);
  const url = baseUrl && addressed(src, baseUrl, rootUrl);
  if (url?.protocol !== 'file:' || url.host !== '') return null;
  try {
    return fileURLToPath(url);
  } catch {
    // %2F and the like name no file.
    return null;
  }
}

/** `/a` means the root of the site, `//host/a` another site. */
function addressed(address: string, base: URL, root: URL): URL | null {
  const trimmed = address.trim();
  const fromRoot = /^[/\\](?:[^/\\]|$)/.test(trimmed) && base.protocol === 'file:';
  return fromRoot ? URL.parse(`.${trimmed}`, root.href) : URL.parse(address, base.href);
}

async function resolved(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    // No file system has names with NUL in them; anything else is as good as missing.
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

function isWithin(root: string, file: string): boolean {
  const path = relative(root, file);
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

/** Files below a directory. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { nameOf, systemPath } from '../../model/file-name.ts';

/**
 * What systems keep beside the files of people: thumbnails of Synology's NAS, deleted files, resource forks in archives of
 * macOS.
 */
const SYSTEM_DIRECTORIES = new Set(['@eaDir', '#recycle', '$RECYCLE.BIN', '__MACOSX']);

/**
 * Whether something below a directory is meant by whoever names the directory: not what hidden directories hold
 * (thumbnails, trash, repositories), nor the `._photo.jpg` that macOS leaves beside every photo.jpg on foreign disks.
 */
export function isMeant(path: string): boolean {
  const parts = path.split(sep);
  const name = parts.pop()!;
  return !name.startsWith('._') && parts.every(isMeantDirectory);
}

function isMeantDirectory(name: string): boolean {
  const isHidden = name.startsWith('.') && name !== '.' && name !== '..';
  return !isHidden && !SYSTEM_DIRECTORIES.has(name);
}

/**
 * Yields files in the order of their names, a directory at a time. Links are followed to files and directories, each
 * directory once. A directory that cannot be listed is yielded itself, so that it fails by name.
 * @param wanted by name
 */
export async function* filesBelow(root: string, wanted: (name: string) => boolean): AsyncGenerator<string> {
  yield* walk(root, { wanted, root: await realpath(systemPath(root)).catch(() => root), seen: new Set() });
}

interface Walk {
  wanted: (name: string) => boolean;
  /** Without links. */
  root: string;
  /** Devices and numbers of the directories that were listed. */
  seen: Set<string>;
}

async function* walk(directory: string, walked: Walk): AsyncGenerator<string> {
  const entries = await list(directory, walked.seen);
  if (entries === null) {
    yield directory;
    return;
  }
  for (const { name, entry } of entries) {
    const path = join(directory, name);
    const kind = await kindOf(path, entry, walked.root);
    if (kind === 'directory' && isMeantDirectory(name)) yield* walk(path, walked);
    if (kind === 'file' && isMeant(name) && walked.wanted(name)) yield path;
  }
}

/** @returns nothing of what was listed before; `null` where it cannot be listed */
async function list(
  directory: string,
  seen: Set<string>,
): Promise<{ name: string; entry: Dirent<Buffer> }[] | null> {
  try {
    const path = systemPath(directory);
    const { dev, ino } = await stat(path, { bigint: true });
    if (seen.has(`${dev} ${ino}`)) return [];
    seen.add(`${dev} ${ino}`);
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' });
    return entries
      .map((entry) => ({ name: nameOf(entry.name), entry }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return null;
  }
}

type Kind = 'directory' | 'file' | 'passed over';

async function kindOf(path: string, entry: Dirent<Buffer>, root: string): Promise<Kind> {
  if (!entry.isSymbolicLink()) return entry.isDirectory() ? 'directory' : 'file';
  const found = await stat(systemPath(path)).catch(() => null);
  if (!found?.isDirectory()) return 'file';
  // What the walk comes to anyhow keeps its own name.
  const inside = relative(root, await realpath(systemPath(path)));
  const isOutside = inside.startsWith('..') || isAbsolute(inside);
  return isOutside || !inside.split(sep).every(isMeantDirectory) ? 'directory' : 'passed over';
}

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, constants, copyFile, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidRequest } from '../errors.ts';

/**
 * Puts new content in a file's place, whole or not at all: written beside it, synced, renamed. All else stays: owner,
 * permissions with access control lists, extended attributes, times; a symbolic link stays one. Where that cannot be, as for
 * one of several hard links, nothing is replaced.
 * @param read the content that the new one was made of
 * @throws InvalidRequest when the file or its directory cannot be written, would lose something, or no longer holds `read`
 */
export async function replaceFile(path: string, read: Uint8Array, content: Uint8Array): Promise<void> {
  refuseOddName(path);
  try {
    const target = await realpath(path);
    // A rename would go past a write protection.
    await access(target, constants.W_OK);
    const found = await stat(target);
    if (found.nlink > 1) {
      throw new InvalidRequest(`${path} has ${found.nlink} names (hard links), which writing would part`);
    }
    // It may have been edited while it was captioned.
    if (!(await readFile(target)).equals(read)) throw new InvalidRequest(`${path} has changed meanwhile`);
    await replace(target, found, content);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) throw cause;
    throw new InvalidRequest(`${path} cannot be written (${cause.code})`, { cause });
  }
}

/**
 * A path that is not well-formed is a stand-in for bytes that are no UTF-8.
 * @throws InvalidRequest
 */
export function refuseOddName(path: string): void {
  if (!path.isWellFormed()) throw new InvalidRequest('its name is not UTF-8; rename it (convmv)');
}

/** Where new content is written first. A short name: the target's own may have all the 255 bytes that a name may have. */
export function partBeside(target: string): string {
  return join(dirname(target), `.${randomUUID()}.part`);
}

async function replace(target: string, found: Stats, content: Uint8Array): Promise<void> {
  const beside = partBeside(target);
  try {
    await copyAttributes(target, beside);
    await holdOwner(target, found, beside);
    await write(beside, content, found);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await sync(dirname(target));
}

/** Node knows neither access control lists nor extended attributes; the system's own `cp` does. */
const COPY_FLAGS: Partial<Record<NodeJS.Platform, string[]>> = {
  // GNU coreutils: named one by one, what cannot be kept is an error. Lists count as mode.
  linux: ['--attributes-only', '--preserve=mode,ownership,timestamps,xattr'],
  // cp(1): "access control lists, extended attributes" too.
  darwin: ['-p'],
};

async function copyAttributes(from: string, to: string): Promise<void> {
  const flags = COPY_FLAGS[process.platform];
  // Windows: alternate streams and attributes come along, access follows from the directory.
  if (flags === undefined) return copyFile(from, to, constants.COPYFILE_EXCL);
  await promisify(execFile)('cp', [...flags, '--', from, to]).catch((cause: { stderr?: string }) => {
    const said = cause.stderr?.trim().split('\n').at(-1) ?? 'there is no cp';
    throw new InvalidRequest(`${from} would lose what belongs to it besides its content: ${said}`, { cause });
  });
}

/** Only the superuser may give files away; `cp` leaves it at that without a word. */
async function holdOwner(path: string, found: Stats, copy: string): Promise<void> {
  const { uid, gid } = await stat(copy);
  if (uid === found.uid && gid === found.gid) return;
  const whose = `user ${found.uid} and group ${found.gid}`;
  throw new InvalidRequest(
    `${path} belongs to ${whose}, to whom you may not give the new file; run this as them`,
  );
}

async function write(path: string, content: Uint8Array, { atimeMs, mtimeMs }: Stats): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate();
    await file.writeFile(content);
    await file.utimes(atimeMs / 1000, mtimeMs / 1000);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { execFile } from 'node:child_process';
import { existsSync, type Stats } from 'node:fs';
import { access, constants, copyFile, mkdir, open, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { InvalidRequest } from '../errors.ts';
import { clearParts, partIn } from './part.ts';
import { hashesFile, hashesOf, newFile } from './replacement.ts';
import { asideOf, EditHeld, swapIfUnchanged } from './swap.ts';
import { notWritten } from './system-error.ts';
import { syncDirectory, writeSynced } from './write-file.ts';

/** Somebody wrote the file after it was read, or is about to; reading it anew may help. */
export class ChangedMeanwhile extends InvalidRequest {
  constructor(path: string) {
    super(`${path} has changed meanwhile, or is open for writing in another program`);
  }
}

/**
 * Puts new content in a file's place, whole or not at all: written beside it, synced, exchanged. All else stays: owner,
 * permissions with access control lists, extended attributes, times; a symbolic link stays one. Where that cannot be, as for
 * one of several hard links, nothing is replaced.
 *
 * What another program wrote meanwhile, in place or as a new file, stays (`swap.ts` says how).
 * @param read the content that the new one was made of
 * @throws ChangedMeanwhile when the file no longer holds `read`; InvalidRequest when the file or its directory cannot be written,
 * or would lose something; OutputFailed when the disk is full
 */
export async function replaceFile(path: string, read: Uint8Array, content: Uint8Array): Promise<void> {
  refuseOddName(path);
  try {
    const target = await realpath(path);
    await clearParts(dirname(target));
    // An exchange would go past a write protection.
    await access(target, constants.W_OK);
    const found = await stat(target);
    if (found.nlink > 1) {
      throw new InvalidRequest(`${path} has ${found.nlink} names (hard links), which writing would part`);
    }
    // It may have been edited while it was captioned.
    if (!(await readFile(target)).equals(read)) throw new ChangedMeanwhile(path);
    await replace(path, { target, found, read }, content);
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/**
 * A path that is not well-formed is a stand-in for bytes that are no UTF-8.
 * @throws InvalidRequest
 */
export function refuseOddName(path: string): void {
  if (!path.isWellFormed()) throw new InvalidRequest('its name is not UTF-8; rename it (convmv)');
}

/** What is replaced. */
interface Old {
  /** Without links. */
  target: string;
  found: Stats;
  read: Uint8Array;
}

async function replace(path: string, old: Old, content: Uint8Array): Promise<void> {
  const directory = dirname(old.target);
  const part = partIn(directory);
  const file = newFile(part, basename(old.target));
  const remove = () => rm(part, { recursive: true, force: true });
  let isDone: boolean;
  try {
    await prepare(part, file, old, content);
    isDone = await swapIfUnchanged(file, old.target, old.read);
  } catch (error) {
    if (!(error instanceof EditHeld || existsSync(asideOf(file)))) await remove();
    throw error;
  }
  await syncDirectory(directory);
  // What is left beside is known, but for what a program wrote that had it open all the time.
  if (!(await readFile(file)).equals(isDone ? old.read : content)) throw new EditHeld(file, old.target);
  await remove();
  if (!isDone) throw new ChangedMeanwhile(path);
}

/** The new file as it will be, synced, and what tells a later run which of the two it finds. */
async function prepare(part: string, beside: string, { target, found, read }: Old, content: Uint8Array) {
  await mkdir(dirname(beside), { recursive: true, mode: 0o700 });
  await copyAttributes(target, beside);
  await holdOwner(target, found, beside);
  await write(beside, content, found);
  await writeSynced(hashesFile(part), [Buffer.from(hashesOf(read, content))]);
  await syncDirectory(part);
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
  await promisify(execFile)('cp', [...flags, '--', from, to]).catch((cause: { stderr: string }) => {
    const said = cause.stderr.trim().split('\n').at(-1) || 'there is no cp';
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

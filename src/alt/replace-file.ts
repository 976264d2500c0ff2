import { randomUUID } from 'node:crypto';
import {
  access,
  constants,
  type FileHandle,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidRequest } from '../errors.ts';

/**
 * Puts new content in a file's place, whole or not at all: written beside it, synced, renamed. Permissions, and the
 * owner where this is allowed, stay; the modification time is now, so that backups see the change. A symbolic link
 * stays one.
 * @param read the content that the new one was made of
 * @throws InvalidRequest when the file or its directory cannot be written, or no longer holds `read`
 */
export async function replaceFile(path: string, read: Uint8Array, content: Uint8Array): Promise<void> {
  // Such a path is no more than a stand-in for its bytes.
  if (!path.isWellFormed()) throw new InvalidRequest('its name is not UTF-8; rename it (convmv)');
  try {
    const target = await realpath(path);
    // A rename would go past a write protection.
    await access(target, constants.W_OK);
    // It may have been edited while it was captioned.
    if (!(await readFile(target)).equals(read)) throw new InvalidRequest(`${path} has changed meanwhile`);
    await replace(target, content);
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) throw cause;
    throw new InvalidRequest(`${path} cannot be written (${cause.code})`, { cause });
  }
}

async function replace(target: string, content: Uint8Array): Promise<void> {
  const beside = `${target}.${randomUUID()}.part`;
  try {
    await writeLike(await stat(target), beside, content);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await synced(await open(dirname(target)));
}

async function writeLike(
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
  path: string,
  content: Uint8Array,
): Promise<void> {
  // Readable for its owner alone until it has its final permissions.
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    // Only the superuser may give files away.
    await file.chown(uid, gid).catch(() => undefined);
    await file.chmod(mode & 0o7777);
  } catch (error) {
    await file.close();
    throw error;
  }
  await synced(file);
}

async function synced(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Files that are there whole or not at all, also after a power failure: synced before they get their name. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { clearParts, partIn } from './part.ts';
import { putIfFree } from './swap.ts';
import { codeOf, notWritten } from './system-error.ts';

/** Of a file: all of it, or piece by piece. */
type Content = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/**
 * Over what is there, if anything is.
 * @throws OutputFailed, InvalidRequest; what the content throws, and the file stays as it was
 */
export async function putFile(path: string, content: Content): Promise<void> {
  try {
    await put(path, content, rename);
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/**
 * Where nothing is yet.
 * @returns whether it is there; false when something else is by now
 * @throws OutputFailed, InvalidRequest
 */
export async function putNewFile(path: string, content: Content): Promise<boolean> {
  try {
    await put(path, content, putIfFree);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw notWritten(path, cause);
  }
}

async function put(
  path: string,
  content: Content,
  give: (from: string, to: string) => void | Promise<void>,
): Promise<void> {
  const directory = dirname(path);
  await clearParts(directory);
  const part = partIn(directory);
  try {
    await writeSynced(part, isWhole(content) ? [content] : content);
    await give(part, path);
  } finally {
    await rm(part, { force: true });
  }
  await syncDirectory(directory);
}

function isWhole(content: Content): content is string | Uint8Array {
  return typeof content === 'string' || content instanceof Uint8Array;
}

type Parts = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** A new file. @throws system errors */
export async function writeSynced(path: string, parts: Parts): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A directory holds the names of its files, so that a new one lasts only when it is synced. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows opens none.
  if (process.platform === 'win32') return;
  const directory = await open(path);
  try {
    await directory.sync();
  } catch (error) {
    // fsync(2): some file systems cannot.
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await directory.close();
  }
}

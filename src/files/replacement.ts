/**
 * The directory of a replacement at work: `file/NAME` is the new content, then what it took the place of; `hashes`, written before
 * they change places, says how both are known; `aside` is what waits where the system cannot exchange.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asideOf, putIfFree } from './swap.ts';

/** @returns the text of `hashes` */
export function hashesOf(read: Uint8Array, content: Uint8Array): string {
  return `${sha256(read)} ${sha256(content)}`;
}

export const newFile = (part: string, name: string): string => join(part, 'file', name);
export const hashesFile = (part: string): string => join(part, 'hashes');

/**
 * Puts back what a run that was killed held away from its name, or had not looked at yet: an edit of somebody's.
 * @param part what it left, of any kind
 * @returns whether nothing is in it that anybody misses
 */
export async function recover(part: string, directory: string): Promise<boolean> {
  const hashes = await readFile(hashesFile(part), 'utf8').catch(() => '');
  const [name] = await readdir(join(part, 'file')).catch(() => []);
  // Half written: nothing has changed places yet.
  if (!/^[0-9a-f]{64} [0-9a-f]{64}$/.test(hashes) || name === undefined) return true;
  const target = join(directory, name);
  const file = newFile(part, name);
  const aside = asideOf(file);
  try {
    const held = existsSync(aside) ? aside : file;
    if (held === aside && !existsSync(target)) {
      putIfFree(aside, target);
      return true;
    }
    if (hashes.includes(sha256(await readFile(held)))) return true;
    const isOurs = hashes.endsWith(sha256(await readFile(target)));
    if (isOurs) renameSync(held, target);
    return isOurs;
  } catch {
    return false;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Temporary files and directories, beside what they will become. A run that was killed leaves them; the next one that writes
 * there removes them.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makerIn, makerName, makerState } from './maker.ts';
import { recover } from './replacement.ts';

/** Milliseconds until what another machine made counts as left: nothing is written for so long. */
const ABANDONED_MS = 24 * 3600_000;

/** A name that is nobody's yet. Short: that of a target may have all the 255 bytes that a name may have. */
export function partIn(directory: string): string {
  return join(directory, partOf(makerName()));
}

function partOf(maker: string): string {
  return `.show-and-tell-${maker}.part`;
}

const cleared = new Map<string, Promise<void>>();

/** Removes what runs that are over left in a directory; once in a process, since directories may be large. */
export function clearParts(directory: string): Promise<void> {
  const place = resolve(directory);
  const clearing = cleared.get(place) ?? clear(place);
  cleared.set(place, clearing);
  return clearing;
}

async function clear(directory: string): Promise<void> {
  // What cannot be listed or removed is no reason not to write.
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    const maker = makerIn(name);
    if (maker === undefined || name !== partOf(maker)) continue;
    const part = join(directory, name);
    if ((await isLeft(part, name)) && (await recover(part, directory))) {
      await rm(part, { recursive: true }).catch(() => undefined);
    }
  }
}

/** Of this user, and of a process that is over. */
async function isLeft(part: string, name: string): Promise<boolean> {
  const found = await lstat(part).catch(() => null);
  if (found === null || found.uid !== (process.getuid?.() ?? found.uid)) return false;
  const state = makerState(name);
  return state === 'gone' || (state === 'elsewhere' && Date.now() - found.mtimeMs > ABANDONED_MS);
}

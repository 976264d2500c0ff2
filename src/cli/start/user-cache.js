/** A place for what may be kept between runs, where nobody but the user can put anything. */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Permissions of others to write; of a directory also to rename and to remove what is in it. */
const WRITABLE_BY_OTHERS = 0o022;
/** Of a directory: what is in it can be renamed by its owner alone. */
const STICKY = 0o1000;

/**
 * Made for the user alone if it is not there.
 * @param {string} name what it is for
 * @returns {string | null} null where there is no such place: no home, one of somebody else, a link, or a directory that
 *   others may write
 */
export function userCache(name) {
  try {
    const base = cacheHome();
    if (base === null) return null;
    makeSafely(base);
    const own = join(realpathSync(base), 'show-and-tell');
    const place = join(own, name);
    for (const directory of [own, place]) {
      if (!isThere(directory)) mkdirSync(directory, { mode: 0o700 });
      if (!isOwn(directory)) return null;
    }
    return place;
  } catch {
    // A disk that cannot be written, a file in its place: it is only a cache.
    return null;
  }
}

/** Where caches go by the rules of the system. */
function cacheHome() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const home = process.platform === 'win32' ? LOCALAPPDATA : XDG_CACHE_HOME;
  if (home && isAbsolute(home)) return home;
  // Throws where the user has no entry and HOME says nothing.
  const own = homedir();
  if (!isAbsolute(own) || process.platform === 'win32') return null;
  return join(own, process.platform === 'darwin' ? 'Library/Caches' : '.cache');
}

/**
 * @param {string} base
 * @throws where others could put something else in its place
 */
function makeSafely(base) {
  const missing = [];
  let there = base;
  for (; !isThere(there); there = dirname(there)) missing.unshift(there);
  for (let above = realpathSync(there); ; above = dirname(above)) {
    if (!isSafe(above)) throw new Error(`others may write ${above}`);
    if (above === dirname(above)) break;
  }
  for (const directory of missing) mkdirSync(directory, { mode: 0o700 });
}

/** @param {string} path */
function isThere(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Windows gives each user a place of its own, and has neither numbers of users nor these permissions.
 * @param {string} directory no link
 */
function isSafe(directory) {
  const user = process.getuid?.();
  if (user === undefined) return true;
  const { uid, gid, mode } = statSync(directory);
  if (uid !== user && uid !== 0) return false;
  // Distributions give each user a group of the same number, which may write what the user makes.
  const writable = uid === user && gid === uid ? mode & 0o002 : mode & WRITABLE_BY_OTHERS;
  return writable === 0 || (mode & STICKY) !== 0;
}

/** @param {string} directory */
function isOwn(directory) {
  const found = lstatSync(directory);
  if (!found.isDirectory()) return false;
  const user = process.getuid?.();
  return user === undefined || (found.uid === user && (found.mode & WRITABLE_BY_OTHERS) === 0);
}

/**
 * One writer at a time. The lock of a file is the directory `FILE.lock` with one entry, named by the process that holds it. A
 * directory is renamed to a name that is free, or that of an empty directory, never to that of one with an entry (rename(2)): so of
 * several that come at once exactly one gets it, also from a process that was killed, whose entry anybody may remove.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import { makerIn, makerName, makerState } from './maker.ts';
import { partIn } from './part.ts';
import { codeOf, notWritten } from './system-error.ts';

/** A holder says so often that it is at work, */
const SIGN_MS = 10_000;
/** and after so long without a sign is over, where its process cannot be looked for. */
const SILENT_MS = 60_000;

/** What `rename` says where a lock is taken; Windows says EPERM. */
const TAKEN: ReadonlySet<unknown> = new Set(['ENOTEMPTY', 'EEXIST', 'EPERM']);

/** Others take and release it meanwhile, but not so often. */
const MOST_TRIES = 100;

export interface Lock {
  release(): void;
}

/**
 * Until `release`, or the end of the process.
 * @param path need not exist; its directory does
 * @throws InvalidRequest when another process has it, and says which; OutputFailed
 */
export function takeLock(path: string): Lock {
  const place = `${path}.lock`;
  const part = partIn(dirname(path));
  const entry = join(place, makerName());
  try {
    mkdirSync(part);
    writeFileSync(join(part, basename(entry)), signOf());
    moveIn(path, part, place);
  } catch (cause) {
    rmSync(part, { recursive: true, force: true });
    throw notWritten(place, cause);
  }
  const sign = setInterval(() => {
    try {
      // Not anew: it may have been taken for left.
      writeFileSync(entry, signOf(), { flag: 'r+' });
    } catch {
      // The next one may be written again.
    }
  }, SIGN_MS).unref();
  const release = (): void => {
    clearInterval(sign);
    process.off('exit', release);
    rmSync(entry, { force: true });
    try {
      rmdirSync(place);
    } catch {
      // Another process has it already.
    }
  };
  process.on('exit', release);
  return { release };
}

const signOf = (): string => `process ${process.pid} on ${hostname()}`;

function moveIn(path: string, part: string, place: string): void {
  for (let tries = 1; ; tries++) {
    try {
      renameSync(part, place);
      return;
    } catch (cause) {
      if (!TAKEN.has(codeOf(cause)) || tries === MOST_TRIES) throw cause;
    }
    removeOver(path, part, place);
  }
}

/** Entries of processes that are over. */
function removeOver(path: string, part: string, place: string): void {
  try {
    for (const name of readdirSync(place)) {
      const entry = join(place, name);
      if (!isOver(entry, name, part)) throw heldBy(path, place, entry);
      rmSync(entry, { force: true });
    }
    if (process.platform === 'win32') rmdirSync(place);
  } catch (cause) {
    // Released meanwhile.
    if (codeOf(cause) !== 'ENOENT') throw cause;
  }
}

/** By the clock of the file system, which both have seen. */
function isOver(entry: string, name: string, part: string): boolean {
  // Whatever else lies there is nobody's to remove.
  if (makerIn(name) !== name) return false;
  const state = makerState(name);
  if (state !== 'elsewhere') return state === 'gone';
  const written = statSync(entry, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return statSync(part).mtimeMs - written > SILENT_MS;
}

function heldBy(path: string, place: string, entry: string): InvalidRequest {
  let holder = 'another process';
  try {
    holder = String(readFileSync(entry));
  } catch {
    // Just released.
  }
  return new InvalidRequest(
    `${path} is written by another run (${holder}): wait for its end, or name another file; ` +
      `if it is over, remove ${place}`,
  );
}

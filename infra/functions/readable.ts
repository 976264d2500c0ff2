/** Directories that others will read: what Lambda unpacks keeps the modes of the machine that deployed. */
import { createHash } from 'node:crypto';
import { chmodSync, globSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = 0o755;
const PROGRAM = 0o755;
const FILE = 0o644;

/**
 * Lets everybody read a directory and all in it, whatever the umask of who made it was: functions run as a user of their own.
 * Every file gets one of two modes, so the same content always has the same ones.
 */
export function makeReadable(directory: string): void {
  for (const path of [directory, ...pathsIn(directory)]) {
    const entry = lstatSync(path);
    if (entry.isSymbolicLink()) continue;
    const executable = (entry.mode & 0o111) !== 0;
    chmodSync(path, entry.isDirectory() ? DIRECTORY : executable ? PROGRAM : FILE);
  }
}

/** SHA-256 of names, modes and contents. */
export function hashOf(directory: string): string {
  const hash = createHash('sha256');
  for (const path of pathsIn(directory).sort()) {
    const entry = lstatSync(path);
    hash.update(`${path.slice(directory.length)}\0${entry.mode.toString(8)}\0`);
    if (entry.isFile()) hash.update(createHash('sha256').update(readFileSync(path)).digest());
  }
  return hash.digest('hex');
}

/**
 * Takes away the copies that earlier syntheses left in a cloud assembly, and what was packed of them: the CDK takes a copy for
 * whole as soon as it is there, also one that was interrupted. To make them again takes less than a second.
 */
export function forgetCopies(assembly: string): void {
  for (const name of globSync(['asset.*', '.cache'], { cwd: assembly }))
    rmSync(join(assembly, name), { recursive: true, force: true });
}

function pathsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((path) => join(directory, path));
}

/** What holds for the entries of every archive: where they may go, how large they may be, how failures are reported. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDiskFailure, OutputFailed, SourceError } from '../../errors.ts';
import { unreadable } from '../bytes/source-file.ts';

export interface ArchiveLimits {
  /** Files and folders; archives of model repositories have some hundred. */
  entries: number;
  /** Bytes of everything unpacked; no more than a single source may have. */
  bytes: number;
  /**
   * Unpacked bytes for each packed one. Trained weights hardly shrink (1.1 measured on im2txt's), optimizer slots full
   * of zeros more; gzip can reach 1032.
   */
  ratio: number;
  /** Unpacked bytes up to which no ratio is looked at. */
  freeBytes: number;
}

/** One archive on its way into a directory. */
export interface UnpackJob {
  file: string;
  directory: string;
  limits: ArchiveLimits;
  /** Counts unpacked bytes; @throws when they are too many. */
  budget: (bytes: number) => void;
}

/** Passes bytes on as long as there is budget. */
export function counted(budget: (bytes: number) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        budget(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

/**
 * Where an entry goes.
 * @throws SourceUnsupported for a name that could lead outside
 */
export function targetOf({ file, directory }: UnpackJob, name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const outside = name.startsWith('/') || /[\\\0]|^[A-Za-z]:/.test(name) || parts.includes('..');
  if (outside || parts.length === 0) {
    throw refused(file, "names inside the archive's own folder", JSON.stringify(name.slice(0, 200)));
  }
  return join(directory, ...parts);
}

/** Writes one entry, and the folders above it. @throws what the streams throw; OutputFailed when the disk is full */
export async function writeEntry(target: string, content: Readable, ...through: Transform[]): Promise<void> {
  try {
    // Blocking: an entry that fails before its pipeline stands would end the process, or never.
    mkdirSync(dirname(target), { recursive: true });
    // wx: an entry never replaces another.
    await pipeline([content, ...through, createWriteStream(target, { flags: 'wx' })]);
  } catch (cause) {
    if (isDiskFailure(cause) && cause.syscall !== 'read') throw new OutputFailed(target, cause);
    throw cause;
  }
}

/** For an archive with more entries than `limits` allow. */
export function tooMany({ file, limits }: UnpackJob): SourceError {
  return refused(file, `at most ${limits.entries} entries`, 'more');
}

/** For an archive that may be whole but is not unpacked. */
export function refused(file: string, expected: string, actual: string): SourceError {
  const remedy = 'Unpack it by hand if you trust it, and import the file inside.';
  return new SourceError('SourceUnsupported', { file, expected, actual, remedy });
}

const READ_FAILURES = ['EACCES', 'EIO', 'EMFILE', 'ENOENT', 'EPERM'];

/** What the libraries say about a damaged archive, wrapped where it enters; errors of the disk stay what they are. */
export function asDamage(file: string, cause: unknown): SourceError | OutputFailed {
  if (cause instanceof SourceError || cause instanceof OutputFailed) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  if (READ_FAILURES.includes(code)) return unreadable(file, cause);
  const actual = cause instanceof Error ? cause.message : String(cause);
  return new SourceError('SourceDamaged', { file, expected: 'a whole archive', actual }, { cause });
}

/** Unpacking an archive that somebody else made into a new temporary directory. */
import { createReadStream, rmSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { clearParts, partIn } from '../../files/part.ts';
import { notWritten } from '../../files/system-error.ts';
import { MAX_SOURCE_BYTES } from '../bytes/source-file.ts';
import {
  type ArchiveLimits,
  asDamage,
  counted,
  refused,
  type UnpackJob,
  writeEntry,
} from './archive-entries.ts';
import type { FoundArchive } from './source.ts';
import { unpackTar } from './unpack-tar.ts';
import { unpackZip } from './unpack-zip.ts';

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 10_000,
  bytes: MAX_SOURCE_BYTES,
  ratio: 50,
  freeBytes: 64 << 20,
};

export interface Unpacked {
  directory: string;
  /** Removes the directory; `process.exit` does too, and the next import after a kill. */
  dispose(): Promise<void>;
}

/** @throws SourceDamaged, SourceUnsupported (limits, names that lead outside, links), OutputFailed; nothing is left then */
export async function unpack(
  archive: FoundArchive,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<Unpacked> {
  await clearParts(tmpdir());
  const directory = partIn(tmpdir());
  await mkdir(directory, { mode: 0o700 }).catch((cause: unknown) => {
    throw notWritten(directory, cause);
  });
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  const dispose = async (): Promise<void> => {
    process.off('exit', remove);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const packed = (await stat(archive.file)).size;
    const job = { file: archive.file, directory, limits, budget: budgetOf(archive.file, packed, limits) };
    if (archive.packing === 'zip') await unpackZip(job);
    else if (archive.packing === 'gzip') await unpackGzip(job);
    else await unpackTar(job, archive.packing === 'tar.gz');
    return { directory, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function budgetOf(file: string, packed: number, limits: ArchiveLimits): (bytes: number) => void {
  const most = Math.min(limits.bytes, Math.max(limits.freeBytes, packed * limits.ratio));
  let total = 0;
  return (bytes) => {
    total += bytes;
    if (total > most) {
      throw refused(file, `at most ${most} bytes in ${packed} packed ones`, 'more: no archive of weights');
    }
  };
}

/** A single file, called as the archive without `.gz`. */
async function unpackGzip(job: UnpackJob): Promise<void> {
  const target = join(job.directory, basename(job.file).replace(/\.gz$/, ''));
  try {
    await writeEntry(
      target,
      createReadStream(job.file),
      createGunzip() as unknown as Transform,
      counted(job.budget),
    );
  } catch (cause) {
    throw asDamage(job.file, cause);
  }
}

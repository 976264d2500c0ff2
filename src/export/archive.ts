/** Unpacking an archive that somebody else made into a new temporary directory. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';
import yauzl from 'yauzl';
import { SourceError } from '../errors.ts';
import type { FoundArchive } from './source.ts';
import { MAX_SOURCE_BYTES, unreadable } from './source-file.ts';

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

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 10_000,
  bytes: MAX_SOURCE_BYTES,
  ratio: 50,
  freeBytes: 64 << 20,
};

/**
 * @returns the new directory, which the caller removes
 * @throws SourceDamaged, SourceUnsupported (limits, names that lead outside, links); nothing is left then
 */
export async function unpack(archive: FoundArchive, limits: ArchiveLimits = ARCHIVE_LIMITS): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'show-and-tell-import-'));
  try {
    const packed = (await stat(archive.file)).size;
    const job = { file: archive.file, directory, limits, budget: budgetOf(archive.file, packed, limits) };
    if (archive.packing === 'zip') await unpackZip(job);
    else if (archive.packing === 'gzip') await unpackGzip(job);
    else await unpackTar(job, archive.packing === 'tar.gz');
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

interface Job {
  file: string;
  directory: string;
  limits: ArchiveLimits;
  /** Counts unpacked bytes; @throws when they are too many. */
  budget: (bytes: number) => void;
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

/** Passes bytes on as long as there is budget. */
function counted(budget: (bytes: number) => void): Transform {
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
function targetOf({ file, directory }: Job, name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const outside = name.startsWith('/') || /[\\\0]|^[A-Za-z]:/.test(name) || parts.includes('..');
  if (outside || parts.length === 0) {
    throw refused(file, "names inside the archive's own folder", JSON.stringify(name.slice(0, 200)));
  }
  return join(directory, ...parts);
}

async function writeEntry(target: string, content: Readable, ...through: Transform[]): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  // wx: an entry never replaces another.
  await pipeline([content, ...through, createWriteStream(target, { flags: 'wx' })]);
}

async function unpackTar(job: Job, compressed: boolean): Promise<void> {
  // Old archives have no magic; all have a checksum a header, which is looked at.
  const extract = tar.extract({ allowUnknownFormat: true } as object);
  const input = createReadStream(job.file);
  const streams = compressed ? [input, createGunzip()] : [input];
  const flow = pipeline([...streams, counted(job.budget), extract]);
  // Handled below; until then a failure reaches the loop as the end of `extract`.
  flow.catch(() => undefined);
  try {
    let entries = 0;
    for await (const entry of extract) {
      if (++entries > job.limits.entries) throw tooMany(job);
      await unpackTarEntry(job, entry);
    }
    await flow;
  } catch (cause) {
    extract.destroy();
    const reason: unknown = await flow.catch((error: unknown) => error);
    throw asDamage(job.file, cause instanceof SourceError ? cause : (reason ?? cause));
  }
}

type TarEntry = tar.Extract extends AsyncIterable<infer Entry> ? Entry : never;

async function unpackTarEntry(job: Job, entry: TarEntry): Promise<void> {
  const { name, type } = entry.header;
  switch (type) {
    case 'file':
    case 'contiguous-file':
      // A stream of another library with the same interface; `pipeline` takes both.
      return await writeEntry(targetOf(job, name), entry as unknown as Readable);
    case 'directory':
      if (!/^(\.\/?)*$/.test(name)) targetOf(job, name);
      entry.resume();
      return;
    default:
      throw refused(
        job.file,
        'files and folders',
        `a ${type ?? 'nameless kind of entry'}: ${name.slice(0, 200)}`,
      );
  }
}

/** A single file, called as the archive without `.gz`. */
async function unpackGzip(job: Job): Promise<void> {
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

async function unpackZip(job: Job): Promise<void> {
  const zip = await openZip(job.file);
  try {
    if (zip.entryCount > job.limits.entries) throw tooMany(job);
    for await (const entry of entriesOf(zip)) await unpackZipEntry(job, zip, entry);
  } catch (cause) {
    throw asDamage(job.file, cause);
  } finally {
    zip.close();
  }
}

/** Unix links in a zip: the upper half of the attributes is the mode, 0xa000 a symbolic link. */
const LINK_MODE = 0xa000;

async function unpackZipEntry(job: Job, zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<void> {
  const target = targetOf(job, entry.fileName);
  if (entry.fileName.endsWith('/')) return;
  if (((entry.externalFileAttributes >>> 16) & 0xf000) === LINK_MODE) {
    throw refused(job.file, 'files and folders', `a link: ${entry.fileName.slice(0, 200)}`);
  }
  if (entry.isEncrypted())
    throw refused(job.file, 'no encryption', `an encrypted ${entry.fileName.slice(0, 200)}`);
  const content = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
  await writeEntry(target, content, counted(job.budget));
}

function openZip(file: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false, strictFileNames: false }, (error, zip) => {
      if (error) reject(asDamage(file, error));
      else resolve(zip);
    });
  });
}

async function* entriesOf(zip: yauzl.ZipFile): AsyncGenerator<yauzl.Entry> {
  for (;;) {
    const entry = await new Promise<yauzl.Entry | null>((resolve, reject) => {
      const settle = () => zip.removeAllListeners();
      zip.once('entry', (found: yauzl.Entry) => {
        settle();
        resolve(found);
      });
      zip.once('end', () => {
        settle();
        resolve(null);
      });
      zip.once('error', (error: Error) => {
        settle();
        reject(error);
      });
      zip.readEntry();
    });
    if (entry === null) return;
    yield entry;
  }
}

function tooMany({ file, limits }: Job): SourceError {
  return refused(file, `at most ${limits.entries} entries`, 'more');
}

function refused(file: string, expected: string, actual: string): SourceError {
  const remedy = 'Unpack it by hand if you trust it, and import the file inside.';
  return new SourceError('SourceUnsupported', { file, expected, actual, remedy });
}

/** What the libraries say about a damaged archive, wrapped where it enters; errors of the disk stay what they are. */
function asDamage(file: string, cause: unknown): SourceError {
  if (cause instanceof SourceError) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  if (/^(ENOSPC|EACCES|EIO|EMFILE|ENOENT|EPERM|EROFS)$/.test(code)) return unreadable(file, cause);
  const actual = cause instanceof Error ? cause.message : String(cause);
  return new SourceError('SourceDamaged', { file, expected: 'a whole archive', actual }, { cause });
}

import type { Readable } from 'node:stream';
import yauzl from 'yauzl';
import {
  asDamage,
  counted,
  refused,
  targetOf,
  tooMany,
  type UnpackJob,
  writeEntry,
} from './archive-entries.ts';

/** @throws SourceDamaged, SourceUnsupported */
export async function unpackZip(job: UnpackJob): Promise<void> {
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

async function unpackZipEntry(job: UnpackJob, zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<void> {
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
    yauzl.open(file, { lazyEntries: true, strictFileNames: false }, (error, zip) => {
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

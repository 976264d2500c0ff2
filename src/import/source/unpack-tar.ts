import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';
import { OutputFailed, SourceError } from '../../errors.ts';
import {
  asDamage,
  counted,
  refused,
  targetOf,
  tooMany,
  type UnpackJob,
  writeEntry,
} from './archive-entries.ts';

/**
 * @param compressed a .tar.gz
 * @throws SourceDamaged, SourceUnsupported
 */
export async function unpackTar(job: UnpackJob, compressed: boolean): Promise<void> {
  // Old archives have no magic; all have a checksum a header, which is looked at.
  const extract = tar.extract({ allowUnknownFormat: true } as object);
  let entries = 0;
  let current: Promise<void> = Promise.resolve();
  extract.on('entry', (header, content, next) => {
    // A stream of another library with the same interface; `pipeline` takes both.
    const stream = content as unknown as Readable;
    // Entries that are not written fail with the archive, which is reported elsewhere.
    stream.on('error', () => undefined);
    current =
      ++entries > job.limits.entries ? Promise.reject(tooMany(job)) : unpackTarEntry(job, header, stream);
    current.then(
      () => next(),
      (error: Error) => next(error),
    );
  });
  const input = createReadStream(job.file);
  const streams = compressed ? [input, createGunzip()] : [input];
  try {
    await pipeline([...streams, counted(job.budget), extract]);
  } catch (cause) {
    // What the entry says is the reason, where it has one; and nothing may be written once the directory is gone.
    const reason: unknown = await current.catch((error: unknown) => error);
    const isReason = reason instanceof SourceError || reason instanceof OutputFailed;
    throw asDamage(job.file, isReason ? reason : cause);
  }
}

async function unpackTarEntry(job: UnpackJob, { name, type }: tar.Header, content: Readable): Promise<void> {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return await writeEntry(targetOf(job, name), content);
    case 'directory':
      if (!/^(\.\/?)*$/.test(name)) targetOf(job, name);
      content.resume();
      return;
    default:
      throw refused(
        job.file,
        'files and folders',
        `a ${type ?? 'nameless kind of entry'}: ${name.slice(0, 200)}`,
      );
  }
}

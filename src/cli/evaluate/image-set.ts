/** The images of a data set, by name, from a directory or a zip archive. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import yauzl from 'yauzl';
import { ImageNotFound, ImageTooLarge, InvalidRequest } from '../../errors.ts';
import { MAX_IMAGE_BYTES } from '../../model/image.ts';
import { isImageName, readImage } from '../shared/inputs.ts';

export interface ImageSet {
  /** Of all images, sorted: files directly in the directory, or anywhere in the archive, that end as images do. */
  names(): Promise<string[]>;
  /** @throws ImageNotFound, ImageTooLarge, UnsupportedImage */
  read(name: string): Promise<Uint8Array>;
  close(): void;
}

/**
 * Opens a directory or a zip archive (told by its first bytes).
 * @throws InvalidRequest when it is neither
 */
export async function openImageSet(path: string): Promise<ImageSet> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InvalidRequest(`${path}: no such directory or zip archive`, { cause });
  });
  if (found.isDirectory()) return directorySet(path);
  const start = await buffer(createReadStream(path, { end: 3 }));
  if (start.toString('latin1', 0, 2) !== 'PK') {
    throw new InvalidRequest(`${path}: neither a directory nor a zip archive`);
  }
  return zipSet(path);
}

function directorySet(directory: string): ImageSet {
  return {
    names: async () => (await readdir(directory)).filter(isImageName).sort(),
    read: (name) => readImage(join(directory, name)),
    close: () => undefined,
  };
}

/** Entries are known by their last path component: archives differ in the folder they put images in. */
async function zipSet(path: string): Promise<ImageSet> {
  const zip = await openZip(path);
  const entries = await listEntries(path, zip);
  return {
    names: async () => [...entries.keys()].filter(isImageName).sort(),
    read: async (name) => {
      const entry = entries.get(name);
      if (entry === undefined) throw new ImageNotFound(`${path} has no ${name}`);
      if (entry.uncompressedSize > MAX_IMAGE_BYTES) {
        throw new ImageTooLarge(`${name} has ${entry.uncompressedSize} bytes, more than ${MAX_IMAGE_BYTES}`);
      }
      return readEntry(zip, entry);
    },
    close: () => zip.close(),
  };
}

function openZip(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (cause, zip) => {
      if (cause) reject(damaged(path, cause));
      else resolve(zip);
    });
  });
}

function listEntries(path: string, zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  const entries = new Map<string, yauzl.Entry>();
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: yauzl.Entry) => {
      if (!entry.fileName.endsWith('/')) entries.set(basename(entry.fileName), entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', (cause: Error) => reject(damaged(path, cause)));
    zip.readEntry();
  });
}

function readEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (cause, stream) => {
      if (cause) reject(damaged(entry.fileName, cause));
      else buffer(stream).then(resolve, (error: Error) => reject(damaged(entry.fileName, error)));
    });
  });
}

function damaged(path: string, cause: Error): InvalidRequest {
  return new InvalidRequest(`${path}: damaged zip archive: ${cause.message}`, { cause });
}

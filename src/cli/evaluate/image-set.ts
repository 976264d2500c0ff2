/** The images of a data set, by path, from a directory or a zip archive. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import yauzl from 'yauzl';
import { ImageNotFound, ImageTooLarge, InvalidRequest } from '../../errors.ts';
import { MAX_IMAGE_BYTES } from '../../model/image.ts';
import { isImageName, readImage, walkInputs } from '../shared/inputs.ts';

export interface ImageSet {
  /** Of all files that end as images do, at any depth, sorted; relative, with `/` between their parts. */
  paths(): Promise<string[]>;
  /** @throws ImageNotFound, ImageTooLarge, UnsupportedImage */
  read(path: string): Promise<Uint8Array>;
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
    async paths() {
      const paths: string[] = [];
      for await (const path of walkInputs([directory], isImageName)) {
        if (path !== directory) paths.push(relative(directory, path).replaceAll(sep, '/'));
      }
      return paths.sort();
    },
    read: (path) => readImage(join(directory, path)),
    close: () => undefined,
  };
}

async function zipSet(place: string): Promise<ImageSet> {
  const zip = await openZip(place);
  const entries = await listEntries(place, zip);
  return {
    paths: async () => [...entries.keys()].filter(isPhotograph).sort(),
    read: async (path) => {
      const entry = entries.get(path);
      if (entry === undefined) throw new ImageNotFound(`${place} has no ${path}`);
      if (entry.uncompressedSize > MAX_IMAGE_BYTES) {
        throw new ImageTooLarge(`${path} has ${entry.uncompressedSize} bytes, more than ${MAX_IMAGE_BYTES}`);
      }
      return readEntry(zip, entry);
    },
    close: () => zip.close(),
  };
}

/** Not what macOS puts beside each file of an archive, `__MACOSX/._photo.jpg`, and no other hidden file. */
function isPhotograph(path: string): boolean {
  return isImageName(path) && !/(?:^|\/)\./.test(path);
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
      if (!entry.fileName.endsWith('/')) entries.set(entry.fileName, entry);
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

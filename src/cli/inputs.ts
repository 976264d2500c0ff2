/** Arguments of a command line to image files, and image files to bytes. */
import { constants, glob, open, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ImageNotFound, ImageTooLarge, UnsupportedImage } from '../errors.ts';
import { MAX_IMAGE_BYTES } from '../model/image.ts';

/** In place of a file name: standard input. */
export const STDIN = '-';

/** What a directory or a pattern picks; a file that is named outright may have any name. */
const IMAGE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/**
 * Image files that the arguments name, in their order: files as they stand, directories with all below them, glob
 * patterns. An argument that names nothing stays in the list, and fails when it is read.
 */
export async function expandInputs(args: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(args.map(expand));
  return lists.flat();
}

async function expand(arg: string): Promise<string[]> {
  if (arg === STDIN) return [arg];
  const found = await stat(arg).catch(() => null);
  if (found?.isDirectory()) return orItself(arg, await imagesBelow(arg));
  if (found === null && /[*?[{]/.test(arg)) return orItself(arg, await matches(arg));
  return [arg];
}

function orItself(arg: string, found: string[]): string[] {
  return found.length > 0 ? found : [arg];
}

/** A directory that cannot be listed stays in the list, so that it fails by name. */
async function imagesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null);
  if (entries === null) return [directory];
  const lists = await Promise.all(
    entries
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry) => {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) return imagesBelow(path);
        return isImageName(entry.name) ? [path] : [];
      }),
  );
  return lists.flat();
}

async function matches(pattern: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern)) if (isImageName(name)) names.push(name);
  return names.sort();
}

function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(name).toLowerCase());
}

/**
 * Bytes of an image file, or of standard input.
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage
 */
export async function readImage(name: string): Promise<Uint8Array> {
  if (name === STDIN) return readStream(process.stdin);
  // Not blocking: opening a pipe that nobody writes to would wait for ever.
  const file = await open(name, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw notFound(name, cause);
  });
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new ImageNotFound('a directory without images in it');
    // A device or a pipe may never end.
    if (!found.isFile()) throw new UnsupportedImage('not a regular file; pipe it in and give - as its name');
    if (found.size > MAX_IMAGE_BYTES) {
      throw new ImageTooLarge(`the file has ${found.size} bytes, more than ${MAX_IMAGE_BYTES}`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function readStream(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > MAX_IMAGE_BYTES)
      throw new ImageTooLarge(`standard input has more than ${MAX_IMAGE_BYTES} bytes`);
    chunks.push(buffer);
  }
  return Buffer.concat(chunks);
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'symbolic links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
};

function notFound(name: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'EMFILE' || code === 'ENFILE') return cause as Error;
  return new ImageNotFound(REASONS[code] ?? `${name} cannot be opened: ${code}`, { cause });
}

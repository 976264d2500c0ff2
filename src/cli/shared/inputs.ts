/** Arguments of a command line to image files, and image files to bytes. */
import { glob, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { kindOfEnding } from '../../caption/image-input.ts';
import { readImageFile, readImageStream } from '../../model/image-file.ts';

/** In place of a file name: standard input. */
const STDIN = '-';

/**
 * Image files that the arguments name, in their order: files as they stand, directories with all below them, glob
 * patterns. An argument that names nothing is yielded itself, and fails when it is read. A directory is listed when its
 * turn comes, so that a large tree is never held as a whole.
 */
export async function* walkInputs(args: readonly string[]): AsyncGenerator<string> {
  for (const arg of args) {
    let found = false;
    for await (const image of imagesOf(arg)) {
      found = true;
      yield image;
    }
    if (!found) yield arg;
  }
}

/** How many `walkInputs` yields. */
export async function countInputs(args: readonly string[]): Promise<number> {
  let count = 0;
  for await (const _ of walkInputs(args)) count++;
  return count;
}

/** All at once. */
export async function expandInputs(args: readonly string[]): Promise<string[]> {
  const images: string[] = [];
  for await (const image of walkInputs(args)) images.push(image);
  return images;
}

async function* imagesOf(arg: string): AsyncGenerator<string> {
  if (arg === STDIN) return;
  const found = await stat(arg).catch(() => null);
  if (found?.isDirectory()) yield* imagesBelow(arg);
  else if (found === null && /[*?[{]/.test(arg)) yield* await matches(arg);
}

/** A directory that cannot be listed is yielded itself, so that it fails by name. */
async function* imagesBelow(directory: string): AsyncGenerator<string> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    yield directory;
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* imagesBelow(path);
    else if (isImageName(entry.name)) yield path;
  }
}

async function matches(pattern: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern)) if (isImageName(name)) names.push(name);
  return names.sort();
}

/** Whether a file's name ends as those of images do. */
export function isImageName(name: string): boolean {
  return kindOfEnding(extname(name).slice(1).toLowerCase()) !== null;
}

/**
 * Bytes of an image file, or of standard input.
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage
 */
export async function readImage(name: string): Promise<Uint8Array> {
  return name === STDIN ? readImageStream(process.stdin, 'standard input') : readImageFile(name);
}

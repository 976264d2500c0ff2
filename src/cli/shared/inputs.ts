/** Arguments of a command line to files, and image files to bytes. */
import { glob, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { isPictureEnding, kindOfEnding } from '../../caption/image-input.ts';
import { readImageFile, readImageStream } from '../../model/image-file.ts';
import { filesBelow, isMeant } from './walk.ts';

/** In place of a file name: standard input. */
const STDIN = '-';

/** By the name of a file. */
type Wanted = (name: string) => boolean;

/**
 * Files that the arguments name, in their order: files as they stand, directories with all wanted ones below them, glob
 * patterns. An argument that names nothing is yielded itself, and fails when it is read. A directory is listed when its
 * turn comes, so that a large tree is never held as a whole.
 * @param wanted default: pictures, also those that cannot be read, which then fail by name
 */
export async function* walkInputs(
  args: readonly string[],
  wanted: Wanted = isPictureName,
): AsyncGenerator<string> {
  for (const arg of args) {
    let found = false;
    for await (const image of filesOf(arg, wanted)) {
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
export async function expandInputs(args: readonly string[], wanted: Wanted): Promise<string[]> {
  const files: string[] = [];
  for await (const file of walkInputs(args, wanted)) files.push(file);
  return files;
}

async function* filesOf(arg: string, wanted: Wanted): AsyncGenerator<string> {
  if (arg === STDIN) return;
  const found = await stat(arg).catch(() => null);
  if (found?.isDirectory()) yield* filesBelow(arg, wanted);
  else if (found === null && /[*?[{]/.test(arg)) yield* await matches(arg, wanted);
}

/** Files alone: a folder may be called IMG_1.jpg. What a directory would leave out, a pattern must name itself. */
async function matches(pattern: string, wanted: Wanted): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern)) {
    if (!wanted(basename(name)) || (!isMeant(name) && isMeant(pattern))) continue;
    if (!(await stat(name).catch(() => null))?.isDirectory()) names.push(name);
  }
  return names.sort();
}

/** Whether a file's name ends as those of images do that can be read. */
export function isImageName(name: string): boolean {
  return kindOfEnding(endingOf(name)) !== null;
}

function isPictureName(name: string): boolean {
  return isPictureEnding(endingOf(name));
}

function endingOf(name: string): string {
  return extname(name).slice(1).toLowerCase();
}

/**
 * Bytes of an image file, or of standard input.
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage
 */
export async function readImage(name: string): Promise<Uint8Array> {
  return name === STDIN ? readImageStream(process.stdin, 'standard input') : readImageFile(name);
}

/** XMP beside an image: XMP specification part 3, section 1.2 ("sidecar" files), named as Adobe's programs do. */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import { wordsInOriginal } from './describe-image.ts';
import { partBeside, refuseOddName, replaceFile } from './replace-file.ts';
import { describe, type Field, fieldHeldBy } from './xmp-packet.ts';

/** `DSC_0001.NEF` → `DSC_0001.xmp` */
export function sidecarOf(image: string): string {
  return join(dirname(image), `${basename(image, extname(image))}.xmp`);
}

/**
 * Puts `text` into the sidecar of an image, new or with all that it has. Somebody's words in the image itself stay what is shown.
 * @throws InvalidRequest when it cannot be written; UnsupportedImage when it is no XMP
 */
export async function describeSidecar(
  image: string,
  bytes: Uint8Array,
  text: string,
  overwrite: boolean,
): Promise<{ written: Field[]; kept: string[] }> {
  refuseOddName(image);
  const path = sidecarOf(image);
  const old = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw new InvalidRequest(`${path} cannot be read (${cause.code})`, { cause });
  });
  const elsewhere = overwrite ? [] : wordsInOriginal(bytes);
  const conditions = { overwrite, taken: elsewhere.map(fieldHeldBy), room: Infinity };
  const { packet, written, kept } = describe(old, text, conditions);
  if (packet !== null) await (old === null ? create(path, packet) : replaceFile(path, old, packet));
  return { written, kept: [...new Set([...kept, ...elsewhere])] };
}

/** Whole or not at all, and never over what somebody else has just put there. */
async function create(path: string, content: Uint8Array): Promise<void> {
  const beside = partBeside(path);
  try {
    await writeFile(beside, content, { flag: 'wx' });
    await link(beside, path);
  } catch (cause) {
    throw new InvalidRequest(`${path} cannot be written (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  } finally {
    await rm(beside, { force: true });
  }
}

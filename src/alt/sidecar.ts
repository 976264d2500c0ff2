/** XMP beside an image: XMP specification part 3, section 1.2 ("sidecar" files), named as Adobe's programs do. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import { ChangedMeanwhile, refuseOddName, replaceFile } from '../files/replace-file.ts';
import { putNewFile } from '../files/write-file.ts';
import { wordsInOriginal } from './describe-image.ts';
import { describe, type Field, fieldHeldBy } from './xmp-packet.ts';

/** `DSC_0001.NEF` → `DSC_0001.xmp` */
export function sidecarOf(image: string): string {
  return join(dirname(image), `${basename(image, extname(image))}.xmp`);
}

/**
 * Puts `text` into the sidecar of an image, new or with all that it has. Somebody's words in the image itself stay what is shown.
 * @throws ChangedMeanwhile when somebody wrote it just now; InvalidRequest when it cannot be written; UnsupportedImage when it is no
 * XMP; OutputFailed when the disk is full
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
  if (packet !== null && old !== null) await replaceFile(path, old, packet);
  else if (packet !== null && !(await putNewFile(path, packet))) throw new ChangedMeanwhile(path);
  return { written, kept: [...new Set([...kept, ...elsewhere])] };
}

/** Bytes of image files and streams, never more than an image may have. */
import { constants, open, readdir } from 'node:fs/promises';
import { ImageNotFound, ImageTooLarge, InvalidRequest, UnsupportedImage } from '../errors.ts';
import { systemPath } from './file-name.ts';
import { MAX_IMAGE_BYTES } from './image.ts';

/**
 * @param path of a regular file
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage, none of which names the file
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  // Not blocking: opening a pipe that nobody writes to would wait for ever.
  const name = systemPath(path);
  const file = await open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw notFound(path, cause);
  });
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new ImageNotFound(await whyEmpty(path, 'images'));
    // A device or a pipe may never end.
    if (!found.isFile())
      throw new UnsupportedImage('not a regular file; give it as a stream (- on the command line)');
    if (found.size > MAX_IMAGE_BYTES) {
      throw new ImageTooLarge(`the file has ${found.size} bytes, more than ${MAX_IMAGE_BYTES}`);
    }
    return await file.readFile();
  } catch (cause) {
    // A disk that fails, a share that is gone: this file's failure, whatever becomes of the next.
    throw isSystemError(cause) ? notFound(path, cause) : cause;
  } finally {
    await file.close();
  }
}

/**
 * @param name what the stream is, for messages
 * @throws ImageTooLarge as soon as it has too many bytes; InvalidRequest when it has anything else than bytes; what the
 * stream throws passes through
 */
export async function readImageStream(stream: AsyncIterable<unknown>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new InvalidRequest(`${name} has chunks that are not bytes`);
    bytes += chunk.length;
    if (bytes > MAX_IMAGE_BYTES) throw new ImageTooLarge(`${name} has more than ${MAX_IMAGE_BYTES} bytes`);
    chunks.push(chunk);
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

/** What is wrong with a directory that nothing was found in. */
export async function whyEmpty(path: string, sought: string): Promise<string> {
  return await readdir(systemPath(path)).then(
    () => `a directory without ${sought} in it`,
    (cause: unknown) => whyUnopened(path, cause),
  );
}

/** What to say of a file or directory that the system does not open. */
export function whyUnopened(path: string, cause: unknown): string {
  const code = codeOf(cause);
  // What Node makes of names that are no UTF-8 in arguments and patterns; directories are listed byte by byte.
  if (code === 'ENOENT' && path.includes('\uFFFD')) {
    return 'no such file; if its name is not UTF-8, name its directory, or rename it (convmv)';
  }
  return REASONS[code] ?? `cannot be read (${code})`;
}

function notFound(path: string, cause: unknown): Error {
  if (['EMFILE', 'ENFILE'].includes(codeOf(cause))) return cause as Error;
  return new ImageNotFound(whyUnopened(path, cause), { cause });
}

function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && 'syscall' in cause;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

/** Bytes of image files and streams, never more than an image may have. */
import { constants, open } from 'node:fs/promises';
import { ImageNotFound, ImageTooLarge, InvalidRequest, UnsupportedImage } from '../errors.ts';
import { MAX_IMAGE_BYTES } from './image.ts';

/**
 * @param path of a regular file
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage, none of which names the file
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  // Not blocking: opening a pipe that nobody writes to would wait for ever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw notFound(path, cause);
  });
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new ImageNotFound('a directory without images in it');
    // A device or a pipe may never end.
    if (!found.isFile())
      throw new UnsupportedImage('not a regular file; give it as a stream (- on the command line)');
    if (found.size > MAX_IMAGE_BYTES) {
      throw new ImageTooLarge(`the file has ${found.size} bytes, more than ${MAX_IMAGE_BYTES}`);
    }
    return await file.readFile();
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

function notFound(name: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'EMFILE' || code === 'ENFILE') return cause as Error;
  return new ImageNotFound(REASONS[code] ?? `${name} cannot be opened: ${code}`, { cause });
}

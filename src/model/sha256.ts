import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes read at a time; one buffer, since a stream's many would stand in memory beside the graph. */
const CHUNK_BYTES = 1 << 18;

/**
 * SHA-256 of a file, lower-case hexadecimal.
 * @throws what the file system says
 */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const handle = await open(file);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

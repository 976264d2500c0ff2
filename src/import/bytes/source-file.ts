/** Positioned reads of a large file: nothing is held but what was asked for. */
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SourceError } from '../../errors.ts';
import { damaged } from './damaged.ts';

/**
 * im2txt's files have 150 MB; with optimizer slots and moving averages 600 MB. Larger ones are something else, and
 * all sizes below are exact in a double.
 */
export const MAX_SOURCE_BYTES = 8 * 2 ** 30;

/** One read system call moves at most 2 GiB - 4 KiB on Linux; this stays far below. */
const MAX_READ_BYTES = 2 ** 30;
/**
 * Smaller reads block: a graph has hundreds of vectors of a kilobyte, and the way through the thread pool costs fifty
 * times what the read does.
 */
const SMALL_READ_BYTES = 64 << 10;

export interface SourceFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** A new buffer, owned by the caller. @throws SourceDamaged when the file ends before. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Fills `target`. @throws SourceDamaged when the file ends before. */
  readInto(target: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws SourceUnreadable, SourceUnsupported (too large) */
export async function openSourceFile(path: string): Promise<SourceFile> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw unreadable(path, new Error('not a regular file'));
    if (found.size > MAX_SOURCE_BYTES) {
      throw new SourceError('SourceUnsupported', {
        file: path,
        expected: `at most ${MAX_SOURCE_BYTES} bytes`,
        actual: `${found.size} bytes`,
      });
    }
    return sourceFile(path, found.size, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function sourceFile(path: string, size: number, handle: FileHandle): SourceFile {
  async function readSome(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    try {
      if (length <= SMALL_READ_BYTES) return readSync(handle.fd, target, at, length, position);
      return (await handle.read(target, at, length, position)).bytesRead;
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }
  async function readInto(target: Uint8Array, offset: number): Promise<void> {
    checkRange(path, size, offset, target.length);
    let done = 0;
    while (done < target.length) {
      const length = Math.min(target.length - done, MAX_READ_BYTES);
      const bytesRead = await readSome(target, done, length, offset + done);
      // The file shrank after it was opened.
      if (bytesRead === 0) throw damaged(path, offset + done, `${size} bytes`, 'the end of the file');
      done += bytesRead;
    }
  }
  return {
    path,
    size,
    readInto,
    async read(offset, length) {
      // Before allocating: `length` may come from the file itself.
      checkRange(path, size, offset, length);
      const target = Buffer.allocUnsafeSlow(length);
      await readInto(target, offset);
      return target;
    },
    close: () => handle.close(),
  };
}

function checkRange(path: string, size: number, offset: number, length: number): void {
  const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (sane && offset + length <= size) return;
  throw damaged(
    path,
    Math.min(offset, size),
    `${length} bytes`,
    `${Math.max(0, size - offset)} up to the end`,
  );
}

/** Wraps what the file system said. */
export function unreadable(file: string, cause: unknown): SourceError {
  const actual = cause instanceof Error ? cause.message : String(cause);
  return new SourceError('SourceUnreadable', { file, expected: 'a readable file', actual }, { cause });
}

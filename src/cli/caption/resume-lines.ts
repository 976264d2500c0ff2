/** Lines of a file with their places, read piece by piece: results of many images outgrow memory. */
import { readSync } from 'node:fs';

/** A result has a few kilobytes, with the trace of the widest search a megabyte; a file without lines is no results. */
const MAX_LINE_BYTES = 16 << 20;

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface Line {
  /** Without the newline. */
  bytes: Buffer;
  /** Of its first byte in the file. */
  offset: number;
  /** False where the file ends amid the line. */
  ended: boolean;
}

/**
 * @param file open for reading
 * @throws RangeError when a line is too long to be a result
 */
export function* linesOf(file: number): Generator<Line> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  for (const chunk of chunksOf(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE, from)) {
      yield { bytes: rest.subarray(from, end), offset: offset + from, ended: true };
      from = end + 1;
    }
    offset += from;
    rest = rest.subarray(from);
    if (rest.length > MAX_LINE_BYTES) throw new RangeError(`a line has more than ${MAX_LINE_BYTES} bytes`);
  }
  if (rest.length > 0) yield { bytes: rest, offset, ended: false };
}

function* chunksOf(file: number): Generator<Buffer> {
  for (let position = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const bytes = readSync(file, chunk, 0, CHUNK_BYTES, position);
    if (bytes === 0) return;
    position += bytes;
    yield chunk.subarray(0, bytes);
  }
}

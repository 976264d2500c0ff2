/** Lines on standard error that a server can do without: whoever reads them may be slow or gone, the disk may be full. */
import { writeSync } from 'node:fs';

/** Bytes that wait for a slow reader; the memory is better used for images. */
const MAX_WAITING_BYTES = 256 << 10;
/** From a failure to the next try. */
const RETRY_MS = 1_000;
const STDERR = 2;

/** @param lostLine what to say once lines can be written again, of so many that could not */
export type LineWriter = (line: string, lostLine: (lost: number) => string) => void;

/** Never throws, never waits: lines that cannot be written are counted. */
export function createLineWriter(): LineWriter {
  const { stderr } = process;
  let lost = 0;
  let hasFailed = false;
  let retryAt = 0;

  const fail = (lines: number) => {
    lost += lines;
    // A stream is of no use after its first failure; what is behind it may be again.
    hasFailed = true;
    retryAt = performance.now() + RETRY_MS;
  };
  stderr.on('error', () => fail(0));

  return (line, lostLine) => {
    const isClogged = hasFailed ? performance.now() < retryAt : stderr.writableLength > MAX_WAITING_BYTES;
    if (isClogged) {
      lost++;
      return;
    }
    const before = lost;
    lost = 0;
    const text = before > 0 ? lostLine(before) + line : line;
    if (hasFailed) {
      // What was written last may have been cut off.
      if (!writeNow(before > 0 ? `\n${text}` : text)) fail(before + 1);
    } else {
      stderr.write(text, (error) => {
        if (error) fail(before + 1);
      });
    }
  };
}

/** @returns whether all of it was written */
function writeNow(text: string): boolean {
  const bytes = Buffer.from(text);
  try {
    return writeSync(STDERR, bytes) === bytes.length;
  } catch {
    return false;
  }
}

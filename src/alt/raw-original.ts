/**
 * Cameras' originals. Most begin as TIFF does and have a small preview where TIFF has its picture; programs that write
 * into them have cost photographers their negatives, so that none is trusted to.
 */
import { ENTRY_BYTES, entriesOf, type Order, orderOf, valueBytes } from './words/tiff-directory.ts';

const OFFSET_BYTES = 4;
/** TIFF 6.0, supplement 1 (SubIFDs); DNG specification 1.7 (DNGVersion, and what its raw pictures are). */
const TAGS = { photometric: 262, subDirectories: 330, dngVersion: 50_706 };
const RAW_PHOTOMETRICS = [32_803, 34_892]; // colour filter array, linear raw
/** Originals have four to eight; a file that leads in circles must end. */
const MAX_DIRECTORIES = 32;

/** Whether TIFF's directories hold a camera's raw picture, whatever the file is called. */
export function isRawOriginal(file: Uint8Array): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const start = bytes.toString('latin1', 0, 10);
  if (!/^(?:II\*\0|MM\0\*)/.test(start)) return false;
  // Canon's mark behind the header.
  if (start.endsWith('CR')) return true;
  return bytes.length >= 8 && hasRawDirectory(bytes, orderOf(bytes));
}

function hasRawDirectory(bytes: Buffer, order: Order): boolean {
  const directories = [order.u32(4)];
  for (let i = 0; i < Math.min(directories.length, MAX_DIRECTORIES); i++) {
    const directory = directories[i]!;
    const entries = directory === 0 ? null : entriesOf(bytes, directory, order);
    for (const entry of entries ?? []) {
      if (entry.tag === TAGS.dngVersion) return true;
      if (entry.tag === TAGS.photometric && RAW_PHOTOMETRICS.includes(order.u16(entry.at + 8))) return true;
      if (entry.tag !== TAGS.subDirectories) continue;
      const { length = 0, byteOffset = 0 } = valueBytes(bytes, entry, order) ?? {};
      const from = byteOffset - bytes.byteOffset;
      const end = Math.min(length, MAX_DIRECTORIES * OFFSET_BYTES);
      for (let at = 0; at + OFFSET_BYTES <= end; at += OFFSET_BYTES) directories.push(order.u32(from + at));
    }
    if (entries !== null) directories.push(order.u32(directory + 2 + entries.length * ENTRY_BYTES));
  }
  return false;
}

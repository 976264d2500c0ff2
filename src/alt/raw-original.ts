/**
 * Cameras' originals. Most begin as TIFF does and have a small preview where TIFF has its picture; programs that write
 * into them have cost photographers their negatives, so that none is trusted to.
 */

const NEXT_OFFSET = 4;
const ENTRY_BYTES = 12;
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
  return hasRawDirectory(bytes, start.startsWith('II'));
}

function hasRawDirectory(bytes: Buffer, little: boolean): boolean {
  const u16 = (at: number) =>
    at + 2 > bytes.length ? 0 : little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  const u32 = (at: number) =>
    at + 4 > bytes.length ? 0 : little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const directories = [u32(4)];
  for (let i = 0; i < Math.min(directories.length, MAX_DIRECTORIES); i++) {
    const directory = directories[i]!;
    const count = directory === 0 ? 0 : u16(directory);
    for (let entry = 0; entry < count; entry++) {
      const at = directory + 2 + entry * ENTRY_BYTES;
      const [tag, values, value] = [u16(at), u32(at + 4), at + 8];
      if (tag === TAGS.dngVersion) return true;
      if (tag === TAGS.photometric && RAW_PHOTOMETRICS.includes(u16(value))) return true;
      if (tag !== TAGS.subDirectories) continue;
      // One offset stands in the entry, several where the entry points to.
      const from = values === 1 ? value : u32(value);
      for (let n = 0; n < Math.min(values, MAX_DIRECTORIES); n++)
        directories.push(u32(from + n * NEXT_OFFSET));
    }
    directories.push(u32(directory + 2 + count * ENTRY_BYTES));
  }
  return false;
}

/** TIFF directories, in TIFF files and in EXIF: TIFF 6.0, section 2. */

export interface Entry {
  tag: number;
  type: number;
  /** Values, not bytes. */
  count: number;
  /** Of the entry in the file. */
  at: number;
}

/** Reads and writes numbers in the file's own byte order. */
export interface Order {
  u16(at: number): number;
  u32(at: number): number;
  put16(value: number, to: Buffer, at: number): void;
  put32(value: number, to: Buffer, at: number): void;
}

export const ENTRY_BYTES = 12;
/** The only types that differ are those of one byte: BYTE, ASCII, SBYTE, UNDEFINED, and UTF-8 of EXIF 3.0. */
const TYPE_BYTES = new Map([
  ...[1, 2, 6, 7, 129].map((type) => [type, 1] as const),
  ...[3, 8].map((type) => [type, 2] as const),
  ...[4, 9, 11, 13].map((type) => [type, 4] as const),
]);

/** @param bytes at least two */
export function orderOf(bytes: Buffer): Order {
  return bytes[0] === 0x49
    ? {
        u16: (at) => bytes.readUInt16LE(at),
        u32: (at) => bytes.readUInt32LE(at),
        put16: (value, to, at) => to.writeUInt16LE(value, at),
        put32: (value, to, at) => to.writeUInt32LE(value, at),
      }
    : {
        u16: (at) => bytes.readUInt16BE(at),
        u32: (at) => bytes.readUInt32BE(at),
        put16: (value, to, at) => to.writeUInt16BE(value, at),
        put32: (value, to, at) => to.writeUInt32BE(value, at),
      };
}

/** `null` for a directory that reaches out of the bytes. */
export function entriesOf(bytes: Buffer, directory: number, { u16, u32 }: Order): Entry[] | null {
  if (directory + 2 > bytes.length) return null;
  const count = u16(directory);
  // The offset of the next directory follows the entries.
  if (directory + 2 + count * ENTRY_BYTES + 4 > bytes.length) return null;
  return Array.from({ length: count }, (_, i) => {
    const at = directory + 2 + i * ENTRY_BYTES;
    return { tag: u16(at), type: u16(at + 2), count: u32(at + 4), at };
  });
}

/** Of one value. */
export function sizeOf(type: number): number {
  return TYPE_BYTES.get(type) ?? 8;
}

/** The values' bytes in place, `null` where they reach out of the file. */
export function valueBytes(bytes: Buffer, { type, count, at }: Entry, { u32 }: Order): Buffer | null {
  const length = count * sizeOf(type);
  const start = length <= 4 ? at + 8 : u32(at + 8);
  return start + length > bytes.length ? null : bytes.subarray(start, start + length);
}

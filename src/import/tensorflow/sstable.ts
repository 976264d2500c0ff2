/**
 * LevelDB's table format, as TensorFlow writes it (leveldb doc/table_format.md; tensorflow/core/lib/io/table*.cc):
 *
 *   data blocks, meta blocks, meta-index block, index block, footer
 *   block:   entries, then restart offsets (uint32 each), then their number (uint32)
 *   entry:   varint shared, varint unshared, varint value length, unshared bytes of the key, value
 *   trailer: after every block one byte of compression (0 none, 1 Snappy), then the masked CRC-32C of block and type
 *   footer:  the last 48 bytes: handles of meta-index and index (varint offset, varint size each), zeros up to byte
 *            40, the magic number 0xdb4775248b80fb57
 *
 * An index entry maps a key not below the last one of a data block to that block's handle. All little endian.
 */
import { SourceError } from '../../errors.ts';
import { crc32c, hex32, maskCrc } from '../bytes/crc32c.ts';
import { damaged } from '../bytes/damaged.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import { readVarint } from '../bytes/varint.ts';

export const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex');
const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
/** im2txt has 383 tensors, three times as many with optimizer slots; bounds the memory that names take. */
export const MAX_TABLE_ENTRIES = 20_000;
/** im2txt's longest name has 90 bytes. A short entry can repeat a long key, so its length is bounded too. */
const MAX_KEY_BYTES = 1024;

export interface BlockHandle {
  /** Bytes from the start of the file. */
  offset: number;
  /** Bytes, without the trailer. */
  size: number;
}

export interface TableEntry {
  key: string;
  /** A view into the block: valid as long as the block's buffer is. */
  value: Buffer;
  /** Where the value stands in the file. */
  offset: number;
}

/**
 * Reads and checks footer, meta-index and index.
 * @returns the data blocks in the order of the file
 * @throws SourceDamaged, SourceUnsupported
 */
export async function readTableIndex(file: SourceFile): Promise<BlockHandle[]> {
  const start = file.size - FOOTER_BYTES;
  if (start < 0)
    throw damaged(file.path, 0, `a footer of ${FOOTER_BYTES} bytes`, `${file.size} bytes in all`);
  const footer = await file.read(start, FOOTER_BYTES);
  if (!footer.subarray(40).equals(TABLE_MAGIC)) {
    throw damaged(
      file.path,
      start + 40,
      `LevelDB's magic ${TABLE_MAGIC.toString('hex')}`,
      footer.toString('hex', 40),
    );
  }
  const metaIndex = readHandle(file, footer, 0, start);
  const index = readHandle(file, footer, metaIndex.next, start);
  const padding = footer.subarray(index.next, 40).findIndex((byte) => byte !== 0);
  if (padding >= 0) {
    throw damaged(file.path, start + index.next + padding, 'zeros after the two handles', 'something else');
  }
  readEntries(file, metaIndex.handle, await readBlock(file, metaIndex.handle));
  const entries = readEntries(file, index.handle, await readBlock(file, index.handle));
  return dataBlocks(file, entries, start);
}

function dataBlocks(file: SourceFile, entries: TableEntry[], end: number): BlockHandle[] {
  let free = 0;
  return entries.map((entry) => {
    const { handle, next } = readHandle(file, entry.value, 0, entry.offset);
    if (next !== entry.value.length) {
      throw damaged(file.path, entry.offset + next, 'nothing after a block handle', 'more bytes');
    }
    // Blocks that overlap would let a small file ask for any amount of reading.
    if (handle.offset < free || handle.offset + handle.size + TRAILER_BYTES > end) {
      throw damaged(
        file.path,
        entry.offset,
        `a block between bytes ${free} and ${end}`,
        `offset ${handle.offset}, size ${handle.size}`,
      );
    }
    free = handle.offset + handle.size + TRAILER_BYTES;
    return handle;
  });
}

function readHandle(file: SourceFile, bytes: Buffer, at: number, base: number) {
  const offset = readVarint(bytes, at, bytes.length);
  const size = offset && readVarint(bytes, offset.next, bytes.length);
  if (!offset || !size)
    throw damaged(file.path, base + at, 'a block handle of two varints', 'something else');
  return { handle: { offset: offset.value, size: size.value }, next: size.next };
}

/**
 * One block without its trailer, checksum verified.
 * @param scratch used when it is large enough, so that a pass over a file needs one buffer
 */
export async function readBlock(file: SourceFile, handle: BlockHandle, scratch?: Buffer): Promise<Buffer> {
  const { offset, size } = handle;
  const length = size + TRAILER_BYTES;
  const bytes =
    scratch && scratch.length >= length ? scratch.subarray(0, length) : await file.read(offset, length);
  if (scratch && scratch.length >= length) await file.readInto(bytes, offset);
  const stored = bytes.readUInt32LE(size + 1);
  const computed = maskCrc(crc32c(bytes.subarray(0, size + 1)));
  if (stored !== computed) {
    throw damaged(
      file.path,
      offset,
      `a block of ${size} bytes with CRC32C ${hex32(stored)}`,
      hex32(computed),
    );
  }
  if (bytes[size] !== 0) {
    throw new SourceError('SourceUnsupported', {
      file: file.path,
      offset: offset + size,
      expected: 'an uncompressed block (type 0)',
      actual: bytes[size] === 1 ? 'a Snappy-compressed block' : `compression type ${bytes[size]}`,
      remedy: 'Write the checkpoint again with a standard build of TensorFlow; those do not compress.',
    });
  }
  return bytes.subarray(0, size);
}

/**
 * The entries of a block, keys strictly rising.
 * @param block as `readBlock` gave it; values are views into it
 */
export function readEntries(file: SourceFile, handle: BlockHandle, block: Buffer): TableEntry[] {
  const end = endOfEntries(file, handle, block);
  const entries: TableEntry[] = [];
  let key: Buffer = Buffer.alloc(0);
  for (let at = 0; at < end; ) {
    const shared = readVarint(block, at, end);
    const unshared = shared && readVarint(block, shared.next, end);
    const length = unshared && readVarint(block, unshared.next, end);
    const fits = length && length.next + unshared.value + length.value <= end && shared.value <= key.length;
    if (!fits || shared.value + unshared.value > MAX_KEY_BYTES || entries.length === MAX_TABLE_ENTRIES) {
      throw damaged(
        file.path,
        handle.offset + at,
        `at most ${MAX_TABLE_ENTRIES} entries of a key of ${MAX_KEY_BYTES} bytes and a value inside the block`,
        `entry ${entries.length + 1} with lengths ${shared?.value}, ${unshared?.value}, ${length?.value}`,
      );
    }
    const from = length.next + unshared.value;
    const next = Buffer.concat([key.subarray(0, shared.value), block.subarray(length.next, from)]);
    if (entries.length > 0 && Buffer.compare(key, next) >= 0) {
      throw damaged(file.path, handle.offset + at, `a key after ${key}`, next.toString());
    }
    key = next;
    at = from + length.value;
    entries.push({ key: key.toString(), value: block.subarray(from, at), offset: handle.offset + from });
  }
  return entries;
}

function endOfEntries(file: SourceFile, handle: BlockHandle, block: Buffer): number {
  const restarts = block.length >= 4 ? block.readUInt32LE(block.length - 4) : -1;
  const end = block.length - 4 - 4 * restarts;
  if (restarts >= 0 && end >= 0) return end;
  const at = handle.offset + Math.max(0, block.length - 4);
  throw damaged(
    file.path,
    at,
    `restart points inside a block of ${block.length} bytes`,
    `${restarts} of them`,
  );
}

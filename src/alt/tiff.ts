/** TIFF directories: TIFF 6.0, section 2; XMP in tag 700: XMP specification part 3, section 3.2. */
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';

const XMP_TAG = 700;
const BYTE = 1;
const UNDEFINED = 7;
const ENTRY_BYTES = 12;

interface Entry {
  tag: number;
  type: number;
  count: number;
  /** Of the entry in the file. */
  at: number;
}

/** Reads and writes numbers in the file's own byte order. */
interface Order {
  u16(at: number): number;
  u32(at: number): number;
  put16(value: number, to: Buffer, at: number): void;
  put32(value: number, to: Buffer, at: number): void;
}

/**
 * Nothing moves, since TIFF files are full of offsets, some of which only their writer knows: the packet and a longer
 * directory go to the end of the file.
 * @throws UnsupportedImage
 */
export function readTiff(bytes: Buffer): XmpContainer {
  const order = orderOf(bytes);
  const directory = order.u32(4);
  const entries = entriesOf(bytes, directory, order);
  const old = entries.find(({ tag }) => tag === XMP_TAG);
  return {
    packet: old === undefined ? null : packetOf(bytes, old, order),
    withPacket(packet) {
      const file = Buffer.from(bytes);
      if (old !== undefined) return replaced(file, old, packet, order);
      return added(file, directory, entries, packet, order);
    },
  };
}

function orderOf(bytes: Buffer): Order {
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

function entriesOf(bytes: Buffer, directory: number, { u16, u32 }: Order): Entry[] {
  if (directory + 2 > bytes.length) throw damaged();
  const count = u16(directory);
  // The offset of the next directory follows the entries.
  if (directory + 2 + count * ENTRY_BYTES + 4 > bytes.length) throw damaged();
  return Array.from({ length: count }, (_, i) => {
    const at = directory + 2 + i * ENTRY_BYTES;
    return { tag: u16(at), type: u16(at + 2), count: u32(at + 4), at };
  });
}

function packetOf(bytes: Buffer, { type, count, at }: Entry, { u32 }: Order): Buffer {
  const start = u32(at + 8);
  // Four bytes or fewer would stand in the entry itself, which no packet can.
  if ((type !== BYTE && type !== UNDEFINED) || count <= 4 || start + count > bytes.length) throw damaged();
  return bytes.subarray(start, start + count);
}

function replaced(file: Buffer, { at }: Entry, packet: Buffer, { put32 }: Order): Buffer {
  const start = even(file.length);
  put32(packet.length, file, at + 4);
  put32(start, file, at + 8);
  return Buffer.concat([file, Buffer.alloc(start - file.length), packet]);
}

function added(
  file: Buffer,
  directory: number,
  entries: Entry[],
  packet: Buffer,
  { put16, put32 }: Order,
): Buffer {
  const start = even(file.length);
  const packetStart = start + 2 + (entries.length + 1) * ENTRY_BYTES + 4;
  const head = Buffer.alloc(2);
  put16(entries.length + 1, head, 0);
  const entry = Buffer.alloc(ENTRY_BYTES);
  put16(XMP_TAG, entry, 0);
  put16(BYTE, entry, 2);
  put32(packet.length, entry, 4);
  put32(packetStart, entry, 8);
  // Entries are sorted by their tags.
  const from = directory + 2;
  const to = from + entries.length * ENTRY_BYTES;
  const place = entries.find(({ tag }) => tag > XMP_TAG)?.at ?? to;
  const parts = [head, file.subarray(from, place), entry, file.subarray(place, to + 4), packet];
  const copied = parts.map((part) => Buffer.from(part));
  put32(start, file, 4);
  return Buffer.concat([file, Buffer.alloc(start - file.length), ...copied]);
}

/** Directories begin at even offsets. */
function even(offset: number): number {
  return offset + (offset % 2);
}

function damaged(): UnsupportedImage {
  return new UnsupportedImage('its TIFF directory is damaged, so nothing was written');
}

/** TIFF directories: TIFF 6.0, section 2; XMP in tag 700: XMP specification part 3, section 3.2. */
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { blankDescription, exifTexts } from './words/exif.ts';
import { iptcInStep, iptcTexts } from './words/iptc.ts';
import { IPTC, IPTC_DIGEST, resourceOf } from './words/photoshop.ts';
import {
  ENTRY_BYTES,
  type Entry,
  entriesOf,
  type Order,
  orderOf,
  sizeOf,
  valueBytes,
} from './words/tiff-directory.ts';

const XMP_TAG = 700;
const IPTC_TAG = 33723;
const PHOTOSHOP_TAG = 34377;
const BYTE = 1;
const UNDEFINED = 7;

/**
 * Nothing moves, since TIFF files are full of offsets, some of which only their writer knows: packet, IPTC and a longer
 * directory go to the end of the file.
 * @throws UnsupportedImage
 */
export function readTiff(bytes: Buffer): XmpContainer {
  const order = orderOf(bytes);
  const directory = order.u32(4);
  const entries = entriesOf(bytes, directory, order);
  if (entries === null) throw damaged();
  const old = entries.find(({ tag }) => tag === XMP_TAG);
  return {
    packet: old === undefined ? null : packetOf(bytes, old, order),
    otherPackets: [],
    texts: [...exifTexts(bytes), ...iptcBlocks(bytes, entries, order).flatMap(iptcTexts)],
    room: Infinity,
    withPacket(packet, description) {
      const file = Buffer.from(bytes);
      const parts = description === null ? [file] : inStep(file, entries, order, description);
      if (old !== undefined) put(parts, old, packet, order);
      else add(parts, directory, entries, packet, order);
      return Buffer.concat(parts);
    },
  };
}

function packetOf(bytes: Buffer, entry: Entry, order: Order): Buffer {
  const packet = valueBytes(bytes, entry, order);
  if ((entry.type !== BYTE && entry.type !== UNDEFINED) || packet === null) throw damaged();
  return packet;
}

/** In a tag of its own, and among Photoshop's resources. */
function iptcBlocks(bytes: Buffer, entries: readonly Entry[], order: Order): Buffer[] {
  const block = bytesOfTag(bytes, entries, IPTC_TAG, order);
  const resources = bytesOfTag(bytes, entries, PHOTOSHOP_TAG, order);
  const inner = resources && resourceOf(resources, IPTC);
  return [block && inOrder(block), inner].filter((found) => found !== null);
}

/** Some writers took its bytes for numbers of 32 bits and swapped them. */
function inOrder(block: Buffer): Buffer {
  const swapped = block[0] !== 0x1c && block[3] === 0x1c && block.length % 4 === 0;
  return swapped ? Buffer.from(block).swap32() : block;
}

function bytesOfTag(bytes: Buffer, entries: readonly Entry[], tag: number, order: Order): Buffer | null {
  const entry = entries.find((candidate) => candidate.tag === tag);
  return entry === undefined ? null : valueBytes(bytes, entry, order);
}

/** The file, which is changed in place, and what follows it. */
function inStep(file: Buffer, entries: readonly Entry[], order: Order, description: string): Buffer[] {
  const parts = [file];
  blankDescription(file);
  const entry = entries.find(({ tag }) => tag === IPTC_TAG);
  const block = entry && valueBytes(file, entry, order);
  if (!block) return parts;
  const resources = bytesOfTag(file, entries, PHOTOSHOP_TAG, order);
  const digest = resources && resourceOf(resources, IPTC_DIGEST);
  const change = iptcInStep(inOrder(block), digest, description, sizeOf(entry.type));
  if (change === null) return parts;
  if (change.digest) digest?.set(change.digest);
  put(parts, entry, change.block, order);
  return parts;
}

/** At the end, in place of what the entry had; of more than four bytes. */
function put(parts: Buffer[], { type, at }: Entry, data: Buffer, { put32 }: Order): void {
  const file = parts[0]!;
  const start = evenEnd(parts);
  put32(data.length / sizeOf(type), file, at + 4);
  put32(start, file, at + 8);
  parts.push(data);
}

function add(parts: Buffer[], directory: number, entries: Entry[], packet: Buffer, order: Order): void {
  const { put16, put32 } = order;
  const file = parts[0]!;
  const start = evenEnd(parts);
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
  const copied = [file.subarray(from, place), entry, file.subarray(place, to + 4)].map((part) =>
    Buffer.from(part),
  );
  parts.push(head, ...copied, packet);
  put32(start, file, 4);
}

/** Directories and values begin at even offsets. */
function evenEnd(parts: Buffer[]): number {
  const end = parts.reduce((sum, part) => sum + part.length, 0);
  if (end % 2 === 0) return end;
  parts.push(Buffer.alloc(1));
  return end + 1;
}

function damaged(): UnsupportedImage {
  return new UnsupportedImage('its TIFF directory is damaged, so nothing was written');
}

/** PNG chunks: W3C PNG third edition, sections 5.3 and 11.3.3.4; XMP in iTXt: XMP specification part 3, section 1.1.5. */
import { crc32 } from 'node:zlib';
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { blankDescription, exifTexts } from './words/exif.ts';
import { contentOf, pngTexts, TEXT_CHUNKS } from './words/png-text.ts';
import { MAX_PACKET_BYTES } from './xmp-packet.ts';

const KEYWORD = Buffer.from('XML:com.adobe.xmp\0');
/** ImageMagick's own form, in hexadecimal digits. */
const RAW_PROFILE = Buffer.from('Raw profile type xmp\0');
const SIGNATURE_BYTES = 8;
/** Length, type and CRC. */
const FRAME_BYTES = 12;

interface Chunk {
  type: string;
  start: number;
  end: number;
  data: Buffer;
}

/** @throws UnsupportedImage */
export function readPng(bytes: Buffer): XmpContainer {
  const chunks = chunksOf(bytes);
  const texts = chunks.filter(({ type }) => TEXT_CHUNKS.includes(type));
  if (texts.some(({ data }) => RAW_PROFILE.equals(data.subarray(0, RAW_PROFILE.length)))) {
    throw new UnsupportedImage('its XMP metadata have the form of ImageMagick, so nothing was written');
  }
  // The specification wants iTXt, but libvips writes and others read the shorter forms.
  const [old, ...repeated] = texts.filter(({ data }) => KEYWORD.equals(data.subarray(0, KEYWORD.length)));
  const exif = chunks.find(({ type }) => type === 'eXIf');
  const first = chunks.find(({ type }) => type === 'IDAT');
  if (first === undefined) throw damaged();
  const place = old ?? { start: first.start, end: first.start };
  return {
    packet: old === undefined ? null : packetOf(old),
    otherPackets: packetsOf(repeated),
    texts: [...(exif ? exifTexts(exif.data) : []), ...pngTexts(chunks)],
    room: Infinity,
    withPacket(packet, description) {
      const file = Buffer.from(bytes);
      if (exif && description !== null) withoutDescription(file.subarray(exif.start, exif.end));
      return Buffer.concat([file.subarray(0, place.start), xmpChunk(packet), file.subarray(place.end)]);
    },
  };
}

function packetOf({ type, data }: Chunk, limit = MAX_PACKET_BYTES): Buffer {
  const content = contentOf(type, data.subarray(KEYWORD.length), limit);
  if (content === null) {
    throw new UnsupportedImage('its XMP metadata are damaged or too large, so nothing was written');
  }
  return content;
}

/** Together they have no more than one may: each chunk of some kB could become megabytes. */
function packetsOf(chunks: readonly Chunk[]): Buffer[] {
  let room = MAX_PACKET_BYTES;
  return chunks.map((chunk) => {
    const packet = packetOf(chunk, room);
    room = Math.max(1, room - packet.length);
    return packet;
  });
}

/** In place, with the CRC that follows from it. */
function withoutDescription(chunk: Buffer): void {
  blankDescription(chunk.subarray(8, -4));
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
}

function chunksOf(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let start = SIGNATURE_BYTES; start + FRAME_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(start);
    const end = start + FRAME_BYTES + length;
    if (end > bytes.length) break;
    const type = bytes.toString('latin1', start + 4, start + 8);
    chunks.push({ type, start, end, data: bytes.subarray(start + 8, end - 4) });
    if (type === 'IEND') return chunks;
    start = end;
  }
  throw damaged();
}

/** Uncompressed, as the XMP specification asks, without language and translated keyword. */
function xmpChunk(packet: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from('iTXt'), KEYWORD, Buffer.alloc(4), packet]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length - 4);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, check]);
}

function damaged(): UnsupportedImage {
  return new UnsupportedImage('its PNG chunks are damaged, so nothing was written');
}

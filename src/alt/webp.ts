/** WebP chunks: RFC 9649, sections 2.3 to 2.7. */
import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { blankDescription, exifTexts } from './words/exif.ts';

/** `RIFF`, size, `WEBP`. */
const HEADER_BYTES = 12;
const HEAD_BYTES = 8;
/** Flags of VP8X. */
const XMP = 0x04;
const ALPHA = 0x10;

interface Chunk {
  type: string;
  start: number;
  /** Padding to an even size included. */
  end: number;
  data: Buffer;
}

/** @throws UnsupportedImage */
export function readWebp(bytes: Buffer): XmpContainer {
  const end = HEAD_BYTES + bytes.readUInt32LE(4);
  const chunks = chunksOf(bytes, end);
  const [old, ...repeated] = chunks.filter(({ type }) => type === 'XMP ');
  const exif = chunks.find(({ type }) => type === 'EXIF');
  return {
    packet: old?.data ?? null,
    otherPackets: repeated.map(({ data }) => data),
    texts: exif ? exifTexts(exif.data) : [],
    room: Infinity,
    withPacket(packet, description) {
      const file = Buffer.from(bytes);
      if (exif && description !== null) blankDescription(file.subarray(exif.start + HEAD_BYTES, exif.end));
      const place = old ?? { start: end, end };
      const middle = file.subarray(chunks[0]!.type === 'VP8X' ? chunks[0]!.end : HEADER_BYTES, place.start);
      const body = [extended(chunks[0]!), middle, chunk('XMP ', packet), file.subarray(place.end, end)];
      const header = Buffer.from(file.subarray(0, HEADER_BYTES));
      header.writeUInt32LE(4 + body.reduce((sum, part) => sum + part.length, 0), 4);
      return Buffer.concat([header, ...body, file.subarray(end)]);
    },
  };
}

function chunksOf(bytes: Buffer, fileEnd: number): Chunk[] {
  const chunks: Chunk[] = [];
  let start = HEADER_BYTES;
  while (start + HEAD_BYTES <= fileEnd && fileEnd <= bytes.length) {
    const size = bytes.readUInt32LE(start + 4);
    const end = start + HEAD_BYTES + size + (size % 2);
    if (end > fileEnd) break;
    const data = bytes.subarray(start + HEAD_BYTES, start + HEAD_BYTES + size);
    chunks.push({ type: bytes.toString('latin1', start, start + 4), start, end, data });
    start = end;
  }
  if (start !== fileEnd || chunks.length === 0) throw damaged();
  return chunks;
}

/** The VP8X chunk with the XMP flag: the one that is there, or one for a file in the simple format. */
function extended({ type, data }: Chunk): Buffer {
  const content = type === 'VP8X' ? Buffer.from(data) : simpleHeader(type, data);
  if (content.length < 10) throw damaged();
  content[0] = content[0]! | XMP;
  return chunk('VP8X', content);
}

/** Flags, 24 bits reserved, width - 1 and height - 1 in 24 bits each. */
function simpleHeader(type: string, data: Buffer): Buffer {
  const header = Buffer.alloc(10);
  if (type === 'VP8 ' && data.length >= 10) {
    // RFC 6386, section 9.1: frame tag, start code, then both sizes with two bits of scale above 14.
    header.writeUIntLE((data.readUInt16LE(6) & 0x3fff) - 1, 4, 3);
    header.writeUIntLE((data.readUInt16LE(8) & 0x3fff) - 1, 7, 3);
    return header;
  }
  if (type === 'VP8L' && data.length >= 5) {
    // RFC 9649, section 3.4: signature, then 14 bits of width - 1, 14 of height - 1, 1 of alpha.
    const bits = data.readUInt32LE(1);
    header.writeUIntLE(bits & 0x3fff, 4, 3);
    header.writeUIntLE((bits >>> 14) & 0x3fff, 7, 3);
    if ((bits >>> 28) & 1) header[0] = ALPHA;
    return header;
  }
  throw damaged();
}

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(type);
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

function damaged(): UnsupportedImage {
  return new UnsupportedImage('its WebP chunks are damaged, so nothing was written');
}

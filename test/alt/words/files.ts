/** Small image files with metadata of other programs in them. */
import { crc32 } from 'node:zlib';
import sharp from 'sharp';

const plain = sharp({ create: { width: 16, height: 12, channels: 3, background: '#678' } });
export const JPEG = await plain.clone().jpeg().toBuffer();
export const PNG = await plain.clone().png().toBuffer();
export const WEBP = await plain.clone().webp().toBuffer();

export const binary = (text: string) => Buffer.from(text, 'latin1');

export interface Tag {
  tag: number;
  type: number;
  value: Buffer;
}

/** Of EXIF, as ASCII with its NUL. */
export const imageDescription = (text: string): Tag => ({
  tag: 0x010e,
  type: 2,
  value: Buffer.from(`${text}\0`),
});
export const xpComment = (text: string): Tag => ({
  tag: 0x9c9c,
  type: 1,
  value: Buffer.from(`${text}\0`, 'utf16le'),
});

function numbers(order: 'II' | 'MM') {
  const number = (value: number, size: number) => {
    const bytes = Buffer.alloc(size);
    if (order === 'II') bytes.writeUIntLE(value, 0, size);
    else bytes.writeUIntBE(value, 0, size);
    return bytes;
  };
  return { u16: (value: number) => number(value, 2), u32: (value: number) => number(value, 4) };
}

/** A TIFF structure of one directory and, with `exif`, the one that its EXIF pointer names. */
export function tiffBlock(order: 'II' | 'MM', tags: readonly Tag[], exif: readonly Tag[] = []): Buffer {
  const { u16, u32 } = numbers(order);
  const directory = (start: number, entries: readonly Tag[]) => {
    const sorted = entries.toSorted((a, b) => a.tag - b.tag);
    let place = start + 2 + 12 * sorted.length + 4;
    const values: Buffer[] = [];
    const records = sorted.map(({ tag, type, value }) => {
      const size = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1 }[type]!;
      const head = [u16(tag), u16(type), u32(value.length / size)];
      if (value.length <= 4) return Buffer.concat([...head, value, Buffer.alloc(4 - value.length)]);
      const padded = Buffer.concat([value, Buffer.alloc(value.length % 2)]);
      values.push(padded);
      place += padded.length;
      return Buffer.concat([...head, u32(place - padded.length)]);
    });
    return Buffer.concat([u16(sorted.length), ...records, u32(0), ...values]);
  };
  const pointer = (to: number): Tag[] => (exif.length > 0 ? [{ tag: 0x8769, type: 4, value: u32(to) }] : []);
  const length = directory(8, [...tags, ...pointer(0)]).length;
  return Buffer.concat([
    binary(order),
    u16(42),
    u32(8),
    directory(8, [...tags, ...pointer(8 + length)]),
    ...(exif.length > 0 ? [directory(8 + length, exif)] : []),
  ]);
}

/** A TIFF file: 2 by 2 grey pixels, and these tags. */
export function tiff(order: 'II' | 'MM', tags: readonly Tag[], exif: readonly Tag[] = []): Buffer {
  const { u16, u32 } = numbers(order);
  const short = (tag: number, value: number): Tag => ({ tag, type: 3, value: u16(value) });
  const long = (tag: number, value: number): Tag => ({ tag, type: 4, value: u32(value) });
  // Size, bits, no compression, black is zero, one sample, one strip of four bytes, which stands at the end.
  const picture = [short(256, 2), short(257, 2), short(258, 8), short(259, 1), short(262, 1), short(277, 1)];
  const all = (strip: number) => [...picture, short(278, 2), long(273, strip), long(279, 4), ...tags];
  const end = tiffBlock(order, all(0), exif).length;
  return Buffer.concat([tiffBlock(order, all(end), exif), Buffer.from([10, 80, 160, 250])]);
}

export function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** A JPEG with these segments before its own. */
export const jpegWith = (...segments: Buffer[]) =>
  Buffer.concat([JPEG.subarray(0, 2), ...segments, JPEG.subarray(2)]);
export const exifSegment = (block: Buffer) => segment(0xe1, Buffer.concat([binary('Exif\0\0'), block]));
export const xmpSegment = (packet: string | Buffer) =>
  segment(0xe1, Buffer.concat([binary('http://ns.adobe.com/xap/1.0/\0'), Buffer.from(packet)]));

export function dataSet(record: number, number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.from([0x1c, record, number, 0, 0]);
  head.writeUInt16BE(bytes.length, 3);
  return Buffer.concat([head, bytes]);
}

/** Image resource blocks: IPTC, and its digest if one is given. */
export function resources(iptc: Buffer, digest?: Buffer): Buffer {
  const resource = (id: number, data: Buffer) => {
    const head = Buffer.alloc(12);
    head.write('8BIM', 'latin1');
    head.writeUInt16BE(id, 4);
    head.writeUInt32BE(data.length, 8);
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
  };
  // Other resources before and after it: a URL of odd length, a thumbnail.
  return Buffer.concat([
    resource(0x040b, binary('a://b')),
    resource(0x0404, iptc),
    ...(digest ? [resource(0x0425, digest)] : []),
    resource(0x040c, Buffer.alloc(28, 1)),
  ]);
}
export const photoshopSegment = (blocks: Buffer) =>
  segment(0xed, Buffer.concat([binary('Photoshop 3.0\0'), blocks]));

export function pngChunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([binary(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([frame.subarray(0, 4), content, frame.subarray(4)]);
}
/** A PNG with these chunks behind its header. */
export const pngWith = (...chunks: Buffer[]) =>
  Buffer.concat([PNG.subarray(0, 33), ...chunks, PNG.subarray(33)]);

/** A WebP in the extended format with these chunks at its end. */
export function webpWith(...chunks: [type: string, data: Buffer][]): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
  };
  // Flags for EXIF and XMP, then width - 1 and height - 1.
  const header = chunk('VP8X', Buffer.from([0x0c, 0, 0, 0, 15, 0, 0, 11, 0, 0]));
  const body = Buffer.concat([header, WEBP.subarray(12), ...chunks.map(([type, data]) => chunk(type, data))]);
  const head = Buffer.from('RIFF....WEBP', 'latin1');
  head.writeUInt32LE(body.length + 4, 4);
  return Buffer.concat([head, body]);
}

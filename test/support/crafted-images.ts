/** Image files written byte by byte: the ones that no encoder would write. */
import { crc32, deflateSync } from 'node:zlib';

/** A truecolour PNG whose header claims any size; its data is one short row of zeros. */
export function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits a sample
  header[9] = 2; // truecolour
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), // signature
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(1000))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Length, type, data, CRC-32 of type and data. */
function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A damaged PNG with the checksum of every chunk that can still be found made right. */
export function mendPng(png: Uint8Array): Buffer {
  const file = Buffer.from(png);
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 8 + file.readUInt32BE(at);
    if (end + 4 > file.length) break;
    file.writeUInt32BE(crc32(file.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return file;
}

/** A GIF with one frame of any size, as large as its screen, and almost no data. */
export function gifClaiming(width: number, height: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  return Buffer.concat([
    Buffer.from('GIF89a', 'latin1'),
    size, // of the screen
    Buffer.from([0x80, 0, 0]), // a palette of two colours; background 0; square pixels
    Buffer.from([0, 0, 0, 255, 255, 255]), // the palette
    Buffer.from([0x2c, 0, 0, 0, 0]), // a frame at 0,0
    size, // of the frame
    Buffer.from([0]), // no palette of its own, not interlaced
    Buffer.from([2, 2, 0x44, 0x01, 0]), // code size 2; a block of 2 bytes; no more blocks
    Buffer.from([0x3b]), // end
  ]);
}

/** A lossless WebP whose header claims any size up to 16384, without pixels. */
export function webpClaiming(width: number, height: number): Buffer {
  const data = Buffer.alloc(6 + 20);
  data[0] = 0x2f; // VP8L signature
  data.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 1); // 14 bits each, less one; version 0
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(12 + data.length, 4);
  head.write('WEBPVP8L', 8, 'latin1');
  head.writeUInt32LE(data.length, 16);
  return Buffer.concat([head, data]);
}

/** An uncompressed grey TIFF of one strip that claims any size and carries 100 bytes of pixels. */
export function tiffClaiming(width: number, height: number): Buffer {
  return tiff({ width, height, pixels: Buffer.alloc(100), format: 1, bits: 8, channels: 1 });
}

export interface TiffParts {
  width: number;
  height: number;
  /** Little-endian. */
  pixels: Uint8Array;
  /** SampleFormat: 1 unsigned, 2 signed, 3 floating point, 6 complex. */
  format: number;
  bits: number;
  channels: number;
  /** @default black is zero for one channel, RGB for three, CMYK for four */
  photometric?: number;
  /** @default none */
  compression?: number;
  /** BigTIFF. @default false */
  big?: boolean;
}

/** A TIFF of one strip, little-endian. */
export function tiff(parts: TiffParts): Buffer {
  const { width, height, pixels, channels, big = false } = parts;
  const [countBytes, fieldBytes] = big ? [8, 8] : [2, 4];
  const entryBytes = 4 + 2 * fieldBytes;
  const start = big ? 16 : 8;
  const entries = [
    [256, width],
    [257, height],
    [258, parts.bits], // bits of the first sample, and of all others
    [259, parts.compression ?? 1],
    [262, parts.photometric ?? (channels === 1 ? 1 : channels === 3 ? 2 : 5)],
    [273, start], // where the strip starts
    [277, channels],
    [278, height], // rows in the strip
    [279, pixels.length], // bytes in the strip
    [339, parts.format],
  ] as const;
  const at = start + pixels.length + (pixels.length % 2);
  const after = at + countBytes + entryBytes * entries.length + fieldBytes;
  const file = Buffer.alloc(after + 16 * channels);
  const write = (value: number, where: number) =>
    big ? file.writeBigUInt64LE(BigInt(value), where) : file.writeUInt32LE(value, where);
  file.write(big ? 'II+\0\x08\0\0\0' : 'II*\0', 0, 'latin1');
  write(at, big ? 8 : 4);
  file.set(pixels, start);
  if (big) file.writeBigUInt64LE(BigInt(entries.length), at);
  else file.writeUInt16LE(entries.length, at);
  let extra = after;
  entries.forEach(([tag, value], i) => {
    const entry = at + countBytes + entryBytes * i;
    const each = tag === 258 || tag === 339;
    file.writeUInt16LE(tag, entry);
    file.writeUInt16LE(each ? 3 : 4, entry + 2); // 3: 16 bits, 4: 32 bits
    write(each ? channels : 1, entry + 4);
    const field = entry + 4 + fieldBytes;
    if (!each) file.writeUInt32LE(value, field);
    else if (2 * channels <= fieldBytes) {
      for (let c = 0; c < channels; c++) file.writeUInt16LE(value, field + 2 * c);
    } else {
      write(extra, field);
      for (let c = 0; c < channels; c++) file.writeUInt16LE(value, extra + 2 * c);
      extra += 2 * channels;
    }
  });
  return file;
}

/** A baseline or progressive JPEG whose frame header (SOF) is made to claim another size. */
export function jpegClaiming(jpeg: Uint8Array, width: number, height: number): Buffer {
  const file = Buffer.from(jpeg);
  let at = 2; // after SOI
  while (file[at + 1] !== 0xc0 && file[at + 1] !== 0xc2) at += 2 + file.readUInt16BE(at + 2);
  file.writeUInt16BE(height, at + 5); // after marker, length and precision
  file.writeUInt16BE(width, at + 7);
  return file;
}

/** The `ispe` box (image spatial extents) of an AVIF made to claim another size. */
export function avifClaiming(avif: Uint8Array, width: number, height: number): Buffer {
  const file = Buffer.from(avif);
  for (let at = file.indexOf('ispe'); at >= 0; at = file.indexOf('ispe', at + 4)) {
    file.writeUInt32BE(width, at + 8); // after the name, version and flags
    file.writeUInt32BE(height, at + 12);
  }
  return file;
}

/** A box of ISO/IEC 14496-12 with these brands, the first of them the major one, and nothing else of the file. */
export function ftyp(...brands: string[]): Buffer {
  const body = Buffer.from(`ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`, 'latin1');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4 + body.length);
  return Buffer.concat([size, body]);
}

/** The same HEIF file under other brands, as few of them as it had at most. */
export function rebranded(heif: Uint8Array, ...brands: string[]): Buffer {
  const file = Buffer.from(heif);
  file.fill(0, 8, file.readUInt32BE(0));
  for (const [i, brand] of brands.entries()) file.write(brand, i === 0 ? 8 : 12 + 4 * i, 'latin1');
  return file;
}

/** A right Windows bitmap of one pixel. */
export function bmp(): Buffer {
  const file = Buffer.alloc(58);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(58, 2); // bytes in the file
  file.writeUInt32LE(54, 10); // where the pixels start
  file.writeUInt32LE(40, 14); // bytes in the second header
  file.writeInt32LE(1, 18); // width
  file.writeInt32LE(1, 22); // height
  file.writeUInt16LE(1, 26); // planes
  file.writeUInt16LE(24, 28); // bits a pixel
  return file;
}

/** Pixels of a picture as they are stored under an EXIF orientation. */
export interface StoredPicture {
  pixels: Buffer;
  width: number;
  height: number;
}

/**
 * Where a stored pixel belongs in the upright picture of `w` x `h`, by orientation - 1. From the EXIF standard (tag
 * 0x0112), which says on which side of the picture the 0th row and the 0th column of the file lie.
 */
const UPRIGHT: ((row: number, column: number, w: number, h: number) => [x: number, y: number])[] = [
  (r, c) => [c, r], // top, left
  (r, c, w) => [w - 1 - c, r], // top, right
  (r, c, w, h) => [w - 1 - c, h - 1 - r], // bottom, right
  (r, c, _w, h) => [c, h - 1 - r], // bottom, left
  (r, c) => [r, c], // left, top
  (r, c, w) => [w - 1 - r, c], // right, top
  (r, c, w, h) => [w - 1 - r, h - 1 - c], // right, bottom
  (r, c, _w, h) => [r, h - 1 - c], // left, bottom
];

/** Turns an upright RGB picture so that a reader who follows `orientation` (1 to 8) sees it upright again. */
export function storedUnder(orientation: number, upright: StoredPicture): StoredPicture {
  const { width: w, height: h, pixels } = upright;
  const [width, height] = orientation >= 5 ? [h, w] : [w, h];
  const stored = Buffer.alloc(pixels.length);
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      const [x, y] = UPRIGHT[orientation - 1]!(r, c, w, h);
      pixels.copy(stored, 3 * (r * width + c), 3 * (y * w + x), 3 * (y * w + x) + 3);
    }
  }
  return { pixels: stored, width, height };
}

/** Bytes of a value of a TIFF field, by its type. */
const TIFF_WIDTHS: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 16: 8 };

/** A TIFF of one directory with these fields and no pixels, in either order of bytes. */
export function tiffOf(
  { little, big }: { little: boolean; big: boolean },
  fields: [tag: number, type: number, values: number[]][],
): Buffer {
  const offsetBytes = big ? 8 : 4;
  const number = (value: number, width: number): Buffer => {
    const bytes = Buffer.alloc(width);
    for (let i = 0; i < width; i++) bytes[little ? i : width - 1 - i] = Math.floor(value / 256 ** i) % 256;
    return bytes;
  };
  const start = big ? 16 : 8;
  const count = number(fields.length, big ? 8 : 2);
  let elsewhere = start + count.length + fields.length * (4 + 2 * offsetBytes);
  const values: Buffer[] = [];
  const entries = fields.map(([tag, type, numbers]) => {
    const bytes = Buffer.concat(numbers.map((value) => number(value, TIFF_WIDTHS[type]!)));
    const field = Buffer.alloc(offsetBytes);
    if (bytes.length <= offsetBytes) field.set(bytes);
    else {
      field.set(number(elsewhere, offsetBytes));
      elsewhere += bytes.length;
      values.push(bytes);
    }
    return Buffer.concat([number(tag, 2), number(type, 2), number(numbers.length, offsetBytes), field]);
  });
  return Buffer.concat([
    Buffer.from(little ? 'II' : 'MM', 'latin1'),
    number(big ? 43 : 42, 2),
    ...(big ? [number(8, 2), number(0, 2)] : []),
    number(start, offsetBytes),
    count,
    ...entries,
    ...values,
  ]);
}

import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { readJpeg } from './jpeg.ts';
import { readPng } from './png.ts';
import { readTiff } from './tiff.ts';
import { readWebp } from './webp.ts';
import { describe, type Field } from './xmp-packet.ts';

/** First bytes, one character each; as many as the reader takes for granted. */
const FORMATS: readonly [start: RegExp, read: (bytes: Buffer) => XmpContainer][] = [
  [/^\xff\xd8\xff/, readJpeg],
  [/^\x89PNG\r\n.\n/, readPng],
  [/^RIFF.{4}WEBP/s, readWebp],
  [/^(?:II\*\0|MM\0\*).{4}/s, readTiff],
];

export interface DescribedImage {
  /** `null` when nothing was to be written. */
  bytes: Buffer | null;
  written: Field[];
  kept: Field[];
}

/**
 * The image file with `text` as its XMP `dc:description` and IPTC alternative text, all other bytes as they were.
 * @throws UnsupportedImage for a format without a writer (AVIF, GIF, BigTIFF), damaged files and unreadable XMP
 */
export function describeImage(file: Uint8Array, text: string, overwrite: boolean): DescribedImage {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const start = bytes.toString('latin1', 0, 16);
  const format = FORMATS.find(([pattern]) => pattern.test(start));
  if (format === undefined) {
    throw new UnsupportedImage('metadata can be written into JPEG, PNG, WebP and TIFF files only');
  }
  const container = format[1](bytes);
  const { packet, written, kept } = describe(container.packet, text, overwrite);
  return { bytes: packet === null ? null : container.withPacket(packet), written, kept };
}

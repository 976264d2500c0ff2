import { UnsupportedImage } from '../errors.ts';
import type { XmpContainer } from './container.ts';
import { readJpeg } from './jpeg.ts';
import { readPng } from './png.ts';
import { readTiff } from './tiff.ts';
import { readWebp } from './webp.ts';
import { isWords } from './words/found-text.ts';
import { describe, type Field, fieldHeldBy, fieldsIn } from './xmp-packet.ts';

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
  /** Fields with a text that somebody wrote, as ExifTool names those outside XMP: `IPTC:Caption-Abstract`. */
  kept: string[];
}

/**
 * The image file with `text` as its XMP `dc:description` and IPTC alternative text. Somebody's description in XMP, EXIF, IPTC
 * or texts of the format stays the one that readers show, unless `overwrite` is given. With a new `dc:description` a filler or
 * former text in EXIF becomes blank and one in IPTC becomes `text`; all other bytes are as they were.
 * @throws UnsupportedImage for a format without a writer (AVIF, GIF, BigTIFF), damaged files, and XMP that is unreadable, has no
 * room for the text or has a description to overwrite outside the packet that is written
 */
export function describeImage(file: Uint8Array, text: string, overwrite: boolean): DescribedImage {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const start = bytes.toString('latin1', 0, 16);
  const format = FORMATS.find(([pattern]) => pattern.test(start));
  if (format === undefined) {
    throw new UnsupportedImage('metadata can be written into JPEG, PNG, WebP and TIFF files only');
  }
  const container = format[1](bytes);
  const { others, words } = wordsOf(container);
  if (overwrite && others.length > 0) {
    throw new UnsupportedImage(`its ${others[0]} is in a further XMP packet, which is not rewritten`);
  }
  const elsewhere = overwrite ? [] : [...others, ...words];
  const conditions = { overwrite, taken: elsewhere.map(fieldHeldBy), room: container.room };
  const { packet, written, kept } = describe(container.packet, text, conditions);
  const description = written.includes('dc:description') ? text : null;
  return {
    bytes: packet === null ? null : container.withPacket(packet, description),
    written,
    kept: [...new Set([...kept, ...elsewhere])],
  };
}

/** Names of the fields with somebody's description outside of the packet that is written: in further packets, elsewhere. */
function wordsOf({ otherPackets, texts }: XmpContainer): { others: string[]; words: string[] } {
  return {
    others: otherPackets.flatMap(fieldsIn),
    words: texts.filter((found) => isWords(found.text)).map(({ field }) => field),
  };
}

/** The same of a camera's original, as far as it begins as TIFF does: readers of its sidecar read both. */
export function wordsInOriginal(file: Uint8Array): string[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!/^(?:II\*\0|MM\0\*).{4}/s.test(bytes.toString('latin1', 0, 8))) return [];
  const container = readTiff(bytes);
  const { others, words } = wordsOf(container);
  return [...(container.packet === null ? [] : fieldsIn(Buffer.from(container.packet))), ...others, ...words];
}

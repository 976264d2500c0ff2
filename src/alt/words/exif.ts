/** Descriptions in EXIF: Exif 3.0 (CIPA DC-008), sections 4.6.5 and 4.6.6; the XP tags are those of Windows. */
import { type FoundText, isData, textOf, untilNul } from './found-text.ts';
import { type Entry, entriesOf, type Order, orderOf, valueBytes } from './tiff-directory.ts';

const IMAGE_DESCRIPTION = 0x010e;
const XP_TITLE = 0x9c9b;
const XP_COMMENT = 0x9c9c;
const EXIF_DIRECTORY = 0x8769;
const USER_COMMENT = 0x9286;
const ASCII = 2;

/** In JPEG segments, and by mistake in WebP chunks. */
export const EXIF_SIGNATURE = Buffer.from('Exif\0');
/** The signature and a padding byte. */
const SIGNATURE_BYTES = 6;

interface Block {
  bytes: Buffer;
  order: Order;
  entries: Entry[];
}

/** @param exif as it stands in a file, with or without signature; damaged ones have no texts, as other readers find none */
export function exifTexts(exif: Buffer): FoundText[] {
  const block = blockOf(exif);
  if (block === null) return [];
  const { bytes, order, entries } = block;
  const pointer = entries.find(({ tag }) => tag === EXIF_DIRECTORY);
  const further = pointer ? entriesOf(bytes, order.u32(pointer.at + 8), order) : null;
  return [...firstOfTags(entries), ...firstOfTags(further ?? [])].flatMap((entry) => {
    const value = valueBytes(bytes, entry, order);
    return value === null ? [] : textOfEntry(entry.tag, value, bytes[0] === 0x49);
  });
}

/** A tag is there once (TIFF 6.0, section 2); thousands of one could all mean the same megabytes. */
function firstOfTags(entries: readonly Entry[]): Entry[] {
  const first = new Map<number, Entry>();
  for (const entry of entries) if (!first.has(entry.tag)) first.set(entry.tag, entry);
  return [...first.values()];
}

function textOfEntry(tag: number, value: Buffer, littleEndian: boolean): FoundText[] {
  switch (tag) {
    case IMAGE_DESCRIPTION:
      return [{ field: 'EXIF:ImageDescription', text: textOf(untilNul(value)) }];
    case XP_TITLE:
      return [{ field: 'EXIF:XPTitle', text: utf16(value, true) }];
    case XP_COMMENT:
      return [{ field: 'EXIF:XPComment', text: utf16(value, true) }];
    case USER_COMMENT:
      return [{ field: 'EXIF:UserComment', text: userComment(value, littleEndian) }];
    default:
      return [];
  }
}

/** Eight bytes name the character code. */
function userComment(value: Buffer, littleEndian: boolean): string {
  const text = value.subarray(8);
  if (value.toString('latin1', 0, 7) === 'UNICODE') return utf16(text, littleEndian);
  return textOf(untilNul(text));
}

function utf16(bytes: Buffer, littleEndian: boolean): string {
  const encoding = littleEndian ? 'utf-16le' : 'utf-16be';
  const text = new TextDecoder(encoding).decode(bytes);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/**
 * Makes ImageDescription blank in place, which means "unknown" (Exif 3.0, section 4.6.5), since readers by the rules of the
 * Metadata Working Group take it before `dc:description`. Nothing moves. What is no text with its NUL stays.
 */
export function blankDescription(exif: Buffer): void {
  const block = blockOf(exif);
  const entry = block?.entries.find(({ tag }) => tag === IMAGE_DESCRIPTION);
  if (!block || entry?.type !== ASCII) return;
  const value = valueBytes(block.bytes, entry, block.order);
  if (value === null) return;
  const text = untilNul(value);
  const rest = value.subarray(text.length);
  if (rest.length === 0 || rest.some((byte) => byte !== 0) || isData(textOf(text))) return;
  text.fill(' ');
}

function blockOf(exif: Buffer): Block | null {
  const signed = EXIF_SIGNATURE.equals(exif.subarray(0, EXIF_SIGNATURE.length));
  const bytes = signed ? exif.subarray(SIGNATURE_BYTES) : exif;
  if (bytes.length < 8 || !['II*\0', 'MM\0*'].includes(bytes.toString('latin1', 0, 4))) return null;
  const order = orderOf(bytes);
  const entries = entriesOf(bytes, order.u32(4), order);
  return entries && { bytes, order, entries };
}

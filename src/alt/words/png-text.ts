/** Texts of PNG: W3C PNG third edition, sections 11.3.3.2 to 11.3.3.4; "raw profiles" are ImageMagick's. */
import { inflateSync } from 'node:zlib';
import { exifTexts } from './exif.ts';
import { type FoundText, textOf } from './found-text.ts';
import { iptcTexts } from './iptc.ts';
import { IPTC, resourceOf } from './photoshop.ts';

export const TEXT_CHUNKS = ['iTXt', 'zTXt', 'tEXt'];

/** Keywords of the specification that people's words stand under. */
const KEYWORDS = ['Description', 'Comment', 'Title'];
/** A raw profile has two digits a byte, and EXIF no more than 64 kB. */
const MAX_TEXT_BYTES = 256 << 10;
/** No picture has more; each may be compressed a thousandfold. */
const MAX_TEXTS = 100;
/** The specification's limit. */
const MAX_KEYWORD = 79;

interface TextChunk {
  type: string;
  data: Buffer;
}

export function pngTexts(chunks: readonly TextChunk[]): FoundText[] {
  return chunks
    .filter(({ type }) => TEXT_CHUNKS.includes(type))
    .slice(0, MAX_TEXTS)
    .flatMap(({ type, data }) => {
      const end = data.subarray(0, MAX_KEYWORD + 1).indexOf(0);
      const keyword = data.toString('latin1', 0, Math.max(end, 0));
      const profile = keyword.startsWith('Raw profile type ');
      if (!profile && !KEYWORDS.includes(keyword)) return [];
      const content = contentOf(type, data.subarray(end + 1), MAX_TEXT_BYTES);
      if (content === null) return [];
      return profile ? profileTexts(content) : [{ field: `PNG:${keyword}`, text: textOf(content) }];
    });
}

/**
 * What a text chunk says.
 * @param rest what follows the keyword
 * @returns `null` for a damaged one, and for one that has more than `limit` bytes when it is decompressed
 */
export function contentOf(type: string, rest: Buffer, limit: number): Buffer | null {
  if (type === 'tEXt') return rest;
  // The one byte is the compression method.
  if (type === 'zTXt') return inflated(rest.subarray(1), limit);
  // Compression flag and method, language and translated keyword (each ended by NUL), text.
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return null;
  const text = rest.subarray(translated + 1);
  return rest[0] === 0 ? text : inflated(text, limit);
}

function inflated(text: Buffer, maxOutputLength: number): Buffer | null {
  try {
    return inflateSync(text, { maxOutputLength });
  } catch {
    return null;
  }
}

/** Line end, name, line end, number of bytes, line end, hexadecimal digits with line ends. */
function profileTexts(content: Buffer): FoundText[] {
  const [, name, , ...lines] = content.subarray(0, MAX_TEXT_BYTES).toString('latin1').split('\n');
  const profile = Buffer.from(lines.join(''), 'hex');
  switch (name?.toLowerCase()) {
    case 'exif':
    case 'app1':
      return exifTexts(profile);
    case 'iptc':
    case '8bim':
      return iptcTexts(resourceOf(profile, IPTC) ?? profile);
    default:
      return [];
  }
}

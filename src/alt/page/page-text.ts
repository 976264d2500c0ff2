/** Bytes of an HTML file to text and back, so that an edit changes no byte but its own. */
import { isUtf8 } from 'node:buffer';
import { parse } from 'parse5';
import { InvalidRequest } from '../../errors.ts';
import { elementsOf } from './html-elements.ts';

/** HTML standard, section 4.2.5.5: the declaration stands in the first 1024 bytes. */
const SNIFFED_BYTES = 1024;
const BOM_BYTES = 3;
/** What the encoding standard calls single-byte encodings, as `TextDecoder` names them; ASCII lies below 0x80 in all. */
const SINGLE_BYTE = /^(?:ibm866|iso-8859-|koi8-|macintosh$|windows-|x-mac-cyrillic$)/;

export interface PageText {
  /** Without byte order mark. */
  text: string;
  /** `single-byte` holds ASCII and one other script: anything else has to be a character reference. */
  encoding: 'utf-8' | 'single-byte';
  /** The file's own bytes of a piece of `text`; from 0 on they begin with the byte order mark. */
  bytes(from: number, to?: number): Buffer;
}

/**
 * By byte order mark, declaration, or what the bytes are.
 * @throws InvalidRequest for UTF-16 and for encodings of East Asia
 */
export function readPageText(bytes: Buffer): PageText {
  const start = bytes.toString('latin1', 0, BOM_BYTES);
  if (start.startsWith('\xfe\xff') || start.startsWith('\xff\xfe')) throw notHandled('UTF-16');
  const bom = start === '\xef\xbb\xbf' ? BOM_BYTES : 0;
  const declared = bom > 0 ? 'utf-8' : (declaredEncoding(bytes) ?? 'utf-8');
  if (declared === 'utf-8' && isUtf8(bytes)) {
    // Valid UTF-8 comes back as it was, the byte order mark too.
    const all = bytes.toString('utf8');
    const skipped = bom > 0 ? 1 : 0;
    const piece = (from: number, to?: number) =>
      Buffer.from(all.slice(from === 0 ? 0 : from + skipped, to === undefined ? to : to + skipped));
    return { text: all.slice(skipped), encoding: 'utf-8', bytes: piece };
  }
  // What is no UTF-8, although it says so or says nothing, is mostly this.
  const label = declared === 'utf-8' ? 'windows-1252' : declared;
  if (!SINGLE_BYTE.test(label)) throw notHandled(label);
  const text = new TextDecoder(label, { ignoreBOM: true }).decode(bytes);
  return { text, encoding: 'single-byte', bytes: (from, to) => bytes.subarray(from, to) };
}

/** The encoding's standard name, `null` where none is declared or the name is unknown. */
function declaredEncoding(bytes: Buffer): string | null {
  const head = parse(bytes.toString('latin1', 0, SNIFFED_BYTES));
  for (const { tagName, attrs } of elementsOf(head)) {
    if (tagName !== 'meta') continue;
    const attributes = new Map(attrs.map(({ name, value }) => [name, value]));
    const label = attributes.get('charset') ?? charsetOf(attributes);
    if (label !== undefined) return standardName(label);
  }
  return null;
}

function charsetOf(attributes: Map<string, string>): string | undefined {
  if (attributes.get('http-equiv')?.toLowerCase() !== 'content-type') return undefined;
  return /charset\s*=\s*["']?([^\s;"']+)/i.exec(attributes.get('content') ?? '')?.[1];
}

function standardName(label: string): string | null {
  try {
    const { encoding } = new TextDecoder(label);
    // A declaration in ASCII proves that it is not UTF-16; the HTML standard reads it as UTF-8.
    return encoding.startsWith('utf-16') ? 'utf-8' : encoding;
  } catch {
    return null;
  }
}

function notHandled(encoding: string): InvalidRequest {
  return new InvalidRequest(`it is in ${encoding}; convert it to UTF-8 first`);
}

import { InvalidRequest } from '../errors.ts';

const DATA_URL = /^data:/i;
/** Of a `data:` URL, up to its comma. */
const SAYS_BASE64 = /; *base64$/i;
const LINE_BREAKS = /[\r\n]+/g;
/** Of RFC 4648 section 5 alone, and of section 4 alone. */
const FOR_URLS = /[-_]/;
const PLAIN = /[+/]/;

/**
 * Bytes of an image in base64 (RFC 4648), as programs write it: in the alphabet of section 4 or in that for URLs of section
 * 5, with its padding or without, in one line or in several, alone or in a `data:` URL. Blanks are refused, because they
 * are what becomes of a `+` that went through a form.
 * @throws InvalidRequest
 */
export function bytesOfBase64(text: string): Uint8Array {
  const base64 = inPlainAlphabet((DATA_URL.test(text) ? dataOf(text) : text).replace(LINE_BREAKS, ''));
  const bytes = Buffer.from(base64, 'base64');
  // Buffer skips what it does not know; written back, the text differs then.
  const written = bytes.toString('base64');
  if (base64 !== written && base64 !== withoutPadding(written)) {
    throw malformed(
      'it must be in the alphabet with + and /, or in that with - and _, without blanks or bits after its end',
    );
  }
  return bytes;
}

/** A text in both alphabets is in none, and stays as it is. */
function inPlainAlphabet(base64: string): string {
  if (!FOR_URLS.test(base64) || PLAIN.test(base64)) return base64;
  return base64.replaceAll('-', '+').replaceAll('_', '/');
}

function withoutPadding(base64: string): string {
  const end = base64.indexOf('=', base64.length - 2);
  return end < 0 ? base64 : base64.slice(0, end);
}

/** What follows the comma; its characters may be written as `%2B`, as in any URL. */
function dataOf(url: string): string {
  const comma = url.indexOf(',');
  if (comma < 0 || !SAYS_BASE64.test(url.slice(0, comma))) {
    throw malformed('the data: URL does not say ;base64 before its comma');
  }
  const data = url.slice(comma + 1);
  try {
    return data.includes('%') ? decodeURIComponent(data) : data;
  } catch (cause) {
    throw malformed('the data: URL has a % that stands for nothing', cause);
  }
}

function malformed(why: string, cause?: unknown): InvalidRequest {
  return new InvalidRequest(`image is not base64 (RFC 4648): ${why}`, { cause });
}

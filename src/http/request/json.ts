import { InvalidRequest } from '../../errors.ts';
import { HttpError } from '../failures.ts';

/**
 * Brackets, numbers, blanks and quotes of a body whose long part is one text, the image. Without a bound, twenty
 * megabytes of brackets hold up everybody else for seconds.
 */
export const MAX_BYTES_BESIDE_TEXTS = 64 << 10;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * A body as JSON.
 * @throws HttpError MalformedRequest, InvalidRequest when there is too much in it beside texts
 */
export function parseJson(body: Uint8Array<ArrayBuffer>): unknown {
  if (hasTooMuchBesideTexts(Buffer.from(body.buffer, body.byteOffset, body.byteLength))) {
    throw new InvalidRequest(`JSON may have ${MAX_BYTES_BESIDE_TEXTS} bytes beside its texts`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new HttpError('MalformedRequest', 'the body is not JSON in UTF-8', { cause });
  }
}

/** Goes from quote to quote; what is not JSON may be counted wrong, and is refused later. */
function hasTooMuchBesideTexts(body: Buffer): boolean {
  let beside = 0;
  for (let at = 0; ; ) {
    const start = body.indexOf(QUOTE, at);
    beside += (start < 0 ? body.length : start + 2) - at;
    if (beside > MAX_BYTES_BESIDE_TEXTS) return true;
    if (start < 0) return false;
    at = endOfText(body, start + 1);
  }
}

/** Index after the quote that ends a text. */
function endOfText(body: Buffer, from: number): number {
  for (let at = body.indexOf(QUOTE, from); at >= 0; at = body.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (body[at - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return body.length;
}

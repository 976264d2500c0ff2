import { HttpError } from '../failures.ts';

/**
 * Bytes of base64 as RFC 4648 section 4 has it and section 3 wants it read: padded, one spelling for the same bytes,
 * nothing else in between.
 * @throws HttpError MalformedRequest
 */
export function bytesOfBase64(text: string): Uint8Array {
  if (text.startsWith('data:')) throw malformed('it is a data: URL; send only what follows its comma');
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what it does not know; written back, the text differs then.
  if (bytes.toString('base64') !== text) {
    throw malformed('it must be padded, without blanks or line breaks, in the alphabet with + and /');
  }
  return bytes;
}

function malformed(why: string): HttpError {
  return new HttpError('MalformedRequest', `image is not base64 (RFC 4648 section 4): ${why}`);
}

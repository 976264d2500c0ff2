import type { MIMEType } from 'node:util';
import { InvalidRequest } from '../../errors.ts';
import { HttpError } from '../failures.ts';
import { type Disposition, dispositionOf } from './disposition.ts';

/**
 * Of a form, where a deployment has no limit of its own: as many images as are captioned while somebody waits for the answer; more belong into the queue or the workflow.
 * Without a bound, a body of nothing but tiny parts holds up everybody else for seconds.
 */
export const MAX_PARTS = 20;
/** Name, file name and type of a part; browsers send about 150 bytes. */
export const MAX_PART_HEADER_BYTES = 8 << 10;
/** RFC 2046 section 5.1.1. */
const MAX_BOUNDARY_LENGTH = 70;
/** Blanks that may follow a boundary in its line, which nobody writes. */
const MAX_PADDING = 64;
const LINE_BREAK = '\r\n';
const HEADERS_END = '\r\n\r\n';
const IN_BASE64 = /^content-transfer-encoding[ \t]*:[ \t]*base64[ \t]*$/im;

export const IMAGE_FIELD = 'image';

export interface NamedImage {
  name: string;
  bytes: Uint8Array;
}

/** What stands between two boundaries. */
interface Part extends Disposition {
  bytes: Uint8Array;
}

/**
 * The parts of a `multipart/form-data` body, which share its memory. Node's own reader, `Response.formData()`, refuses the
 * whole form for a quote that is escaped by a backslash.
 * @param maxParts every part of a form is an image
 * @throws HttpError MalformedRequest, InvalidRequest when it has too many parts
 */
export function readForm(body: Uint8Array<ArrayBuffer>, type: MIMEType, maxParts = MAX_PARTS): Part[] {
  const boundary = type.params.get('boundary') ?? '';
  if (boundary === '' || boundary.length > MAX_BOUNDARY_LENGTH) {
    throw malformed(`the boundary must have 1 to ${MAX_BOUNDARY_LENGTH} characters`);
  }
  const whole = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = `\r\n--${boundary}`;
  const parts: Part[] = [];
  for (let from = firstDelimiter(whole, delimiter); ; ) {
    const headers = headersAt(whole, from);
    if (headers === 'end') return parts;
    if (parts.length === maxParts) throw new InvalidRequest(`a form may have ${maxParts} parts`);
    // The end of the headers may be the line break before the boundary.
    const end = nextDelimiter(whole, delimiter, headers.end);
    parts.push(partOf(headers.bytes, whole.subarray(headers.end + HEADERS_END.length, end)));
    from = end + delimiter.length;
  }
}

/** Index after the first boundary, before which there may be text of any kind. */
function firstDelimiter(body: Buffer, delimiter: string): number {
  const atOnce = delimiter.slice(LINE_BREAK.length);
  if (isDelimiter(body, atOnce, 0)) return atOnce.length;
  return nextDelimiter(body, delimiter, 0) + delimiter.length;
}

function nextDelimiter(body: Buffer, delimiter: string, from: number): number {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (isDelimiter(body, delimiter, at)) return at;
  }
  throw malformed('the body breaks off before its last boundary');
}

/** A longer line that begins like one is content. */
function isDelimiter(body: Buffer, delimiter: string, at: number): boolean {
  const end = at + delimiter.length;
  return (
    body.subarray(at, end).equals(Buffer.from(delimiter)) &&
    /^(?:--|[ \t]*\r\n)/.test(body.toString('latin1', end, end + MAX_PADDING))
  );
}

/** @param from after a boundary */
function headersAt(body: Buffer, from: number): { bytes: Buffer; end: number } | 'end' {
  if (body.toString('latin1', from, from + 2) === '--') return 'end';
  const start = body.indexOf(LINE_BREAK, from);
  const end = body.subarray(start, start + MAX_PART_HEADER_BYTES).indexOf(HEADERS_END);
  if (end < 0) {
    throw malformed(`the headers of a part do not end within ${MAX_PART_HEADER_BYTES} bytes`);
  }
  return { bytes: body.subarray(start + LINE_BREAK.length, start + end), end: start + end };
}

function partOf(headers: Buffer, content: Buffer): Part {
  const disposition = dispositionOf(headers);
  if (disposition === null) {
    throw malformed(
      'a part has no header "content-disposition: form-data" with a name (RFC 7578 section 4.2)',
    );
  }
  return {
    ...disposition,
    bytes: IN_BASE64.test(headers.toString('latin1')) ? fromBase64(content) : content,
  };
}

/** RFC 7578 section 4.7 advises against it, some mail libraries do it all the same. */
function fromBase64(content: Buffer): Buffer {
  return Buffer.from(content.toString('latin1'), 'base64');
}

/**
 * The images of a form that has nothing else in it.
 * @throws InvalidRequest, HttpError MalformedRequest
 */
export function namedImages(form: readonly Part[]): NamedImage[] {
  for (const { name } of form) {
    if (name !== IMAGE_FIELD) throw new InvalidRequest(`${name}: the only field of a form is ${IMAGE_FIELD}`);
  }
  if (form.length === 0) throw new InvalidRequest(`the form has no field ${IMAGE_FIELD}`);
  return form.map(({ fileName, bytes }) => {
    if (fileName === null) {
      throw malformed(`the part ${IMAGE_FIELD} has no filename, so it is text and no file`);
    }
    return { name: fileName, bytes };
  });
}

function malformed(why: string): HttpError {
  return new HttpError('MalformedRequest', why);
}

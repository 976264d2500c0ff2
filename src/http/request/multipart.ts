import type { MIMEType } from 'node:util';
import { InvalidRequest } from '../../errors.ts';
import { HttpError } from '../failures.ts';

/**
 * As many images as are captioned while somebody waits for the answer; more belong into the queue or the workflow.
 * Without a bound, a body of nothing but tiny parts holds up everybody else for seconds.
 */
export const MAX_PARTS = 20;
/** Name, file name and type of a part; browsers send about 150 bytes. */
export const MAX_PART_HEADER_BYTES = 8 << 10;
/** RFC 2046 section 5.1.1. */
const MAX_BOUNDARY_LENGTH = 70;

const LINE_FEED = 0x0a;

export const IMAGE_FIELD = 'image';

export interface NamedImage {
  name: string;
  bytes: Uint8Array;
}

/**
 * A `multipart/form-data` body taken apart.
 * @throws HttpError MalformedRequest, InvalidRequest when it has too many parts
 */
export async function readForm(body: Uint8Array<ArrayBuffer>, type: MIMEType): Promise<FormData> {
  const boundary = type.params.get('boundary') ?? '';
  if (boundary === '' || boundary.length > MAX_BOUNDARY_LENGTH) {
    throw new HttpError('MalformedRequest', `the boundary must have 1 to ${MAX_BOUNDARY_LENGTH} characters`);
  }
  checkParts(Buffer.from(body.buffer, body.byteOffset, body.byteLength), `--${boundary}`);
  const headers = { 'content-type': type.toString() };
  return new Response(body, { headers }).formData().catch((cause: unknown) => {
    throw new HttpError('MalformedRequest', 'the body is not multipart/form-data as RFC 7578 has it', {
      cause,
    });
  });
}

/** Before the form is taken apart, which takes time for each part and each header. */
function checkParts(body: Buffer, delimiter: string): void {
  let parts = 0;
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    const isDelimiter = at === 0 || body[at - 1] === LINE_FEED;
    if (!isDelimiter) continue;
    const headers = body.subarray(at + delimiter.length, at + delimiter.length + MAX_PART_HEADER_BYTES);
    const isEnd = headers.indexOf('--') === 0;
    if (isEnd) return;
    parts += 1;
    if (parts > MAX_PARTS) throw new InvalidRequest(`a form may have ${MAX_PARTS} parts`);
    if (!headers.includes('\r\n\r\n')) {
      throw new HttpError(
        'MalformedRequest',
        `the headers of a part do not end within ${MAX_PART_HEADER_BYTES} bytes`,
      );
    }
  }
}

/**
 * The images of a form that has nothing else in it.
 * @throws InvalidRequest, HttpError MalformedRequest
 */
export function namedImages(form: FormData): Promise<NamedImage[]> {
  for (const field of form.keys()) {
    if (field !== IMAGE_FIELD)
      throw new InvalidRequest(`${field}: the only field of a form is ${IMAGE_FIELD}`);
  }
  if (!form.has(IMAGE_FIELD)) throw new InvalidRequest(`the form has no field ${IMAGE_FIELD}`);
  return Promise.all(form.getAll(IMAGE_FIELD).map(imageOf));
}

/** @throws HttpError MalformedRequest */
export async function imageOf(entry: File | string): Promise<NamedImage> {
  if (typeof entry === 'string') {
    // Text has lost the bytes: it was decoded as UTF-8.
    throw new HttpError(
      'MalformedRequest',
      `the part ${IMAGE_FIELD} has no filename, so it is text and no file`,
    );
  }
  return { name: entry.name, bytes: new Uint8Array(await entry.arrayBuffer()) };
}

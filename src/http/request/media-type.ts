import { MIMEType } from 'node:util';
import { HttpError } from '../failures.ts';

const READ = 'image/*, application/octet-stream, multipart/form-data or application/json';

/**
 * What a body says it is.
 * @throws HttpError UnsupportedMediaType when it does not say, or is compressed
 */
export function mediaTypeOf(headers: Headers): MIMEType {
  // Names of codings have no case (RFC 9110 section 8.4.1), and an empty list of them is none.
  const encoding = headers.get('content-encoding') ?? '';
  if (!/^(?:identity)?$/i.test(encoding))
    throw unsupported(`the content-encoding ${encoding} is not undone here`);
  const header = headers.get('content-type');
  if (header === null) throw unsupported('the request has no content-type');
  try {
    return new MIMEType(header);
  } catch (cause) {
    throw unsupported('the content-type is not of the form type/subtype', READ, cause);
  }
}

export function unsupported(what: string, instead = READ, cause?: unknown): HttpError {
  return new HttpError('UnsupportedMediaType', `${what}; send ${instead}`, { cause });
}

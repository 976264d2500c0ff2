/** Bodies of requests to image files. */

import type { ObjectReference } from '../../aws/object-reference.ts';
import { InvalidRequest, problemsIn } from '../../errors.ts';
import { bytesOfBase64 } from '../base64.ts';
import { HttpError } from '../failures.ts';
import type { GivenOptions } from '../options.ts';
import { captionRequestSchema } from '../schemas.ts';
import { parseJson } from './json.ts';
import { mediaTypeOf, unsupported } from './media-type.ts';
import { type NamedImage, namedImages, readForm } from './multipart.ts';

/** What a body asks for: images in it, or one that lies elsewhere. */
export interface ReadBody {
  source: { images: NamedImage[] } | { s3: ObjectReference };
  /** Those of the body; a query may have others. */
  options: GivenOptions;
}

/** Name of an image that came without one. */
const UNNAMED = 'image';

/**
 * How a body of this content type is read; looked up before the body is.
 * @param maxImages of a form
 * @throws HttpError UnsupportedMediaType
 */
export function readerOf(headers: Headers, maxImages?: number): (body: Uint8Array<ArrayBuffer>) => ReadBody {
  const type = mediaTypeOf(headers);
  if (type.essence === 'multipart/form-data') {
    return (body) => ({ source: { images: namedImages(readForm(body, type, maxImages)) }, options: {} });
  }
  if (type.essence === 'application/json') return readJson;
  if (type.type === 'image' || type.essence === 'application/octet-stream') {
    return (bytes) => ({ source: { images: [{ name: UNNAMED, bytes }] }, options: {} });
  }
  throw unsupported(`${type.essence} is not read here`);
}

function readJson(body: Uint8Array<ArrayBuffer>): ReadBody {
  const parsed = captionRequestSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new InvalidRequest(problemsIn(parsed.error));
  const { image, s3, ...options } = parsed.data;
  // The schema saw to it that there is exactly one of the two.
  if (s3 !== undefined) return { source: { s3 }, options };
  return { source: { images: [{ name: UNNAMED, bytes: decoded(image!) }] }, options };
}

/** What is no base64 cannot be read at all, as a body that is no JSON. */
function decoded(image: string): Uint8Array {
  try {
    return bytesOfBase64(image);
  } catch (cause) {
    if (!(cause instanceof InvalidRequest)) throw cause;
    throw new HttpError('MalformedRequest', cause.message, { cause });
  }
}

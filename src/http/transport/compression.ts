/** Answers as the client's Accept-Encoding likes them (RFC 9110, section 12.5.3). */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context, MiddlewareHandler } from 'hono';
import { accepts } from 'hono/accepts';
import { COMPRESSIBLE_CONTENT_TYPE_REGEX } from 'hono/compress';
import type { AppEnv } from '../parts.ts';

/**
 * Bytes below which nothing is compressed: with its headers, some 700 bytes, such an answer takes one or two packets either
 * way. It leaves out problem documents and `/health`, and compresses captions with their words.
 */
const MIN_BYTES = 1_024;
/** Of 0 to 11: makes the page as fast as gzip does, and smaller; 11 would save a tenth more in forty times the time. */
const BROTLI_QUALITY = 5;
/** More answers with an ETag than a deployment has, in every encoding: those beyond are compressed each time. */
const MAX_KEPT = 32;

/** The one that is sent first, among those that a client likes the same. Both run in a thread of their own. */
const ENCODERS = {
  br: (bytes) => promisify(brotliCompress)(bytes, brotliOptions(bytes)),
  gzip: (bytes) => promisify(gzip)(bytes),
} satisfies Record<string, (bytes: Uint8Array) => Promise<Buffer<ArrayBuffer>>>;

type Encoding = keyof typeof ENCODERS;

function brotliOptions({ length }: Uint8Array) {
  return {
    params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: length },
  };
}

/**
 * Compresses answers of text. What has an ETag stays the same as long as the deployment does, so it is compressed once. Tags
 * have to be weak, one for all encodings: strong ones would have to differ (section 8.8.3.3).
 *
 * hono/compress has no Brotli, compresses the page at every request, and leaves Vary out of a 304. No answer holds a secret
 * beside what a stranger chose, so that lengths give nothing away (BREACH).
 */
export function compress(): MiddlewareHandler<AppEnv> {
  const kept = new Map<string, Promise<Buffer<ArrayBuffer>>>();
  const encode = (encoding: Encoding, bytes: Uint8Array, etag: string | null) => {
    const key = `${encoding} ${etag}`;
    const encoded = kept.get(key) ?? ENCODERS[encoding](bytes);
    if (etag !== null && kept.size < MAX_KEPT) kept.set(key, encoded);
    return encoded;
  };
  return async (c, next) => {
    await next();
    if (!varies(c.res)) return;
    c.header('vary', 'accept-encoding', { append: true });
    const encoding = encodingFor(c);
    if (encoding === null || c.res.body === null) return;
    const bytes = new Uint8Array(await c.res.arrayBuffer());
    const isWorthIt = bytes.length >= MIN_BYTES;
    const body = isWorthIt ? await encode(encoding, bytes, c.res.headers.get('etag')) : bytes;
    c.res = new Response(body, c.res);
    c.res.headers.set('content-length', String(body.length));
    if (isWorthIt) c.res.headers.set('content-encoding', encoding);
  };
}

/** Also a 304, which has the headers that the whole answer would have (section 15.4.5), and no type. */
function varies({ status, headers }: Response): boolean {
  if (headers.has('content-encoding')) return false;
  return status === 304 || COMPRESSIBLE_CONTENT_TYPE_REGEX.test(headers.get('content-type') ?? '');
}

/** @returns `null` where the answer is best sent as it is, or nothing that is known here is accepted */
function encodingFor(c: Context): Encoding | null {
  const chosen = accepts(c, {
    header: 'Accept-Encoding',
    supports: [...Object.keys(ENCODERS), 'identity'],
    default: 'identity',
    match: (accepted, { supports, default: plain }) => {
      const weightOf = (name: string) =>
        (
          accepted.find(({ type }) => type.toLowerCase() === name) ??
          accepted.find(({ type }) => type === '*')
        )?.q ?? 0;
      const [best = plain] = supports.toSorted((a, b) => weightOf(b) - weightOf(a));
      return weightOf(best) > 0 ? best : plain;
    },
  });
  return chosen === 'identity' ? null : (chosen as Encoding);
}

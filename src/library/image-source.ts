/** The ways in which an image may be given, read to bytes. */
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import type { CallLimits } from '../caption/deadline.ts';
import { CaptionError, DeadlineExceeded, errorOf, InvalidRequest, reportOf } from '../errors.ts';
import { readImageFile, readImageStream } from '../model/image-file.ts';
import { untilAborted } from '../model/waiting/abort.ts';
import { MAX_TIMER_MS } from '../model/waiting/timer.ts';

/**
 * An image file, JPEG, PNG, WebP, AVIF, GIF or TIFF, of at most 256 MB and as many pixels as `LoadOptions.maxPixels` allows:
 * - its bytes, which stay the caller's and must not change until the caption is there;
 * - a string: the path of a file. Never an address, so a name from elsewhere reads a file at worst;
 * - a `URL`: `file:`, `https:`, `http:`, `data:` or `blob:`. Whoever lets others choose it lets them reach what this
 *   machine can reach;
 * - a `Blob`, `File` among them;
 * - a stream of the web or of Node, or anything else that yields bytes.
 */
export type ImageSource =
  | Uint8Array
  | ArrayBuffer
  | string
  | URL
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

const READ = new Set(['http:', 'https:', 'data:', 'blob:']);

/**
 * @param limits end the reading of streams and addresses
 * @throws ImageNotFound, ImageTooLarge, UnsupportedImage; InvalidRequest for what is no image source;
 * UpstreamUnavailable when the server of an address cannot answer now; DeadlineExceeded; the reason of `signal` when
 * that is aborted; what a stream throws
 */
export async function readImageSource(
  source: ImageSource,
  { signal, deadline = Number.POSITIVE_INFINITY }: CallLimits = {},
): Promise<Uint8Array> {
  const left = deadline - Date.now();
  if (left > MAX_TIMER_MS) return read(source, signal);
  const late = AbortSignal.timeout(Math.max(0, Math.ceil(left)));
  try {
    return await read(source, signal ? AbortSignal.any([signal, late]) : late);
  } catch (error) {
    if (error !== late.reason) throw error;
    throw new DeadlineExceeded('the deadline passed while the image was read', { cause: error });
  }
}

async function read(source: ImageSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'string') return readPath(source);
  if (source instanceof URL) return readUrl(source, signal);
  if (source instanceof Blob) return readStream(source.stream(), 'the blob', signal);
  if (isStream(source)) return readStream(source, 'the stream', signal);
  throw new InvalidRequest(
    `an image is bytes, a path, a URL, a Blob or a stream of bytes, not ${describe(source)}`,
  );
}

async function readPath(path: string): Promise<Uint8Array> {
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(path)) {
    throw new InvalidRequest(`${path}: a string is the path of a file; give an address as new URL(...)`);
  }
  try {
    return await readImageFile(path);
  } catch (error) {
    throw error instanceof CaptionError ? about(path, error) : error;
  }
}

/** The same failure, with the name of the file in its message. */
function about(path: string, error: CaptionError): Error {
  const named = errorOf({ ...reportOf(error), message: `${path}: ${error.message}` });
  named.cause = error.cause;
  return named;
}

async function readUrl(url: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (url.protocol === 'file:') return readPath(fileURLToPath(url));
  if (!READ.has(url.protocol)) {
    throw new InvalidRequest(`${url.protocol}: images are read from file:, http:, https:, data: and blob:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidRequest('an address with a user or a password in it is not read; fetch it yourself');
  }
  if (url.host === '') return await readInline(url, signal);
  const { readAddress } = await import('./image-address.ts');
  return await readAddress(url, signal ?? new AbortController().signal);
}

/** `data:` and `blob:`, which hold what they name. */
async function readInline(url: URL, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetch(url, { signal: signal ?? null }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new InvalidRequest(`${url.protocol} holds no image`, { cause });
  });
  return await readStream(response.body!, url.protocol, signal);
}

/** What is left of the stream when nobody wants it any more is not read. */
function readStream(
  stream: AsyncIterable<unknown> | ReadableStream<Uint8Array>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return untilAborted(signal, (resolve, reject) => {
    const chunks = stream instanceof ReadableStream ? Readable.fromWeb(stream as WebStream) : stream;
    const iterator = chunks[Symbol.asyncIterator]();
    readImageStream({ [Symbol.asyncIterator]: () => iterator }, name).then(resolve, reject);
    return () => {
      // A generator that waits for its next chunk ends only after it: nobody can wait for that.
      if (chunks instanceof Readable) chunks.destroy();
      else Promise.resolve(iterator.return?.()).catch(() => undefined);
    };
  });
}

function isStream(source: unknown): source is AsyncIterable<unknown> {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value).slice(0, 100);
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}

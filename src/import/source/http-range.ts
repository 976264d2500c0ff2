/** One request for the rest of a file (RFC 9110, sections 13.1.5 and 14). */
import { isIPv4 } from 'node:net';
import { InvalidRequest, SourceError } from '../../errors.ts';

/** Release pages redirect to a storage host, which may redirect once more. */
const MAX_REDIRECTS = 5;
/** Answers after which trying again makes sense: timeouts, too many requests, trouble inside the server. */
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface Fetched {
  /** Where the bytes go; 0 when the server did not take up the range. */
  start: number;
  /** Bytes of the whole file, where the server says. */
  total: number | null;
  /** For `If-Range`: a strong ETag or a date. */
  validator: string | null;
  body: AsyncIterable<Uint8Array>;
  /** Ends the connection and its timers. */
  close(): void;
}

/** @throws InvalidRequest for anything but https, or http to this machine */
export function parseAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address && isAllowed(address)) return address;
  throw new InvalidRequest(`expected an https address, found ${url}`);
}

/** Nothing between the programs on one machine can be listened to or changed on the way. */
function isAllowed({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true;
  const loopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  return protocol === 'http:' && loopback;
}

/**
 * Asks for the bytes from `start` on.
 * @param validator of the bytes that are there; null when they came from an earlier call: then the hash must tell
 * @param stallMs without a byte, after which the body throws
 * @throws SourceUnreadable when another try cannot help; after any other error it may
 */
export async function fetchFrom(
  address: URL,
  start: number,
  validator: string | null,
  stallMs: number,
  deadline: AbortSignal,
): Promise<Fetched> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${stallMs} ms`)), stallMs);
  const close = (): void => {
    clearTimeout(timer);
    stalled.abort();
  };
  try {
    const headers = {
      // Compressed bytes would have other lengths and ranges than the file.
      'accept-encoding': 'identity',
      ...(start > 0 ? { range: `bytes=${start}-` } : {}),
      ...(start > 0 && validator !== null ? { 'if-range': validator } : {}),
    };
    const answer = await follow(address, headers, AbortSignal.any([stalled.signal, deadline]));
    return { ...read(address, answer, start), body: refreshing(answer, timer), close };
  } catch (error) {
    close();
    throw stalled.signal.aborted && !(error instanceof SourceError)
      ? (stalled.signal.reason ?? error)
      : error;
  }
}

async function follow(address: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  let at = address;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await fetch(at, { headers, signal, redirect: 'manual' });
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status >= 400 || location === null) return answer;
    await answer.body?.cancel();
    const next = URL.canParse(location, at.href) ? new URL(location, at) : null;
    // From https there is no way back, not even to this machine.
    if (!next || !isAllowed(next) || (at.protocol === 'https:' && next.protocol !== 'https:')) {
      throw refused(address, 'redirects to https addresses', location.slice(0, 500));
    }
    at = next;
  }
  throw refused(address, `at most ${MAX_REDIRECTS} redirects`, 'more');
}

function read(address: URL, answer: Response, start: number): Omit<Fetched, 'body' | 'close'> {
  const { status, headers } = answer;
  const validator = validatorOf(headers);
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw refused(address, 'the bytes of the file', `an answer in ${encoding}`);
  if (status === 206) {
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(from) !== start)
      throw refused(address, `the bytes from ${start}`, `those from ${from ?? 'nowhere'}`);
    return { start, total: total === '*' || total === undefined ? null : Number(total), validator };
  }
  if (status === 200) {
    const length = headers.get('content-length');
    return { start: 0, total: length === null ? null : Number(length), validator };
  }
  if (status === 416) {
    const total = Number(/^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]);
    // All is there already; or more than there is, and the hash will tell.
    return { start: Math.min(start, Number.isNaN(total) ? start : total), total: null, validator };
  }
  const actual = `status ${status} ${answer.statusText}`.trim();
  if (TEMPORARY.has(status)) throw new Error(actual);
  throw refused(address, 'the file', actual);
}

function validatorOf(headers: Headers): string | null {
  const etag = headers.get('etag');
  return etag?.startsWith('"') ? etag : headers.get('last-modified');
}

/** The body, with the timer set back for every piece; without one for an answer whose body is no part of the file. */
async function* refreshing(answer: Response, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  if (answer.status === 416 || answer.body === null) return;
  for await (const chunk of answer.body) {
    timer.refresh();
    yield chunk;
  }
}

function refused(address: URL, expected: string, actual: string): SourceError {
  return new SourceError('SourceUnreadable', { file: address.href, expected, actual });
}

/** One request for the rest of a file (RFC 9110, sections 13.1.5 and 14). */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import { InvalidRequest, SourceError } from '../../errors.ts';
import {
  describeFailure,
  describeStatus,
  type FailureText,
  isWebPage,
  shownAddress,
} from '../../net/failure.ts';
import { get } from '../../net/get.ts';

/** Release pages redirect to a storage host, which may redirect once more. */
const MAX_REDIRECTS = 5;

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

/** A connection that brought nothing, or not all; the next may. */
export class FetchFailure extends Error {
  readonly text: FailureText;

  constructor(text: FailureText, options?: ErrorOptions) {
    super(text.actual, options);
    this.text = text;
  }
}

/** @throws InvalidRequest for anything but https, or http to this machine */
export function parseAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address !== null && hasCredentials(address)) {
    throw new InvalidRequest(
      `${shownAddress(address)}: an address with a user or a password in it is not read; download it by other means and import the file`,
    );
  }
  if (address && isAllowed(address)) return address;
  throw new InvalidRequest(`expected an https address, found ${url}`);
}

/** Nothing between the programs on one machine can be listened to or changed on the way. */
function isAllowed(address: URL): boolean {
  const { protocol, hostname } = address;
  if (hasCredentials(address)) return false;
  if (protocol === 'https:') return true;
  const loopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  return protocol === 'http:' && loopback;
}

function hasCredentials({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

export interface Connection {
  /** Milliseconds without a byte, after which the body throws. */
  stallMs: number;
  deadline: AbortSignal;
  /** Value of `authorization`; a secret, for the origin of the address alone. */
  authorization?: string | undefined;
  /** What an answer without the file means, where that server is known; `null` where it says nothing special. */
  refusal?: ((answer: IncomingMessage) => SourceError | null) | undefined;
}

/**
 * Asks for the bytes from `start` on.
 * @param validator of the bytes that are there; null when they came from an earlier call: then the hash must tell
 * @throws SourceUnreadable when another try cannot help; after any other error it may
 */
export async function fetchFrom(
  address: URL,
  start: number,
  validator: string | null,
  { stallMs, deadline, authorization, refusal }: Connection,
): Promise<Fetched> {
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  /** Ends all when nothing comes from now on. */
  const watch = (silence: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(stall(silence, stallMs)), stallMs);
  };
  const close = (): void => {
    clearTimeout(timer);
    stalled.abort();
  };
  watch('no answer came');
  try {
    const headers = {
      ...(start > 0 ? { range: `bytes=${start}-` } : {}),
      ...(start > 0 && validator !== null ? { 'if-range': validator } : {}),
      ...(authorization !== undefined && { authorization }),
    };
    const signal = AbortSignal.any([stalled.signal, deadline]);
    const { answer, at } = await follow(address, headers, signal);
    const watchBody = () => watch('nothing more came');
    watchBody();
    const refused = answer.statusCode! < 400 ? null : (refusal?.(answer) ?? null);
    if (refused !== null) throw refused;
    const place = placeOf(address, answer, start);
    const bytes = bodyOf(answer, watchBody, (error) => inWords(error, at, address, signal));
    const body = answer.statusCode === 200 ? await checked(bytes, address, answer) : bytes;
    return { ...place, body, close };
  } catch (error) {
    close();
    throw error;
  }
}

function stall(what: string, stallMs: number): FetchFailure {
  const remedy = 'Check the network; behind a proxy, name it in HTTPS_PROXY.';
  return new FetchFailure({ actual: `${what} for ${stallMs} ms`, remedy, passes: true });
}

export interface Answer {
  answer: IncomingMessage;
  /** Who gave it. */
  at: URL;
}

/**
 * Through redirects; to other hosts goes no `authorization`, since addresses that are led to may be anybody's.
 * @param headers in lower case
 * @throws SourceUnreadable, FetchFailure, the reason of `signal`
 */
export async function follow(
  address: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Answer> {
  const { authorization: _, ...open } = headers;
  let at = address;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const sent = at.origin === address.origin ? headers : open;
    const answer = await get(at, { headers: sent, signal }).catch((error: unknown) => {
      throw inWords(error, at, address, signal);
    });
    const { statusCode: status = 0, headers: answered } = answer;
    const { location } = answered;
    if (status < 300 || status >= 400 || location === undefined) return { answer, at };
    answer.destroy();
    const next = URL.canParse(location, at.href) ? new URL(location, at) : null;
    // From https there is no way back, not even to this machine.
    if (!next || !isAllowed(next) || (at.protocol === 'https:' && next.protocol !== 'https:')) {
      throw refused(address, 'redirects to https addresses', {
        actual: next === null ? 'one that is no address' : shownAddress(next).slice(0, 500),
        remedy: 'Ask the owner of the address for one of the file itself.',
      });
    }
    at = next;
  }
  throw refused(address, `at most ${MAX_REDIRECTS} redirects`, {
    actual: `more, the last to ${shownAddress(at).slice(0, 500)}`,
    remedy: 'Servers that want a login send in circles: open the address in a browser.',
  });
}

/** SourceError where no other try helps. @param at who was asked */
function inWords(error: unknown, at: URL, address: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const text = describeFailure(error, at);
  if (text === null) return error;
  return text.passes
    ? new FetchFailure(text, { cause: error })
    : refused(address, 'the file', text, { cause: error });
}

/** Which bytes an answer has; what has none is destroyed. */
function placeOf(address: URL, answer: IncomingMessage, start: number): Omit<Fetched, 'body' | 'close'> {
  const { statusCode: status = 0, statusMessage, headers } = answer;
  const validator = validatorOf(headers);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    // Compressed bytes would have other lengths and ranges than the file.
    throw refused(address, 'the bytes of the file', { actual: `an answer in ${encoding}`, remedy: '' });
  }
  if (status === 206) {
    const range = headers['content-range']?.match(/^bytes (\d+)-\d+\/(?:(\d+)|\*)$/);
    if (Number(range?.[1]) !== start) {
      const actual = `those from ${range?.[1] ?? 'nowhere'}`;
      throw refused(address, `the bytes from ${start}`, { actual, remedy: '' });
    }
    const total = range?.[2];
    return { start, total: total === undefined ? null : Number(total), validator };
  }
  if (status === 200) {
    const length = headers['content-length'];
    return { start: 0, total: length === undefined ? null : Number(length), validator };
  }
  if (status === 416) {
    const total = headers['content-range']?.match(/^bytes \*\/(\d+)$/)?.[1];
    // All is there already; or more than there is, and the hash will tell.
    return { start: Math.min(start, Number(total ?? start)), total: null, validator };
  }
  const text = describeStatus(status, statusMessage);
  throw text.passes ? new FetchFailure(text) : refused(address, 'the file', text);
}

function validatorOf({ etag, 'last-modified': date }: IncomingHttpHeaders): string | null {
  return etag?.startsWith('"') ? etag : (date ?? null);
}

/** Nothing for an answer whose body is no part of the file. @param onPiece called for each */
async function* bodyOf(
  answer: IncomingMessage,
  onPiece: () => void,
  inWords: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  if (answer.statusCode === 416) return;
  try {
    for await (const chunk of answer) {
      onPiece();
      yield chunk as Uint8Array;
    }
  } catch (error) {
    throw inWords(error);
  }
}

/** The same bytes, which nothing is overwritten with before they are known to be no page. @throws SourceUnreadable */
async function checked(
  bytes: AsyncGenerator<Uint8Array>,
  address: URL,
  { headers }: IncomingMessage,
): Promise<AsyncIterable<Uint8Array>> {
  const first = await bytes.next();
  if (!first.done && isWebPage(first.value, headers['content-type'])) {
    throw refused(address, 'the file', {
      actual: 'a web page',
      remedy:
        'Logins, of the server or of this network, and pages about a file look like that: open the address in a browser.',
    });
  }
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* bytes;
  })();
}

function refused(
  address: URL,
  expected: string,
  { actual, remedy }: Pick<FailureText, 'actual' | 'remedy'>,
  options?: ErrorOptions,
): SourceError {
  const file = shownAddress(address);
  return new SourceError('SourceUnreadable', { file, expected, actual, ...(remedy && { remedy }) }, options);
}

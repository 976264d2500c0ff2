/** An image behind an address; loaded when one is given. */
import type { IncomingMessage } from 'node:http';
import { CaptionError, ImageNotFound, UpstreamUnavailable } from '../errors.ts';
import { readImageStream } from '../model/image-file.ts';
import { describeFailure, describeStatus, shownAddress } from '../net/failure.ts';
import { get } from '../net/get.ts';

/** As browsers. */
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * @param url `https:` or `http:`
 * @throws ImageNotFound, ImageTooLarge, UpstreamUnavailable, the reason of `signal`; InvalidRequest for a proxy of the
 * environment that is none
 */
export async function readAddress(url: URL, signal: AbortSignal): Promise<Uint8Array> {
  let at = url;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await get(at, { signal }).catch((error: unknown) => {
      throw failureOf(error, at, signal);
    });
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode!) || location === undefined)
      return await readAnswer(answer, at, signal);
    answer.destroy();
    at = nextOf(location, at);
  }
  throw new ImageNotFound(`${shownAddress(url)} redirects more than ${MAX_REDIRECTS} times`);
}

async function readAnswer(answer: IncomingMessage, at: URL, signal: AbortSignal): Promise<Uint8Array> {
  const { statusCode: status = 0, statusMessage, headers } = answer;
  try {
    if (status < 200 || status >= 300) {
      const { actual, passes } = describeStatus(status, statusMessage);
      throw new (passes ? UpstreamUnavailable : ImageNotFound)(`${shownAddress(at)} answers ${actual}`);
    }
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      throw new UpstreamUnavailable(`${shownAddress(at)} answers in ${encoding}, which nobody asked for`);
    }
    return await readImageStream(answer, shownAddress(at));
  } catch (error) {
    throw failureOf(error, at, signal);
  } finally {
    answer.destroy();
  }
}

/** @throws ImageNotFound */
function nextOf(location: string, at: URL): URL {
  const next = URL.canParse(location, at.href) ? new URL(location, at) : null;
  if (next !== null && /^https?:$/.test(next.protocol) && next.username === '' && next.password === '')
    return next;
  throw new ImageNotFound(`${shownAddress(at)} redirects to what is no address of an image`);
}

function failureOf(error: unknown, at: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof CaptionError) return error;
  const why = describeFailure(error, at);
  const text = why === null ? 'cannot be read now' : `${why.actual}. ${why.remedy}`;
  return new UpstreamUnavailable(`${shownAddress(at)}: ${text}`, { cause: error });
}

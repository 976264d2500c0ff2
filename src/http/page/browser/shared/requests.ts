/** Requests for captions, and what comes back. */
import type { CaptionResult } from '../../../../caption/result.ts';
import type { Card, Problem } from './cards.ts';
import { $ } from './document.ts';
import { query } from './options.ts';
import { shrunk } from './pictures.ts';
import { send } from './send.ts';
import { size } from './text.ts';

/** Gateways give up after 30 s; beyond twice that nobody answers. */
const TIMEOUT_MS = 60_000;

/** Bytes. */
export const bodyLimit = Number($<HTMLMetaElement>('meta[name=max-body-bytes]').content) || Infinity;

/** `trip`: from the request to its answer, ms. */
export type Outcome =
  | { result: CaptionResult; trip: number; problem?: undefined }
  | { result?: undefined; problem: Problem; trip?: undefined };

/** Never throws. */
export async function ask(card: Card): Promise<Outcome> {
  const file = card.file!;
  if (file.type && !file.type.startsWith('image/')) return { problem: { code: 'NotAnImage' } };
  card.sent ??= file;
  if (card.sent.size > bodyLimit) card.sent = (await shrunk(file)) ?? file;
  if (card.sent.size > bodyLimit) {
    const detail = `It has ${size(file.size)}; the limit is ${size(bodyLimit)}.`;
    return { problem: { code: 'ImageTooLarge', detail } };
  }
  card.smaller = card.sent !== file;
  card.query = query();
  const outcome = await post(card, card.query);
  if (outcome.problem?.code !== 'ImageTooLarge' || card.sent !== file) return outcome;
  // More bytes or more pixels than the server takes: one more try with fewer of both.
  card.sent = (await shrunk(file)) ?? file;
  card.smaller = card.sent !== file;
  return card.smaller ? post(card, card.query) : outcome;
}

/** Sends what the card sends, under any query; never throws. */
export async function post({ sent, gone }: Card, asked: URLSearchParams): Promise<Outcome> {
  const start = performance.now();
  try {
    const response = await send(`captions?${asked}`, {
      method: 'POST',
      body: sent!,
      headers: {
        'content-type': sent!.type || 'application/octet-stream',
        accept: 'application/json, application/problem+json',
      },
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const answer = await response.json().catch(() => null);
    if (response.ok && Array.isArray(answer?.captions))
      return { result: answer, trip: performance.now() - start };
    return { problem: problemOf(response, answer) };
  } catch (error) {
    return {
      problem: { code: (error as Error).name === 'TimeoutError' ? 'DeadlineExceeded' : 'Unreachable' },
    };
  }
}

/** Gateways in front of the server answer without problem documents. */
const BY_STATUS: Record<number, string> = {
  400: 'MalformedRequest',
  401: 'SignedOut',
  403: 'Refused',
  404: 'RouteNotFound',
  405: 'MethodNotAllowed',
  413: 'ImageTooLarge',
  415: 'UnsupportedImage',
  422: 'InvalidRequest',
  429: 'Overloaded',
  502: 'UpstreamUnavailable',
  503: 'Overloaded',
  504: 'DeadlineExceeded',
};

/** With all that the problem document has, where one came. */
function problemOf(response: Response, answer: Partial<Problem> | null): Problem {
  return {
    ...answer,
    code: answer?.code ?? BY_STATUS[response.status] ?? 'InternalError',
    status: response.status,
    retryAfter: secondsOf(response.headers.get('retry-after')),
  };
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function secondsOf(retryAfter: string | null): number | undefined {
  if (!retryAfter) return undefined;
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}

/** Pages of other origins (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol): which may call, and what they may send and read. */
import * as z from 'zod';

/** Any page whatsoever. */
export const ANY_ORIGIN = '*';

/** What `Access-Control-Allow-Origin` says to a page; `null` for a page that may not read answers. */
export type AllowedOrigin = typeof ANY_ORIGIN | ((origin: string) => string | null);

export const CORS_METHODS = ['GET', 'HEAD', 'POST'] as const;
/** Beside what a page may send anyway: credentials for whatever stands in front of the service, and types of bodies. */
export const CORS_REQUEST_HEADERS = ['authorization', 'content-type', 'x-api-key', 'x-request-id'];
/** Beside what a page may read anyway. */
export const CORS_ANSWER_HEADERS = [
  'location',
  'retry-after',
  'server-timing',
  'traceresponse',
  'x-request-id',
];
/** How long a browser need not ask again: as long as any of them remembers. */
export const CORS_MAX_AGE_SECONDS = 7200;

/** Origins as browsers send them, or `*`. */
export const originsSchema = z.array(z.string()).superRefine((origins, { addIssue }) => {
  for (const origin of origins) {
    const wrong = origin === ANY_ORIGIN ? null : wrongWith(origin);
    if (wrong !== null) addIssue(wrong);
  }
});

/** Compared letter by letter, so that what a browser would never send is a mistake. */
function wrongWith(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.host.includes('*')) {
    return `"${text}" is no origin; write it like https://app.example.org or http://localhost:3000, or * for any`;
  }
  return url.origin === text
    ? null
    : `"${text}" is more than an origin, or spelt otherwise; write ${url.origin}`;
}

/** @param origins by `originsSchema` */
export function allowOrigins(origins: readonly string[]): AllowedOrigin {
  if (origins.includes(ANY_ORIGIN)) return ANY_ORIGIN;
  return (origin) => (origins.includes(origin) ? origin : null);
}

/** Pages that programs of this machine serve: no other can have such an origin in a browser on it. */
export function allowThisMachine(origin: string): string | null {
  const url = URL.parse(origin);
  return url !== null && url.origin === origin && isLoopback(url.hostname) ? origin : null;
}

/**
 * Whether a host, by name or address, is this machine whatever the network says (RFC 6761 section 6.3, RFC 6890).
 * @param host in lower case
 */
export function isLoopback(host: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

/** For answers that do not come out of the app: what `hono/cors` adds there. */
export function crossOriginHeaders(allowed: AllowedOrigin | undefined, origin = ''): Record<string, string> {
  if (allowed === undefined) return {};
  const value = allowed === ANY_ORIGIN ? ANY_ORIGIN : allowed(origin);
  return {
    ...(value !== null && {
      'access-control-allow-origin': value,
      'access-control-expose-headers': CORS_ANSWER_HEADERS.join(','),
    }),
    ...(allowed !== ANY_ORIGIN && { vary: 'Origin' }),
  };
}

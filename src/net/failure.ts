/** Why no answer came, in words. */
import { ProxyFailure } from './agents.ts';

export interface FailureText {
  /** What happened; no sentence yet, so that it fits behind "found". */
  actual: string;
  /** Sentences that say what to do; empty where there is nothing. */
  remedy: string;
  /** False where only somebody's doing helps, and no other try. */
  passes: boolean;
}

/** `HOST` stands for the host, `ADDRESS` for host and port. */
const LOOKUP =
  'Check the name, and that this machine is on the network; behind a proxy, name it in HTTPS_PROXY.';
const REACH = 'Check the address, the network and its firewall; behind a proxy, name it in HTTPS_PROXY.';
const AGAIN = 'Try again later.';
const CLOCK = "Check this machine's clock; if it is right, only the owner of HOST can mend it.";
const TRUST =
  "If it is your own, or that of your company's proxy, name the file of the certificate authority (PEM) in NODE_EXTRA_CA_CERTS.";
const REFUSES = 'ADDRESS refuses connections';
const NO_WAY = 'there is no way to ADDRESS';
const BROKEN = 'HOST broke the connection off';
const SLOW = 'no answer came from ADDRESS in time';
const UNTRUSTED = 'no authority that this machine trusts vouches for the certificate of HOST';

/** By code of Node, OpenSSL and AWS's clients. */
const TEXTS: Record<string, readonly [actual: string, remedy: string]> = {
  ENOTFOUND: ['the name HOST is not known', LOOKUP],
  EAI_AGAIN: ['no name server answers for HOST', LOOKUP],
  ECONNREFUSED: [REFUSES, REACH],
  EHOSTUNREACH: [NO_WAY, REACH],
  ENETUNREACH: [NO_WAY, REACH],
  EHOSTDOWN: [NO_WAY, REACH],
  ENETDOWN: [NO_WAY, REACH],
  EADDRNOTAVAIL: [NO_WAY, REACH],
  ETIMEDOUT: [SLOW, REACH],
  TimeoutError: [SLOW, REACH],
  ECONNRESET: [BROKEN, AGAIN],
  ECONNABORTED: [BROKEN, AGAIN],
  EPIPE: [BROKEN, AGAIN],
  ERR_STREAM_PREMATURE_CLOSE: [BROKEN, AGAIN],
  CERT_HAS_EXPIRED: ['the certificate of HOST has expired', CLOCK],
  CERT_NOT_YET_VALID: ['the certificate of HOST is not valid yet', CLOCK],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'the certificate of HOST is one for other hosts',
    'Check the name; a proxy or login page of the network may answer in its place.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['HOST signed its certificate by itself', TRUST],
  SELF_SIGNED_CERT_IN_CHAIN: [UNTRUSTED, TRUST],
  UNABLE_TO_GET_ISSUER_CERT: [UNTRUSTED, TRUST],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [UNTRUSTED, TRUST],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [UNTRUSTED, TRUST],
  CERT_UNTRUSTED: [UNTRUSTED, TRUST],
  CERT_REVOKED: ['the certificate of HOST was revoked', 'Do not trust it; ask its owner.'],
};
/** Of OpenSSL, where both sides did not come to an agreement. */
const TLS = /^(EPROTO|ERR_SSL_|ERR_TLS_|CERT_)/;
/** Of Node's parser. */
const NO_HTTP = /^HPE_/;
/** Somebody has to change the server, its certificate or this machine. */
const LASTING = [TLS, NO_HTTP, /^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_/];

/**
 * @param error of a request that got no answer, or no whole one
 * @param url what was asked; its path and query are not told
 * @returns `null` for what is no failure of a connection
 */
export function describeFailure(error: unknown, url: URL): FailureText | null {
  const proxy = chainOf(error).find((cause) => cause instanceof ProxyFailure);
  if (proxy !== undefined) return describeProxy(proxy);
  const code = codeOf(error);
  const text = code === null ? undefined : textOf(code);
  if (text === undefined) return null;
  const address = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const [actual, remedy] = text.map((part) =>
    part.replaceAll('HOST', url.hostname).replaceAll('ADDRESS', address),
  );
  return {
    actual: `${actual} (${code})`,
    remedy: remedy!,
    passes: !LASTING.some((kind) => kind.test(code!)),
  };
}

/** Answers after which trying again makes sense: timeouts, too many requests, trouble inside the server. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
const STATUS_REMEDIES: Record<number, string> = {
  401: 'The server wants to know who asks: fetch it with a program that signs in.',
  403: 'The server gives it to others or to nobody: fetch it with a program that signs in, or ask its owner.',
  404: 'Check the address with its owner.',
  410: 'It was taken away; ask its owner for another address.',
  429: 'The server was asked too often. Try again later.',
};

/** An answer that is none of what was asked for. @param reason that the server gave beside the status */
export function describeStatus(status: number, reason = ''): FailureText {
  const passes = PASSING.has(status);
  return {
    actual: `status ${status} ${reason}`.trim(),
    remedy: STATUS_REMEDIES[status] ?? (passes ? AGAIN : ''),
    passes,
  };
}

/** @param start first bytes of an answer @param type its content type */
export function isWebPage(start: Uint8Array, type = ''): boolean {
  const text = Buffer.from(start.subarray(0, 1024))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  return /^<(!doctype html|html)\b/i.test(text) || (/html/i.test(type) && text.startsWith('<'));
}

/** True where a request got no answer that the next try may bring. */
export function isConnectionFailure(error: unknown): boolean {
  return codeOf(error) !== null || chainOf(error).some((cause) => cause instanceof ProxyFailure);
}

function describeProxy({ proxy, status, cause }: ProxyFailure): FailureText {
  const name = `the proxy ${proxy.host}`;
  if (status === 407) {
    return {
      actual: `${name} wants a name and a password, or others (status 407)`,
      remedy:
        'Give them in HTTPS_PROXY or HTTP_PROXY, as http://name:password@host:port; special characters as %40.',
      passes: false,
    };
  }
  if (status !== undefined) {
    return {
      actual: `${name} does not pass the request on (status ${status})`,
      remedy: 'Ask who runs it, or name what needs no proxy in NO_PROXY.',
      passes: PASSING.has(status),
    };
  }
  const why = describeFailure(cause, proxy);
  return {
    actual: `${name} cannot be reached${why === null ? '' : `: ${why.actual}`}`,
    remedy: 'Check HTTPS_PROXY and HTTP_PROXY, or name what needs no proxy in NO_PROXY.',
    passes: why?.passes ?? true,
  };
}

function textOf(code: string): readonly [string, string] | undefined {
  if (Object.hasOwn(TEXTS, code)) return TEXTS[code];
  if (TLS.test(code))
    return ['HOST and this machine do not agree on TLS', 'Check that ADDRESS speaks https.'];
  if (NO_HTTP.test(code)) return ['what ADDRESS answers is no HTTP', 'Check the address.'];
  return undefined;
}

/** The first that says something, of the error and of what caused it. */
function codeOf(error: unknown): string | null {
  for (const cause of chainOf(error)) {
    const codes = ['code' in cause ? String(cause.code) : '', cause.name];
    const known = codes.find((code) => textOf(code) !== undefined);
    if (known !== undefined) return known;
  }
  return null;
}

/** The error and what it names as its causes; an AggregateError has one for each address of a host. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && !chain.includes(at); at = causeOf(at)) chain.push(at);
  return chain;
}

function causeOf(error: Error): unknown {
  return error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
}

/** An address as it may be shown: queries may carry tokens. */
export function shownAddress({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

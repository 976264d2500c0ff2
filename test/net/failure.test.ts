/** What is told of connections that fail, each over real sockets. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { before, describe, type TestContext, test } from 'node:test';
import { ProxyFailure } from '../../src/net/agents.ts';
import { describeFailure, describeStatus, isConnectionFailure, isWebPage } from '../../src/net/failure.ts';
import { get } from '../../src/net/get.ts';
import {
  listening,
  setProxies,
  startHttp,
  startHttps,
  trustTestAuthority,
} from '../support/network/servers.ts';

before(trustTestAuthority);

const none: RequestListener = (_request, response) => response.end();

/** An address that answers each connection so. */
async function startRaw(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => onSocket(socket.on('error', () => undefined)));
  return await listening(t, Object.assign(server, { closeAllConnections: () => undefined }) as never);
}

type Start = (t: TestContext) => Promise<string>;

const CASES: [name: string, start: Start, actual: RegExp, remedy: RegExp, passes: boolean][] = [
  [
    'a name that nobody knows',
    async () => 'https://models.invalid/a?token=secret',
    // Without a network no name server says so.
    /^(the name models\.invalid is not known \(ENOTFOUND\)|no name server answers for models\.invalid \(EAI_AGAIN\))$/,
    /HTTPS_PROXY/,
    true,
  ],
  [
    'a port where nobody listens',
    async () => 'https://127.0.0.1:9/',
    /^127\.0\.0\.1:9 refuses connections \(ECONNREFUSED\)$/,
    /firewall/,
    true,
  ],
  [
    'every address of a name refuses',
    async () => 'http://localhost:9/',
    /^localhost:9 refuses connections \(ECONNREFUSED\)$/,
    /firewall/,
    true,
  ],
  [
    'an expired certificate',
    async (t) => `https://localhost:${await startHttps(t, none, 'expired')}/`,
    /^the certificate of localhost has expired \(CERT_HAS_EXPIRED\)$/,
    /clock/,
    false,
  ],
  [
    'a certificate of another host',
    async (t) => `https://localhost:${await startHttps(t, none, 'elsewhere')}/`,
    /^the certificate of localhost is one for other hosts \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    /Check the name/,
    false,
  ],
  [
    'a certificate that is its own authority',
    async (t) => `https://localhost:${await startHttps(t, none, 'alone')}/`,
    /^localhost signed its certificate by itself \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
    /NODE_EXTRA_CA_CERTS/,
    false,
  ],
  [
    'a server without TLS',
    async (t) => `https://localhost:${await startHttp(t, none)}/`,
    /^localhost and this machine do not agree on TLS \((ERR_SSL_\w+|EPROTO)\)$/,
    /localhost:\d+ speaks https/,
    false,
  ],
  [
    'a server that speaks something else',
    async (t) => `http://localhost:${await startRaw(t, (socket) => void socket.end('220 mail\r\n\r\n'))}/`,
    /^what localhost:\d+ answers is no HTTP \(HPE_\w+\)$/,
    /address/,
    false,
  ],
  [
    'a connection that is cut',
    async (t) => `http://localhost:${await startRaw(t, (socket) => void socket.destroy())}/`,
    /^localhost broke the connection off \(ECONNRESET\)$/,
    /again/,
    true,
  ],
  [
    'a connection that is cut before TLS',
    async (t) => `https://localhost:${await startRaw(t, (socket) => void socket.destroy())}/`,
    /^localhost broke the connection off \(ECONNRESET\)$/,
    /again/,
    true,
  ],
];

describe('a failure is told in words:', () => {
  for (const [name, start, actual, remedy, passes] of CASES) {
    test(name, async (t) => {
      setProxies(t, {});
      const url = new URL(await start(t));
      const error: unknown = await get(url, { signal: AbortSignal.timeout(10_000) }).then(
        () => assert.fail('was answered'),
        (error) => error,
      );
      assert.ok(isConnectionFailure(error));
      const text = describeFailure(error, url)!;
      assert.match(text.actual, actual);
      assert.match(text.remedy, remedy);
      assert.equal(text.passes, passes);
      assert.doesNotMatch(text.actual + text.remedy, /HOST|ADDRESS|secret/);
    });
  }

  const LOOKUP = /^Check the name, .*HTTPS_PROXY\.$/;
  const REACH = /^Check the address, .*HTTPS_PROXY\.$/;
  const AGAIN = /^Try again later\.$/;
  const TRUST = /NODE_EXTRA_CA_CERTS\.$/;
  const CLOCK = /clock; .*owner of example\.org can/;
  const UNTRUSTED = /^no authority .* vouches for the certificate of example\.org \(/;
  const CODES: [code: string, actual: RegExp, remedy: RegExp, passes: boolean][] = [
    ['ENOTFOUND', /^the name example\.org is not known \(/, LOOKUP, true],
    ['EAI_AGAIN', /^no name server answers for example\.org \(/, LOOKUP, true],
    ['ECONNREFUSED', /^example\.org:443 refuses connections \(/, REACH, true],
    ['EHOSTUNREACH', /^there is no way to example\.org:443 \(/, REACH, true],
    ['ENETUNREACH', /^there is no way to example\.org:443 \(/, REACH, true],
    ['EHOSTDOWN', /^there is no way to example\.org:443 \(/, REACH, true],
    ['ENETDOWN', /^there is no way to example\.org:443 \(/, REACH, true],
    ['EADDRNOTAVAIL', /^there is no way to example\.org:443 \(/, REACH, true],
    ['ETIMEDOUT', /^no answer came from example\.org:443 in time \(/, REACH, true],
    ['TimeoutError', /^no answer came from example\.org:443 in time \(/, REACH, true],
    ['ECONNRESET', /^example\.org broke the connection off \(/, AGAIN, true],
    ['ECONNABORTED', /^example\.org broke the connection off \(/, AGAIN, true],
    ['EPIPE', /^example\.org broke the connection off \(/, AGAIN, true],
    ['ERR_STREAM_PREMATURE_CLOSE', /^example\.org broke the connection off \(/, AGAIN, true],
    ['CERT_HAS_EXPIRED', /^the certificate of example\.org has expired \(/, CLOCK, false],
    ['CERT_NOT_YET_VALID', /^the certificate of example\.org is not valid yet \(/, CLOCK, false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /^the certificate of example\.org is one for/, /^Check the name/, false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /^example\.org signed its certificate by itself \(/, TRUST, false],
    ['SELF_SIGNED_CERT_IN_CHAIN', UNTRUSTED, TRUST, false],
    ['UNABLE_TO_GET_ISSUER_CERT', UNTRUSTED, TRUST, false],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNTRUSTED, TRUST, false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNTRUSTED, TRUST, false],
    ['CERT_UNTRUSTED', UNTRUSTED, TRUST, false],
    ['CERT_REVOKED', /^the certificate of example\.org was revoked \(/, /^Do not trust it/, false],
    ['EPROTO', /do not agree on TLS \(/, /^Check that example\.org:443 speaks https\.$/, false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /do not agree on TLS \(/, /speaks https/, false],
    ['ERR_TLS_HANDSHAKE_TIMEOUT', /do not agree on TLS \(/, /speaks https/, false],
    ['CERT_CHAIN_TOO_LONG', /do not agree on TLS \(/, /speaks https/, false],
    ['HPE_INVALID_CONSTANT', /^what example\.org:443 answers is no HTTP \(/, /^Check the address\.$/, false],
  ];
  for (const [code, actual, remedy, passes] of CODES) {
    test(code, () => {
      const cause = Object.assign(new Error('internal'), { code });
      for (const error of [
        cause,
        Object.assign(new Error('internal'), { name: code }),
        new TypeError('fetch failed', { cause }),
        new AggregateError([cause], ''),
      ]) {
        const text = describeFailure(error, new URL('https://example.org/a?token=secret'))!;
        assert.match(text.actual, actual);
        assert.ok(text.actual.endsWith(` (${code})`));
        assert.match(text.remedy, remedy);
        assert.equal(text.passes, passes);
        assert.ok(isConnectionFailure(error));
      }
    });
  }

  test('the outermost error that says something is told, with the port that was asked', () => {
    const cause = Object.assign(new Error(), { code: 'ENOTFOUND' });
    const error = Object.assign(new Error('', { cause }), { code: 'ECONNREFUSED' });
    for (const [address, asked] of [
      ['http://example.org/', 'example.org:80'],
      ['https://example.org/', 'example.org:443'],
      ['https://example.org:8443/', 'example.org:8443'],
    ] as const) {
      const { actual } = describeFailure(error, new URL(address))!;
      assert.equal(actual, `${asked} refuses connections (ECONNREFUSED)`);
    }
  });

  const PROXY = { url: new URL('http://proxy.example.org:3128') };
  test('a proxy is told, and not whom it was asked for', () => {
    const cause = Object.assign(new Error(), { code: 'ENOTFOUND' });
    const cases: [problem: { status?: number; cause?: unknown }, actual: RegExp, passes: boolean][] = [
      [{ status: 407 }, /^the proxy proxy\.example\.org:3128 wants .* \(status 407\)$/, false],
      [{ status: 403 }, /^the proxy proxy\.example\.org:3128 does not .* \(status 403\)$/, false],
      [{ status: 503 }, /^the proxy proxy\.example\.org:3128 does not .* \(status 503\)$/, true],
      [{ cause }, /cannot be reached: the name proxy\.example\.org is not known \(ENOTFOUND\)$/, true],
      [{ cause: Object.assign(new Error(), { code: 'EPROTO' }) }, /cannot be reached: .* \(EPROTO\)$/, false],
      [{ cause: new Error('a bug') }, /^the proxy proxy\.example\.org:3128 cannot be reached$/, true],
    ];
    for (const [problem, actual, passes] of cases) {
      const refused = new ProxyFailure(PROXY, problem);
      for (const error of [refused, new TypeError('fetch failed', { cause: refused })]) {
        const text = describeFailure(error, new URL('https://example.org/'))!;
        assert.match(text.actual, actual);
        assert.match(text.remedy, /HTTPS?_PROXY|NO_PROXY/);
        assert.equal(text.passes, passes);
        assert.equal(isConnectionFailure(error), true);
      }
    }
  });

  test('a status is told with the reason that the server gave, and what to do', () => {
    const signsIn = /a program that signs in/;
    const cases: [status: number, remedy: RegExp, passes: boolean][] = [
      [401, signsIn, false],
      [403, signsIn, false],
      [404, /^Check the address/, false],
      [408, AGAIN, true],
      [410, /taken away/, false],
      [418, /^$/, false],
      [425, AGAIN, true],
      [429, /too often\. Try again later\.$/, true],
      [500, AGAIN, true],
      [501, /^$/, false],
      [502, AGAIN, true],
      [503, AGAIN, true],
      [504, AGAIN, true],
    ];
    for (const [status, remedy, passes] of cases) {
      const text = describeStatus(status);
      assert.match(text.remedy, remedy, String(status));
      assert.deepEqual([text.actual, text.passes], [`status ${status}`, passes]);
    }
    assert.equal(describeStatus(404, 'Not Found').actual, 'status 404 Not Found');
  });

  test('what is no failure of a connection is left alone', () => {
    const circle = new Error('a');
    circle.cause = circle;
    for (const error of [
      new Error('a bug'),
      circle,
      Object.assign(new Error(), { code: 'ENOSPC' }),
      Object.assign(new Error(), { code: 'constructor' }),
      Object.assign(new Error(), { code: 'X_EPROTO' }),
      Object.assign(new Error(), { code: 'X_HPE_INVALID' }),
      new Error('', { cause: 'ENOTFOUND' }),
      'text',
      null,
    ]) {
      assert.equal(describeFailure(error, new URL('https://example.org')), null);
      assert.equal(isConnectionFailure(error), false);
    }
  });
});

describe('a web page', () => {
  const pages: [string, string?][] = [
    ['<!DOCTYPE html><title>Login</title>'],
    ['\uFEFF\n <!doctype HTML>'],
    ['<html lang="en">'],
    ['<HTML>'],
    [' \n<p>Log in', 'TEXT/HTML'],
    ['<head><title>Login', 'text/html; charset=utf-8'],
    ['<?xml version="1.0"?><!DOCTYPE html PUBLIC "x">', 'application/xhtml+xml'],
  ];
  for (const [start, type] of pages) {
    test(`begins with ${start.trim().slice(0, 16)}`, () =>
      assert.equal(isWebPage(Buffer.from(start), type), true));
  }

  test('is not what is called so by a server that calls everything so', () => {
    assert.equal(isWebPage(Buffer.from([0x1f, 0x8b, 8]), 'text/html'), false);
    assert.equal(isWebPage(Buffer.from('<htmlish>'), 'application/octet-stream'), false);
    assert.equal(isWebPage(Buffer.alloc(0), 'text/html'), false);
    assert.equal(isWebPage(Buffer.from('GIF <html>'), 'text/html'), false);
    assert.equal(isWebPage(Buffer.from('GIF <!doctype html>')), false);
    assert.equal(isWebPage(Buffer.from('<svg>'), 'image/svg+xml'), false);
    assert.equal(isWebPage(Buffer.from(`${' '.repeat(1024)}<html>`)), false);
    assert.equal(isWebPage(Buffer.from(`${' '.repeat(1018)}<html>`)), true);
  });
});

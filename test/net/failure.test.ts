/** What is told of connections that fail, each over real sockets. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { before, describe, type TestContext, test } from 'node:test';
import { describeFailure, isConnectionFailure, isWebPage } from '../../src/net/failure.ts';
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

  const CODES: [code: string, actual: RegExp, passes: boolean][] = [
    ['EHOSTUNREACH', /^there is no way to example\.org:443 \(EHOSTUNREACH\)$/, true],
    ['ENETUNREACH', /^there is no way to example\.org:443 \(ENETUNREACH\)$/, true],
    ['ETIMEDOUT', /^no answer came from example\.org:443 in time \(ETIMEDOUT\)$/, true],
    ['EAI_AGAIN', /^no name server answers for example\.org \(EAI_AGAIN\)$/, true],
    ['EPIPE', /^example\.org broke the connection off \(EPIPE\)$/, true],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      /^no authority .* vouches for the certificate of example\.org/,
      false,
    ],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /^no authority .* vouches/, false],
    ['SELF_SIGNED_CERT_IN_CHAIN', /^no authority .* vouches/, false],
    ['CERT_NOT_YET_VALID', /not valid yet/, false],
    ['CERT_REVOKED', /revoked/, false],
  ];
  for (const [code, actual, passes] of CODES) {
    test(code, () => {
      const cause = Object.assign(new Error('internal'), { code });
      for (const error of [
        cause,
        new TypeError('fetch failed', { cause }),
        new AggregateError([cause], ''),
      ]) {
        const text = describeFailure(error, new URL('https://example.org/a?token=secret'))!;
        assert.match(text.actual, actual);
        assert.equal(text.passes, passes);
        assert.ok(isConnectionFailure(error));
      }
    });
  }

  test('what is no failure of a connection is left alone', () => {
    const circle = new Error('a');
    circle.cause = circle;
    for (const error of [
      new Error('a bug'),
      circle,
      Object.assign(new Error(), { code: 'ENOSPC' }),
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
  });
});

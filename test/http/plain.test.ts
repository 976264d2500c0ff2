/** What needs no model: base64 as it is written, paths, times until a retry, the headers that every answer has. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bytesOfBase64 } from '../../src/http/base64.ts';
import { ALL_PROBLEMS, problemType, retryAfter } from '../../src/http/failures.ts';
import { FILE_EXAMPLE, formExample, PIXEL_BASE64 } from '../../src/http/files.ts';
import { uriPath } from '../../src/http/uri-path.ts';
import { app, appWith } from './harness.ts';

describe('base64', () => {
  const text = (base64: string) => Buffer.from(bytesOfBase64(base64)).toString('latin1');

  it('is read in both alphabets, with padding or without, in lines, and in data: URLs', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), fc.boolean(), fc.nat(9), (bytes, forUrls, padded, line) => {
        const plain = Buffer.from(bytes).toString('base64');
        const spelt = forUrls ? plain.replaceAll('+', '-').replaceAll('/', '_') : plain;
        const base64 = (padded ? spelt : spelt.replace(/=+$/, '')).replaceAll(
          new RegExp(`(.{${line + 1}})`, 'g'),
          '$1\r\n',
        );
        for (const written of [base64, `data:image/png; base64,${base64}`]) {
          assert.deepEqual(Buffer.from(bytesOfBase64(written)), Buffer.from(bytes));
        }
      }),
    );
    assert.equal(text('DATA:;BASE64,%59%51%3D%3d'), 'a');
    assert.equal(text('data:a;b=c;  base64,'), '');
    assert.equal(text(''), '');
  });

  const ALPHABET =
    'it must be in the alphabet with + and /, or in that with - and _, without blanks or bits after its end';
  const NOT_SAID = 'the data: URL does not say ;base64 before its comma';
  const REFUSED: [base64: string, why: string][] = [
    ['Y Q', ALPHABET],
    ['YQ=', ALPHABET],
    ['YQ===', ALPHABET],
    ['YR', ALPHABET],
    ['Y', ALPHABET],
    ['-+', ALPHABET],
    ['_/', ALPHABET],
    ['a%3D', ALPHABET],
    ['x data:;base64,YQ', ALPHABET],
    ['data:base64,YQ', NOT_SAID],
    ['data:;base64;a=b,YQ', NOT_SAID],
    ['data:;base64YQ', NOT_SAID],
    ['data:;base64,%', 'the data: URL has a % that stands for nothing'],
  ];
  for (const [base64, why] of REFUSED) {
    it(`is refused: ${base64}`, () => {
      assert.throws(() => bytesOfBase64(base64), {
        code: 'InvalidRequest',
        message: `image is not base64 (RFC 4648): ${why}`,
      });
    });
  }
});

describe('a path', () => {
  it('is written as a URI has it, and what is escaped stays', () => {
    const ALLOWED = "/AZaz09-._~!$&'()*+,;=:@";
    assert.equal(uriPath(ALLOWED), ALLOWED);
    assert.equal(uriPath('/a%20%C3%bc'), '/a%20%C3%bc');
    assert.equal(
      uriPath('/%/%g0%0/|"<>[]^`{}\\#? ü😀'),
      '/%25/%25g0%250/%7C%22%3C%3E%5B%5D%5E%60%7B%7D%5C%23%3F%20%C3%BC%F0%9F%98%80',
    );
  });
});

describe('failures', () => {
  it('have a place in the reference, and a time to try again where they pass', () => {
    const passing = Object.keys(ALL_PROBLEMS).filter((code) => Object.keys(retryAfter(code)).length > 0);
    assert.ok(passing.includes('Overloaded') && passing.includes('UpstreamUnavailable'));
    for (const code of passing) assert.deepEqual(retryAfter(code), { 'retry-after': '1' });
    for (const code of ['InternalError', 'DeadlineExceeded', 'ImageNotFound', 'nothing']) {
      assert.deepEqual(retryAfter(code), {});
    }
    assert.equal(problemType('Overloaded'), '/docs#Overloaded');
  });
});

describe('the example of an image', () => {
  it('is one gray pixel as TIFF, all in ASCII', async () => {
    const { value } = FILE_EXAMPLE.pixel;
    assert.match(value, /^[\0-\x7f]+$/);
    assert.equal(atob(PIXEL_BASE64), value);
    assert.deepEqual(formExample((pixel) => [pixel, 'b']).pixel.value, { image: [value, 'b'] });
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(Buffer.from(value)).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, data[0]], [1, 1, '@'.charCodeAt(0)]);
  });
});

describe('an answer', () => {
  const EVERY = {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=15552000',
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-frame-options': 'DENY',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  };
  /** Without those that differ from answer to answer, which there have to be. */
  function headersOf({ headers }: Response) {
    const { 'x-request-id': id, traceresponse, ...others } = Object.fromEntries(headers);
    assert.ok(id && traceresponse);
    return others;
  }
  const JSON_TYPE = { 'content-type': 'application/json', vary: 'accept-encoding' };

  it('has these headers, whatever it is', async () => {
    const { etag, ...model } = headersOf(await app.request('/model'));
    assert.match(etag!, /^W\/"[0-9a-f]{40}"$/);
    assert.deepEqual(model, { ...EVERY, ...JSON_TYPE, 'cache-control': 'no-cache' });
    assert.deepEqual(headersOf(await app.request('/model/metadata')), {
      ...EVERY,
      ...JSON_TYPE,
      'cache-control': 'no-store',
    });
    assert.deepEqual(headersOf(await app.request('/captions')), {
      ...EVERY,
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      allow: 'POST',
      vary: 'accept-encoding',
    });
    const page = headersOf(await app.request('/docs'));
    assert.match(page['content-security-policy']!, /^default-src 'none'; script-src 'sha256-/);
    const again = headersOf(await app.request('/docs', { headers: { 'if-none-match': page.etag! } }));
    const { 'content-type': _, ...kept } = page;
    assert.deepEqual(Object.fromEntries(Object.keys(again).map((name) => [name, kept[name]])), again);
    assert.ok('cache-control' in again && 'content-security-policy' in again && 'vary' in again);
  });

  it('tells pages of other origins what they may send and read', async () => {
    const open = appWith({ allowedOrigin: '*' });
    const shared = {
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'location,retry-after,server-timing,traceresponse,x-request-id',
    };
    const { etag: _, ...model } = headersOf(await open.request('/model'));
    assert.deepEqual(model, { ...EVERY, ...JSON_TYPE, ...shared, 'cache-control': 'no-cache' });
    const preflight = await open.request('/captions', {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    });
    assert.deepEqual(headersOf(preflight), {
      ...EVERY,
      ...shared,
      'access-control-allow-headers': 'authorization,content-type,x-api-key,x-request-id',
      'access-control-allow-methods': 'GET,HEAD,POST',
      'access-control-max-age': '7200',
      'cache-control': 'no-store',
      vary: 'Access-Control-Request-Headers',
    });
  });
});

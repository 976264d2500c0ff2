import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidRequest } from '../../src/errors.ts';
import { proxyFor, readProxies } from '../../src/net/proxy.ts';

const PROXY = 'http://proxy.example.org:3128';

/** Which proxy an address goes through, `null` for none. */
function way(address: string, env: Record<string, string>): string | null {
  const proxies = readProxies(env);
  return proxies && (proxyFor(new URL(address), proxies)?.url.href ?? null);
}

describe('the variables of proxies', () => {
  const S3 = 'https://s3.eu-west-1.amazonaws.com/photos';
  const cases: [what: string, address: string, env: Record<string, string>, expected: string | null][] = [
    ['upper case', S3, { HTTPS_PROXY: PROXY }, `${PROXY}/`],
    ['lower case', S3, { https_proxy: PROXY }, `${PROXY}/`],
    ['lower case before upper case', S3, { https_proxy: PROXY, HTTPS_PROXY: 'http://other' }, `${PROXY}/`],
    ['an empty one is none', S3, { https_proxy: '', HTTPS_PROXY: PROXY }, `${PROXY}/`],
    ['blanks alone are none', S3, { HTTPS_PROXY: '  ' }, null],
    ['that of the other protocol does not count', S3, { HTTP_PROXY: PROXY }, null],
    ['plain HTTP has its own', 'http://example.org/', { HTTP_PROXY: PROXY }, `${PROXY}/`],
    ['plain HTTP has its own, lower case', 'http://example.org/', { http_proxy: PROXY }, `${PROXY}/`],
    ['without a scheme it speaks HTTP', S3, { HTTPS_PROXY: 'proxy.example.org:3128' }, `${PROXY}/`],
    [
      'one that is asked over TLS',
      S3,
      { HTTPS_PROXY: 'https://proxy.example.org' },
      'https://proxy.example.org/',
    ],
    ['blanks around it do not count', S3, { HTTPS_PROXY: ` ${PROXY} ` }, `${PROXY}/`],
    ['blanks around it do not count, lower case', S3, { https_proxy: ` ${PROXY} ` }, `${PROXY}/`],
    ['of IPv6', S3, { HTTPS_PROXY: '[::1]:3128' }, 'http://[::1]:3128/'],
  ];
  for (const [what, address, env, expected] of cases) {
    it(what, () => assert.equal(way(address, env), expected));
  }

  it('hold a name and a password, which are not part of what is shown', () => {
    for (const [written, pair] of [
      ['http://me:p%40ss%3A@proxy:3128', 'me:p@ss:'],
      ['me:secret@proxy:3128', 'me:secret'],
      ['http://me@proxy:3128', 'me:'],
      ['http://:secret@proxy:3128', ':secret'],
      ['http://me:100%@proxy:3128', 'me:100%'],
    ] as const) {
      const proxy = proxyFor(new URL(S3), readProxies({ HTTPS_PROXY: written })!)!;
      assert.equal(proxy.url.href, 'http://proxy:3128/');
      assert.equal(proxy.authorization, `Basic ${Buffer.from(pair).toString('base64')}`);
    }
  });

  for (const wrong of [
    'socks5://me:secret@proxy:1080',
    'http://',
    'http://me:secret@',
    'a b',
    'proxy:123456',
  ]) {
    it(`that are no address of a proxy are refused without being quoted: ${wrong}`, () => {
      assert.throws(
        () => readProxies({ HTTPS_PROXY: wrong }),
        (error) =>
          error instanceof InvalidRequest &&
          /^HTTPS_PROXY: /.test(error.message) &&
          !error.message.includes('secret'),
      );
    });
  }
});

it('name no proxy for other protocols, and no exceptions where there are none', () => {
  const proxies = readProxies({ HTTPS_PROXY: PROXY, HTTP_PROXY: 'http://proxy' })!;
  assert.equal(proxies.exceptions, '');
  assert.equal(proxyFor(new URL('ftp://example.org/'), proxies), null);
  assert.deepEqual(proxyFor(new URL('http://example.org/'), proxies), { url: new URL('http://proxy') });
  assert.equal(readProxies({ NO_PROXY: '*' }), null);
});

it('NO_PROXY knows the port of plain HTTP', () => {
  for (const [list, expected] of [
    ['example.org:80', null],
    ['example.org:443', `${PROXY}/`],
  ] as const) {
    assert.equal(way('http://example.org/', { HTTP_PROXY: PROXY, NO_PROXY: list }), expected);
  }
});

describe('NO_PROXY', () => {
  const cases: [list: string, address: string, direct: boolean][] = [
    ['*', 'https://example.org/', true],
    ['', 'https://example.org/', false],
    ['example.org', 'https://example.org/', true],
    ['EXAMPLE.org.', 'https://example.ORG/', true],
    ['example.org', 'https://example.org./', true],
    ['example.org', 'https://s3.example.org/', true],
    ['.example.org', 'https://s3.example.org/', true],
    ['.example.org', 'https://example.org/', true],
    ['*.example.org', 'https://s3.example.org/', true],
    ['example.org', 'https://notexample.org/', false],
    ['example.org', 'https://example.org.evil.com/', false],
    ['org', 'https://example.org/', true],
    ['a.com, example.org', 'https://example.org/', true],
    ['a.com example.org', 'https://example.org/', true],
    ['a.com,example.org,b.com', 'https://c.com/', false],
    ['example.org:443', 'https://example.org/', true],
    ['example.org:8443', 'https://example.org/', false],
    ['example.org:8443', 'https://example.org:8443/', true],
    ['.example.org:8443', 'https://s3.example.org:8443/', true],
    ['example.org', 'https://example.org:8443/', true],
    ['127.0.0.1', 'https://127.0.0.1:9000/', true],
    ['127.0.0.1:9000', 'https://127.0.0.1:9000/', true],
    ['127.0.0.1:9001', 'https://127.0.0.1:9000/', false],
    ['0.0.1', 'https://127.0.0.1/', false],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/33', 'https://10.0.0.0/', false],
    ['10.0.0.0/x', 'https://10.0.0.0/', false],
    ['10.0.0.0/8', 'https://ten.example.org/', false],
    ['::1', 'https://[::1]/', true],
    ['[::1]', 'https://[::1]:8443/', true],
    ['[::1]:8443', 'https://[::1]:8443/', true],
    ['[::1]:8444', 'https://[::1]:8443/', false],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['fd00::/8', 'https://[fe80::1]/', false],
    ['[fd00::]/8', 'https://[fd12::1]/', true],
    ['fd12::/64', 'https://[fd12::1]/', true],
    ['fd12::1/128', 'https://[fd12::1]/', true],
    ['fd12::1/128', 'https://[fd12::2]/', false],
    ['fd12::/129', 'https://[fd12::]/', false],
    ['10.1.2.3/32', 'https://10.1.2.3/', true],
    ['10.1.2.3/32', 'https://10.1.2.4/', false],
    ['0.0.0.0/0', 'https://10.1.2.3/', true],
    ['10.0.0.0/', 'https://10.0.0.0/', false],
    ['10.0.0.0/0008', 'https://10.0.0.0/', false],
    ['10.0.0.0/8x', 'https://10.0.0.0/', false],
    ['10.0.0.0/x8', 'https://10.0.0.0/', false],
    ['10.0.0.0/8/9', 'https://10.0.0.0/', false],
    ['/8', 'https://10.0.0.0/', false],
    ['example.org/8', 'https://example.org/', false],
    ['::/0', 'https://10.0.0.0/', false],
    ['.', 'https://example.org../', false],
    ['*.', 'https://example.org../', false],
    ['example.org:', 'https://example.org/', false],
    ['example.org:x443', 'https://example.org/', false],
    ['example.org:443x', 'https://example.org/', false],
    ['xexample.org', 'https://example.org/', false],
    [' a.com ,,\texample.org\n', 'https://example.org/', true],
    ['*example.org', 'https://s3.example.org/', false],
    ['*,a.com', 'https://example.org/', true],
    ['a.com,', 'https://example.org/', false],
  ];
  for (const [list, address, direct] of cases) {
    it(`"${list}" ${direct ? 'spares' : 'does not spare'} ${address}`, () => {
      for (const name of ['NO_PROXY', 'no_proxy']) {
        assert.equal(way(address, { HTTPS_PROXY: PROXY, [name]: list }), direct ? null : `${PROXY}/`);
      }
    });
  }
});

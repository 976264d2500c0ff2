import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { IMAGE_TYPES } from '../../../src/caption/image-input.ts';
import { OPTIONS, type OptionName } from '../../../src/caption/options.ts';
import { app, appWith, MAX_BODY_BYTES } from '../harness.ts';

/** Directives of a page's policy by name. */
function policyOf(response: Response): Map<string, string> {
  const directives = response.headers.get('content-security-policy')!.split('; ');
  return new Map(directives.map((directive) => [directive.split(' ')[0]!, directive]));
}

for (const path of ['/', '/docs']) {
  describe(`GET ${path}`, () => {
    it('lets exactly the styles and scripts in it run, and nothing from elsewhere', async () => {
      const response = await app.request(path);
      const html = await response.text();
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'text/html; charset=UTF-8');
      const policy = policyOf(response);
      assert.equal(policy.get('default-src'), "default-src 'none'");
      for (const element of ['script', 'style']) {
        const inline = [...html.matchAll(new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, 'g'))];
        const hashes = inline.map(([, text]) => createHash('sha256').update(text!).digest('base64'));
        const sources = hashes.map((hash) => `'sha256-${hash}'`).join(' ') || "'none'";
        assert.equal(policy.get(`${element}-src`), `${element}-src ${sources}`);
      }
      // The page fetches photographs by the addresses that visitors paste, as far as their servers let it.
      const connect = path === '/' ? "connect-src 'self' http: https:" : "connect-src 'self'";
      assert.equal(policy.get('connect-src'), connect);
      policy.delete('connect-src');
      assert.doesNotMatch([...policy.values()].join(), /unsafe|https?:|\*/);
    });

    it('asks for nothing that the policy refuses', async () => {
      const html = await (await app.request(path)).text();
      assert.doesNotMatch(html, /<(script|iframe|object|embed)\b[^>]*\bsrc=|<link\b[^>]*rel="?stylesheet/i);
      assert.doesNotMatch(html, /\s(style|on[a-z]+)="/i);
      assert.doesNotMatch(html, /\b(src|href)="(https?:)?\/\//i);
    });

    it('is not framed, not guessed at, and asked for again', async () => {
      const { headers } = await app.request(path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.equal(headers.get('cache-control'), 'no-cache');
      const again = await app.request(path, { headers: { 'if-none-match': headers.get('etag')! } });
      assert.equal(again.status, 304);
    });
  });
}

describe('the page', () => {
  it('is told how many bytes a request may have', async () => {
    const html = await (await app.request('/')).text();
    assert.ok(html.includes(`<meta name="max-body-bytes" content="${MAX_BODY_BYTES}">`));
  });

  it('has what signs people in where there is a login, and nothing of it elsewhere', async () => {
    const login = { issuer: 'https://issuer.example/?a&b', clientId: '"$&', scope: 'openid' };
    const response = await appWith({ login }).request('/');
    const html = await response.text();
    const [, told] = /<meta name="login" content="([^"]*)">/.exec(html)!;
    assert.deepEqual(JSON.parse(told!.replaceAll('&quot;', '"').replaceAll('&amp;', '&')), login);
    const scripts = [...html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)];
    const hashes = scripts.map(([, text]) => createHash('sha256').update(text!).digest('base64'));
    assert.equal(
      policyOf(response).get('script-src'),
      `script-src ${hashes.map((hash) => `'sha256-${hash}'`).join(' ')}`,
    );
    const without = await (await app.request('/')).text();
    assert.equal(scripts.length, 2);
    assert.doesNotMatch(without, /login|Sign in|issuer/);
    assert.equal(
      html.length - without.length,
      /<meta name="login"[\s\S]*?(?=<\/head>)/.exec(html)![0].length,
    );
  });

  it('has a logo that stays small without the style sheet', async () => {
    const html = await (await app.request('/')).text();
    const [logo] = /<svg\b[^>]*>/.exec(html)!;
    assert.match(logo, / width="30" height="30"/);
  });
});

/** The headers, with one name in place of the trace that each request has of its own. */
function withoutTrace(headers: [string, string][]): [string, string][] {
  return headers.map(([name, value]) => [name, name === 'traceresponse' ? 'its own' : value]);
}

describe('an answer that did not change', () => {
  for (const path of ['/', '/docs', '/model', '/openapi.json']) {
    it(`has the headers of the whole answer, but those of its content: ${path}`, async () => {
      const headers = { 'x-request-id': 'one' };
      const whole = await app.request(path, { headers });
      const again = await app.request(path, {
        headers: { ...headers, 'if-none-match': whole.headers.get('etag')! },
      });
      assert.equal(again.status, 304);
      const kept = [...whole.headers].filter(([name]) => !/^content-(type|length)$/.test(name));
      assert.deepEqual(withoutTrace([...again.headers]), withoutTrace(kept));
    });
  }
});

describe('answers that are no pages', () => {
  it('may not be shown as pages either', async () => {
    for (const path of ['/model', '/nope', '/captions']) {
      const { headers } = await app.request(path);
      assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    }
  });
});

test('the fields of the page allow what the options allow; people do not count the start and end word', () => {
  const html = readFileSync(new URL('../../../src/http/page/page.html', import.meta.url), 'utf8');
  const boundsOf = (name: OptionName) => OPTIONS.find((row) => row.name === name)!.bounds!;
  const [, longest] = boundsOf('maxLength');
  for (const [field, bounds] of [
    ['beams', boundsOf('beamWidth')],
    ['captions', boundsOf('count')],
    ['shortest', [boundsOf('minLength')[0], longest - 2]],
    ['longest', [1, longest - 2]],
  ] as const) {
    const [, min, max] = new RegExp(`name="${field}" min="(\\d+)" max="(\\d+)"`).exec(html)!;
    assert.deepEqual([Number(min), Number(max)], bounds, field);
  }
});

test('the page takes the kinds of images that are read', () => {
  const html = readFileSync(new URL('../../../src/http/page/page.html', import.meta.url), 'utf8');
  const [, accepted] = /id="files" hidden multiple accept="([^"]+)"/.exec(html)!;
  assert.deepEqual(accepted!.split(','), IMAGE_TYPES);
});

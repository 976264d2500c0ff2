/** Pages of other origins, as the app answers them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Overloaded } from '../../src/errors.ts';
import {
  type AllowedOrigin,
  allowOrigins,
  allowThisMachine,
  crossOriginHeaders,
  isLoopback,
  originsSchema,
} from '../../src/http/cross-origin.ts';
import { COFFEE } from '../support/samples.ts';
import { app, appWith, captioner, formOf } from './harness.ts';

const coffee = readFileSync(COFFEE);
const PAGE = 'https://app.example.org';
const OTHER = 'https://evil.example';
const named = appWith({ allowedOrigin: allowOrigins(['http://localhost:3000', PAGE]) });
const open = appWith({ allowedOrigin: allowOrigins(['*']) });

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-api-key',
  },
});

const ask = (to: typeof app, path: string, origin: string, init: RequestInit = {}) =>
  to.request(path, { ...init, headers: { ...(init.headers as Record<string, string>), origin } });

/** What of an answer is about pages of other origins. */
function told({ headers }: Response): Record<string, string> {
  const about = [...headers].filter(([name]) => name.startsWith('access-control-'));
  if (/\borigin\b/i.test(headers.get('vary') ?? '')) about.push(['vary', 'Origin']);
  return Object.fromEntries(about);
}

describe('a preflight', () => {
  it('says what pages of an origin that is named may send', async () => {
    for (const path of ['/model/predict', '/captions', '/nope']) {
      const answer = await named.request(path, preflight(PAGE));
      assert.equal(answer.status, 204);
      assert.equal(await answer.text(), '');
      const { headers } = answer;
      assert.equal(headers.get('access-control-allow-origin'), PAGE);
      const list = (name: string) => headers.get(name)!.split(/, ?/);
      assert.deepEqual(list('access-control-allow-methods'), ['GET', 'HEAD', 'POST']);
      for (const header of ['authorization', 'x-api-key', 'content-type'])
        assert.ok(list('access-control-allow-headers').includes(header), header);
      assert.ok(Number(headers.get('access-control-max-age')) > 0);
      assert.match(headers.get('vary')!, /\bOrigin\b/);
      assert.equal(headers.get('access-control-allow-credentials'), null);
    }
  });

  it('says nothing to pages of others', async () => {
    const answer = await named.request('/model/predict', preflight(OTHER));
    assert.equal(answer.headers.get('access-control-allow-origin'), null);
    assert.match(answer.headers.get('vary')!, /\bOrigin\b/);
  });

  it('is a method that is not taken where nobody is allowed', async () => {
    const answer = await app.request('/model/predict', preflight(PAGE));
    assert.equal(answer.status, 405);
    assert.deepEqual(told(answer), {});
  });
});

describe('an answer', () => {
  const form = () => ({ method: 'POST', body: formOf(['cup.jpg', coffee]) });
  const raw = (length: number) => ({
    method: 'POST',
    body: Buffer.alloc(length),
    headers: { 'content-type': 'image/jpeg' },
  });
  const failing = (allowedOrigin: AllowedOrigin) =>
    appWith({ allowedOrigin, caption: () => Promise.reject(new Overloaded('the queue is full')) });
  const cases: [path: string, init: () => RequestInit, status: number][] = [
    ['/', () => ({}), 200],
    ['/health', () => ({}), 200],
    ['/model', () => ({}), 200],
    ['/model/metadata', () => ({ method: 'HEAD' }), 200],
    ['/model/predict', form, 200],
    ['/model/predict', () => raw(9), 400],
    ['/captions', form, 200],
    ['/captions', () => raw(0), 400],
    ['/nope', () => ({}), 404],
    ['/captions', () => ({}), 405],
    ['/captions', () => raw(2 << 20), 413],
    ['/captions', () => raw(9), 415],
    ['/captions?beamWidth=0', form, 422],
  ];
  for (const [path, init, status] of cases) {
    it(`may be read by pages that are allowed, and by no others: ${status} of ${path}`, async () => {
      const answer = await ask(named, path, PAGE, init());
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('access-control-allow-origin'), PAGE);
      const exposed = answer.headers.get('access-control-expose-headers')!.split(',');
      for (const header of ['x-request-id', 'retry-after', 'server-timing'])
        assert.ok(exposed.includes(header));
      assert.match(answer.headers.get('vary')!, /\bOrigin\b/);
      const other = await ask(named, path, OTHER, init());
      assert.equal(other.status, status);
      assert.equal(other.headers.get('access-control-allow-origin'), null);
      assert.match(other.headers.get('vary')!, /\bOrigin\b/);
      assert.equal((await ask(open, path, OTHER, init())).headers.get('access-control-allow-origin'), '*');
      assert.deepEqual(told(await ask(app, path, PAGE, init())), {});
    });
  }

  it('may be read when the service is full', async () => {
    for (const path of ['/captions', '/model/predict']) {
      const answer = await ask(failing(allowOrigins([PAGE])), path, PAGE, form());
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get('access-control-allow-origin'), PAGE);
    }
  });

  it('may be read when nothing has changed', async () => {
    const first = await ask(named, '/model', PAGE);
    const again = await ask(named, '/model', PAGE, {
      headers: { 'if-none-match': first.headers.get('etag')! },
    });
    assert.equal(again.status, 304);
    assert.deepEqual(told(again), told(first));
  });

  it('has the same headers when it does not come out of the app', async () => {
    const policies = [undefined, allowOrigins(['*']), allowOrigins([PAGE]), allowThisMachine];
    for (const allowedOrigin of policies) {
      for (const origin of [PAGE, OTHER, 'http://localhost:3000']) {
        const answer = await ask(appWith(allowedOrigin && { allowedOrigin }), '/model', origin);
        const { 'access-control-expose-headers': _, ...expected } = told(answer);
        const { 'access-control-expose-headers': exposed, ...found } = crossOriginHeaders(
          allowedOrigin,
          origin,
        );
        assert.deepEqual(found, expected);
        if (exposed !== undefined) assert.equal(exposed, answer.headers.get('access-control-expose-headers'));
      }
    }
  });
});

describe('origins', () => {
  const good = [
    '*',
    'https://app.example.org',
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:8080',
  ];
  for (const origin of good) {
    it(`may be ${origin}`, () => {
      assert.deepEqual(originsSchema.parse([origin]), [origin]);
    });
  }

  const bad: [text: string, instead: RegExp][] = [
    ['https://app.example.org/', /write https:\/\/app\.example\.org$/],
    ['https://app.example.org/path?query', /write https:\/\/app\.example\.org$/],
    ['https://me@app.example.org', /write https:\/\/app\.example\.org$/],
    ['HTTPS://App.Example.org', /write https:\/\/app\.example\.org$/],
    ['https://app.example.org:443', /write https:\/\/app\.example\.org$/],
    ['https://bücher.example', /write https:\/\/xn--bcher-kva\.example$/],
    ['https://*.example.org', /is no origin/],
    ['app.example.org', /is no origin/],
    ['localhost:3000', /is no origin/],
    ['file:///index.html', /is no origin/],
    ['null', /is no origin/],
    ['', /is no origin/],
    ['* ', /is no origin/],
  ];
  for (const [text, instead] of bad) {
    it(`may not be "${text}"`, () => {
      const { error } = originsSchema.safeParse(['https://good.example', text]);
      assert.match(error!.issues[0]!.message, instead);
      assert.ok(error!.issues[0]!.message.includes(`"${text}"`));
    });
  }

  it('are of this machine when no other can have them', () => {
    const own = [
      'http://localhost:3000',
      'https://localhost',
      'http://app.localhost:1',
      'http://127.0.0.1:5173',
    ];
    for (const origin of [...own, 'http://127.9.9.9', 'http://[::1]:3000'])
      assert.equal(allowThisMachine(origin), origin);
    const others = [
      'http://localhost.example',
      'http://notlocalhost',
      'http://127.0.0.1.example',
      'null',
      '',
    ];
    for (const origin of [
      ...others,
      'http://10.0.0.1',
      'http://[::2]',
      'http://localhost/',
      'http://128.0.0.1',
    ])
      assert.equal(allowThisMachine(origin), null, origin);
  });

  it('are asked for where the server listens on this machine only', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.0.1.1']) assert.ok(isLoopback(host), host);
    for (const host of ['0.0.0.0', '::', 'example.org', '192.168.0.1', '::11'])
      assert.ok(!isLoopback(host), host);
  });
});

it('a request of another origin is captioned as any other', async () => {
  const answer = await ask(open, '/model/predict', PAGE, {
    method: 'POST',
    body: formOf(['cup.jpg', coffee]),
  });
  const { predictions } = (await answer.json()) as { predictions: { caption: string }[] };
  assert.equal(predictions[0]!.caption, (await captioner.caption(coffee)).captions[0]!.text);
});

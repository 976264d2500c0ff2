import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import type { AppEnv } from '../../../src/http/parts.ts';
import { compress } from '../../../src/http/transport/compression.ts';
import { COFFEE } from '../../support/samples.ts';
import { app, appWith } from '../harness.ts';

const DECODE = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes } as const;
const BROWSER = 'gzip, deflate, br, zstd';

async function get(path: string, encoding?: string, headers: Record<string, string> = {}) {
  const accepting = encoding === undefined ? {} : { 'accept-encoding': encoding };
  const response = await app.request(path, { headers: { ...accepting, ...headers } });
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** Decoded as the answer says that it is encoded. */
function decoded({ response, bytes }: Awaited<ReturnType<typeof get>>): string {
  const encoding = (response.headers.get('content-encoding') ?? 'identity') as keyof typeof DECODE;
  return DECODE[encoding](bytes).toString();
}

for (const path of ['/', '/docs', '/openapi.json']) {
  describe(`GET ${path}`, () => {
    it('is compressed as the client likes it best, and is the same', async () => {
      const plain = await get(path);
      assert.equal(plain.response.headers.get('content-encoding'), null);
      for (const [accept, expected] of [
        [BROWSER, 'br'],
        ['gzip', 'gzip'],
        ['br;q=0.5, gzip', 'gzip'],
        ['br;q=0, *', 'gzip'],
        ['*', 'br'],
        ['GZIP', 'gzip'],
      ] as const) {
        const answer = await get(path, accept);
        assert.equal(answer.response.headers.get('content-encoding'), expected, accept);
        assert.equal(answer.response.headers.get('content-length'), String(answer.bytes.length));
        assert.ok(answer.bytes.length < plain.bytes.length / 2, accept);
        assert.equal(decoded(answer), plain.bytes.toString());
      }
    });

    it('is not compressed for who does not want that', async () => {
      for (const accept of ['identity', 'deflate', 'gzip;q=0', '*;q=0', 'identity, gzip;q=0.5', '']) {
        const { response } = await get(path, accept);
        assert.equal(response.headers.get('content-encoding'), null, accept);
      }
    });

    it('tells caches that it varies, and is asked for again with one weak tag for every encoding', async () => {
      const tags = new Set<string>();
      for (const accept of [undefined, 'gzip', BROWSER]) {
        const { response } = await get(path, accept);
        assert.match(response.headers.get('vary') ?? '', /\baccept-encoding\b/i);
        const tag = response.headers.get('etag')!;
        tags.add(tag);
        const again = await get(path, accept, { 'if-none-match': tag });
        assert.equal(again.response.status, 304);
        assert.equal(again.bytes.length, 0);
        assert.equal(again.response.headers.get('content-encoding'), null);
        for (const name of ['etag', 'vary', 'cache-control', 'content-security-policy']) {
          assert.equal(again.response.headers.get(name), response.headers.get(name), name);
        }
      }
      // RFC 9110, section 8.8.3.3: a strong tag would have to differ from encoding to encoding.
      assert.match([...tags].join(), /^W\/"[^"]+"$/);
    });

    it('is told by HEAD as by GET', async () => {
      const get = await app.request(path, { headers: { 'accept-encoding': BROWSER } });
      const head = await app.request(path, { method: 'HEAD', headers: { 'accept-encoding': BROWSER } });
      for (const name of ['content-encoding', 'content-length', 'etag', 'vary']) {
        assert.equal(head.headers.get(name), get.headers.get(name), name);
      }
      assert.equal((await head.arrayBuffer()).byteLength, 0);
    });
  });
}

/** How often something is compressed while `run` does. */
async function compressions(run: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'ZLIB') count++;
    },
  }).enable();
  await run();
  hook.disable();
  return count;
}

it('what stays the same is compressed once, also for requests that come at once', async () => {
  const fresh = appWith();
  const ask = (accept: string) => fresh.request('/', { headers: { 'accept-encoding': accept } });
  assert.equal(await compressions(() => Promise.all([ask('br'), ask('br'), ask('br')])), 1);
  assert.equal(await compressions(() => Promise.all([ask('gzip'), ask('br')])), 1);
  assert.equal(await compressions(() => Promise.all([ask('gzip'), ask('br')])), 0);
});

/** What becomes of an answer of so many letters with these headers. */
async function answerOf(bytes: number, headers: Record<string, string>, accept: string | null = BROWSER) {
  const of = new Hono<AppEnv>().use(compress());
  of.get('/', () => new Response(Buffer.alloc(bytes, 'a'), { headers }));
  const response = await of.request('/', accept === null ? {} : { headers: { 'accept-encoding': accept } });
  const { 'content-type': _, ...others } = Object.fromEntries(response.headers);
  return { headers: others, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe('an answer', () => {
  const TEXT = { 'content-type': 'text/plain' };

  it('is compressed quickly, from 1,024 bytes on', async () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: 1024 };
    const whole = brotliCompressSync('a'.repeat(1024), { params });
    assert.deepEqual(await answerOf(1024, TEXT), {
      headers: {
        'content-encoding': 'br',
        'content-length': String(whole.length),
        vary: 'accept-encoding',
      },
      bytes: whole,
    });
    assert.deepEqual(await answerOf(1023, TEXT), {
      headers: { 'content-length': '1023', vary: 'accept-encoding' },
      bytes: Buffer.alloc(1023, 'a'),
    });
    const page = await get('/', 'br');
    const plain = await get('/');
    params[constants.BROTLI_PARAM_SIZE_HINT] = plain.bytes.length;
    assert.deepEqual(page.bytes, brotliCompressSync(plain.bytes, { params }));
  });

  it('is left as it is where it is compressed, no text or of no kind, or nobody asks', async () => {
    const bytes = Buffer.alloc(2000, 'a');
    for (const headers of [{ 'content-type': 'image/png' }, { 'content-type': '' }, {} as typeof TEXT]) {
      assert.deepEqual(await answerOf(2000, headers), { headers: {}, bytes });
    }
    const encoded = { ...TEXT, 'content-encoding': 'zstd' };
    assert.deepEqual(await answerOf(2000, encoded), { headers: { 'content-encoding': 'zstd' }, bytes });
    assert.deepEqual(await answerOf(2000, TEXT, null), { headers: { vary: 'accept-encoding' }, bytes });
  });

  it('varies with what it varies with already, too', async () => {
    const { headers } = await answerOf(10, { ...TEXT, vary: 'origin' });
    assert.equal(headers.vary, 'origin, accept-encoding');
  });

  it('with a tag is kept, 32 of them, and one without is not', async () => {
    const of = new Hono<AppEnv>().use(compress());
    of.get('/:tag?', (c) => {
      const tag = c.req.param('tag');
      return c.body(tag ?? 'x'.repeat(2000), 200, {
        ...TEXT,
        ...(tag !== undefined && { etag: `W/"${tag}"` }),
      });
    });
    const ask = (tag: string | number) =>
      of.request(`/${tag === '' ? '' : `${tag}`.padStart(2000, '0')}`, {
        headers: { 'accept-encoding': 'gzip' },
      });
    const all = async () => {
      for (let tag = 1; tag <= 32; tag++) await ask(tag);
    };
    assert.equal(await compressions(all), 32);
    assert.equal(await compressions(all), 0);
    for (const tag of [33, ''])
      assert.equal(await compressions(() => Promise.all([ask(tag)]).then(() => ask(tag))), 2, `${tag}`);
    assert.equal(gunzipSync(await (await ask(32)).arrayBuffer()).toString(), '32'.padStart(2000, '0'));
  });
});

describe('captions', () => {
  const caption = (query: string, accept?: string) =>
    app.request(`/captions${query}`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg', ...(accept !== undefined && { 'accept-encoding': accept }) },
      body: readFileSync(COFFEE) as Buffer<ArrayBuffer>,
    });

  it('are compressed where there is much to say', async () => {
    const answer = await caption('?trace=true', BROWSER);
    assert.equal(answer.headers.get('content-encoding'), 'br');
    assert.match(answer.headers.get('vary') ?? '', /accept-encoding/i);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const result = JSON.parse(brotliDecompressSync(bytes).toString()) as {
      captions: unknown;
      trace: unknown[];
    };
    const plain = (await (await caption('')).json()) as { captions: unknown };
    assert.deepEqual(result.captions, plain.captions);
    assert.ok(result.trace.length > 10);
  });

  it('are sent as they are where that takes no more packets', async () => {
    const health = await app.request('/health', { headers: { 'accept-encoding': BROWSER } });
    assert.equal(health.headers.get('content-encoding'), null);
    assert.equal(((await health.json()) as { status: string }).status, 'ok');
    const problem = await app.request('/nowhere', { headers: { 'accept-encoding': BROWSER } });
    assert.equal(problem.headers.get('content-encoding'), null);
    assert.equal(((await problem.json()) as { code: string }).code, 'RouteNotFound');
  });
});

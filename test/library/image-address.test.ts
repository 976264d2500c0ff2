import assert from 'node:assert/strict';
import { before, beforeEach, describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readImageSource } from '../../src/library/image-source.ts';
import { rejectsWith } from '../support/errors.ts';
import {
  setProxies,
  startHttp,
  startHttps,
  startProxy,
  trustTestAuthority,
} from '../support/network/servers.ts';

const BYTES = Buffer.from('the bytes of an image');

before(trustTestAuthority);
beforeEach((t) => setProxies(t as TestContext, {}));

const read = async (url: string) => Buffer.from(await readImageSource(new URL(url)));

describe('an image behind an address', () => {
  test('comes through the proxy of the environment', async (t) => {
    const [secure, plain] = [
      await startHttps(t, (_, response) => response.end(BYTES)),
      await startHttp(t, (_, response) => response.end(BYTES)),
    ];
    const proxy = await startProxy(t);
    const address = `http://127.0.0.1:${proxy.port}`;
    setProxies(t, { HTTPS_PROXY: address, HTTP_PROXY: address });
    assert.deepEqual(await read(`https://localhost:${secure}/a.jpg`), BYTES);
    assert.deepEqual(await read(`http://photos.example.invalid:${plain}/a.jpg`), BYTES);
    assert.deepEqual(proxy.asked, [
      `CONNECT localhost:${secure}`,
      `GET http://photos.example.invalid:${plain}/a.jpg`,
    ]);
  });

  test('is asked for without compression, and by whom', async (t) => {
    const port = await startHttp(t, ({ headers }, response) => {
      response.end(`${headers['accept-encoding']} ${headers['user-agent']} ${headers.accept}`);
    });
    assert.equal(String(await read(`http://localhost:${port}/`)), 'identity show-and-tell */*');
  });

  test('may have moved, twenty times', async (t) => {
    const port = await startHttp(t, ({ url }, response) => {
      const left = Number(url!.slice(1));
      if (left === 0) response.end(BYTES);
      else response.writeHead(left % 2 ? 301 : 308, { location: `${left - 1}` }).end();
    });
    assert.deepEqual(await read(`http://localhost:${port}/20`), BYTES);
    const { message } = await rejectsWith(read(`http://localhost:${port}/21`), 'ImageNotFound');
    assert.equal(message, `http://localhost:${port}/21 redirects more than 20 times`);
  });

  for (const [status, follows] of [
    [300, false],
    [301, true],
    [302, true],
    [303, true],
    [304, false],
    [305, false],
    [307, true],
    [308, true],
  ] as const) {
    test(`${follows ? 'has' : 'has not'} moved where the answer is ${status}`, async (t) => {
      const { promise: left, resolve } = Promise.withResolvers<void>();
      const port = await startHttp(t, ({ url, socket }, response) => {
        if (url === '/b') response.end(BYTES);
        else if (url === '/none') response.writeHead(status).end();
        else {
          // Nobody waits for the rest of it.
          socket.once('close', resolve);
          response.writeHead(status, { location: '/b', 'content-length': 9 }).flushHeaders();
        }
      });
      const answers = new RegExp(`/(a|none) answers status ${status}`);
      if (follows) assert.deepEqual(await read(`http://localhost:${port}/a`), BYTES);
      else
        assert.match(
          (await rejectsWith(read(`http://localhost:${port}/a`), 'ImageNotFound')).message,
          answers,
        );
      await left;
      assert.match(
        (await rejectsWith(read(`http://localhost:${port}/none`), 'ImageNotFound')).message,
        answers,
      );
    });
  }

  test('comes with any status of success', async (t) => {
    const port = await startHttp(t, ({ url }, response) => {
      response.writeHead(Number(url!.slice(1)), { 'content-encoding': 'identity' }).end(BYTES);
    });
    for (const status of [200, 203, 299]) {
      assert.deepEqual(await read(`http://localhost:${port}/${status}`), BYTES);
    }
  });

  for (const location of [
    'http://me@localhost/',
    'http://:secret@localhost/',
    'xhttp://localhost/',
    'httpx://localhost/',
    'file:///etc/passwd',
    'data:image/png,x',
    'http://me:secret@localhost/',
    'http://[',
  ]) {
    test(`has not moved to ${location}`, async (t) => {
      const port = await startHttp(t, (_, response) => response.writeHead(302, { location }).end());
      const { message } = await rejectsWith(read(`http://localhost:${port}/`), 'ImageNotFound');
      assert.doesNotMatch(message, /secret/);
    });
  }

  test('is not taken compressed', async (t) => {
    const port = await startHttp(t, (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(BYTES));
    });
    const { message } = await rejectsWith(read(`http://localhost:${port}/`), 'UpstreamUnavailable');
    assert.match(message, /in gzip, which nobody asked for/);
  });

  const failures: [name: string, start: (t: TestContext) => Promise<string>, says: RegExp][] = [
    [
      'nobody there',
      async () => 'http://127.0.0.1:9/a?token=secret',
      /^http:\/\/127\.0\.0\.1:9\/a: 127\.0\.0\.1:9 refuses connections \(ECONNREFUSED\)\. Check/,
    ],
    [
      'a certificate',
      async (t) => `https://localhost:${await startHttps(t, () => undefined, 'expired')}/a`,
      /has expired \(CERT_HAS_EXPIRED\)/,
    ],
    [
      'an end in the middle',
      async (t) =>
        `http://localhost:${await startHttp(t, (_, response) => void response.writeHead(200, { 'content-length': 9 }).write('a', () => response.destroy()))}/a`,
      /broke the connection off/,
    ],
    [
      'a proxy',
      async (t) => {
        setProxies(t, {
          HTTP_PROXY: `http://me:secret@127.0.0.1:${(await startProxy(t, { refuse: 407 })).port}`,
        });
        return 'http://photos.example.invalid/a';
      },
      /the proxy .* wants a name and a password/,
    ],
  ];
  for (const [name, start, says] of failures) {
    test(`is not there for a reason: ${name}`, async (t) => {
      const { message } = await rejectsWith(read(await start(t)), 'UpstreamUnavailable');
      assert.match(message, says);
      assert.doesNotMatch(message, /secret|fetch failed/);
    });
  }
});

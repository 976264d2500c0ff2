import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import https from 'node:https';
import { createServer as createTcp } from 'node:net';
import { before, describe, test } from 'node:test';
import { InvalidRequest } from '../../src/errors.ts';
import { ProxyFailure, proxyAgents } from '../../src/net/agents.ts';
import { describeFailure } from '../../src/net/failure.ts';
import { get } from '../../src/net/get.ts';
import {
  listening,
  setProxies,
  startHttp,
  startHttps,
  startProxy,
  trustTestAuthority,
} from '../support/network/servers.ts';

before(trustTestAuthority);

const { signal } = new AbortController();

/** Says who was asked for what. */
const echo: RequestListener = ({ url, headers }, response) =>
  response.end(`${headers.host}${url} ${headers['proxy-authorization'] ?? ''}`);

async function text(address: string): Promise<string> {
  const answer = await get(new URL(address), { signal });
  return (await answer.toArray()).join('').trim();
}

describe('through a proxy', () => {
  test('https goes in a tunnel, and the certificate is that of the server', async (t) => {
    const [port, proxy] = [await startHttps(t, echo), await startProxy(t)];
    setProxies(t, { HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${proxy.port}` });
    assert.equal(await text(`https://localhost:${port}/a?b`), `localhost:${port}/a?b`);
    assert.deepEqual(proxy.asked, [`CONNECT localhost:${port} as me:p@ss`]);
    // The proxy takes every name for this machine; the certificate tells.
    await assert.rejects(text(`https://models.example.invalid:${port}/`), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  test('http is asked for with its whole address, and the server sees no credentials', async (t) => {
    const [port, proxy] = [await startHttp(t, echo), await startProxy(t)];
    setProxies(t, { http_proxy: `me:secret@127.0.0.1:${proxy.port}` });
    assert.equal(
      await text(`http://models.example.invalid:${port}/a?b`),
      `models.example.invalid:${port}/a?b`,
    );
    assert.deepEqual(proxy.asked, [`GET http://models.example.invalid:${port}/a?b as me:secret`]);
  });

  test('that is spoken to over TLS', async (t) => {
    const [secure, plain] = [await startHttps(t, echo), await startHttp(t, echo)];
    const proxy = await startProxy(t, { tls: true });
    const address = `https://localhost:${proxy.port}`;
    setProxies(t, { HTTPS_PROXY: address, HTTP_PROXY: address });
    assert.equal(await text(`https://localhost:${secure}/a`), `localhost:${secure}/a`);
    assert.equal(await text(`http://localhost:${plain}/b`), `localhost:${plain}/b`);
    assert.deepEqual(proxy.asked, [`CONNECT localhost:${secure}`, `GET http://localhost:${plain}/b`]);
  });

  test('but not to what NO_PROXY names', async (t) => {
    const [secure, plain] = [await startHttps(t, echo), await startHttp(t, echo)];
    const proxy = await startProxy(t);
    const address = `http://127.0.0.1:${proxy.port}`;
    setProxies(t, { HTTPS_PROXY: address, HTTP_PROXY: address, NO_PROXY: 'localhost' });
    assert.equal(await text(`https://localhost:${secure}/a`), `localhost:${secure}/a`);
    assert.equal(await text(`http://localhost:${plain}/b`), `localhost:${plain}/b`);
    assert.deepEqual(proxy.asked, []);
    await text(`http://127.0.0.1:${plain}/c`);
    assert.equal(proxy.asked.length, 1);
  });

  test('a tunnel is used again by what keeps connections', async (t) => {
    const [port, proxy] = [await startHttps(t, echo), await startProxy(t)];
    setProxies(t, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    const { httpsAgent: agent } = proxyAgents({ keepAlive: true })!;
    t.after(() => agent.destroy());
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve, reject) => {
        https
          .get(`https://localhost:${port}/`, { agent }, (answer) => answer.resume().once('end', resolve))
          .once('error', reject);
      });
      // The socket goes back to the agent once the answer has ended.
      await new Promise(setImmediate);
    }
    assert.equal(proxy.asked.length, 1);
  });

  test('none is asked where the variables name none', async (t) => {
    setProxies(t, {});
    assert.equal(proxyAgents(), null);
    const port = await startHttps(t, echo);
    assert.equal(await text(`https://localhost:${port}/a`), `localhost:${port}/a`);
  });

  test('an abort ends the wait for one that says nothing', { timeout: 20_000 }, async (t) => {
    const silent = await startHttp(t, () => undefined);
    setProxies(t, { HTTP_PROXY: `http://127.0.0.1:${silent}` });
    const abort = new AbortController();
    const reason = new Error('not wanted any more');
    const asked = get(new URL('http://example.invalid/'), { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 20);
    await assert.rejects(asked, (error) => error === reason);
  });
});

describe('a request', () => {
  test('says who asks for what, follows nothing, and leaves the signal as it was', async (t) => {
    setProxies(t, {});
    const { promise: asked, resolve } = Promise.withResolvers<IncomingHttpHeaders>();
    const port = await startHttp(t, ({ headers }, response) => {
      resolve(headers);
      response.writeHead(302, { location: '/elsewhere' }).end('moved');
    });
    const abort = new AbortController();
    const url = new URL(`http://127.0.0.1:${port}/`);
    const answer = await get(url, {
      signal: abort.signal,
      headers: { range: 'bytes=1-', accept: 'image/*' },
    });
    assert.equal(answer.statusCode, 302);
    assert.equal((await answer.toArray()).join(''), 'moved');
    const { host, connection, ...headers } = await asked;
    assert.deepEqual(headers, {
      accept: 'image/*',
      'accept-encoding': 'identity',
      range: 'bytes=1-',
      'user-agent': 'show-and-tell',
    });
    assert.deepEqual(getEventListeners(abort.signal, 'abort'), []);
  });

  test('asks for anything where nobody says what', async (t) => {
    setProxies(t, {});
    const port = await startHttp(t, ({ headers }, response) => response.end(headers.accept));
    assert.equal(await text(`http://127.0.0.1:${port}/`), '*/*');
  });

  test('has its answer of 407 where no proxy is named', async (t) => {
    const port = await startHttp(t, (_, response) => response.writeHead(407).end('no'));
    const url = new URL(`http://127.0.0.1:${port}/`);
    setProxies(t, {});
    assert.equal((await get(url, { signal })).resume().statusCode, 407);
    setProxies(t, { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' });
    assert.equal((await get(url, { signal })).resume().statusCode, 407);
  });
});

describe('a proxy that says nothing is given up after 10 s', () => {
  const cases: [what: string, scheme: string][] = [
    ['in the tunnel', 'http'],
    ['in the handshake of TLS', 'https'],
  ];
  for (const [what, scheme] of cases) {
    test(what, { timeout: 20_000 }, async (t) => {
      const { promise: heard, resolve } = Promise.withResolvers<void>();
      const server = createTcp(
        (socket) => void socket.on('error', () => undefined).once('data', () => resolve()),
      );
      const port = await listening(
        t,
        Object.assign(server, { closeAllConnections: () => undefined }) as never,
      );
      setProxies(t, { HTTPS_PROXY: `${scheme}://127.0.0.1:${port}` });
      t.mock.timers.enable({ apis: ['setTimeout'] });
      let failed = false;
      const asked = failureOf('https://models.example.invalid/').finally(() => {
        failed = true;
      });
      await heard;
      t.mock.timers.tick(9_999);
      await new Promise(setImmediate);
      assert.equal(failed, false);
      t.mock.timers.tick(1);
      const address = `127.0.0.1:${port}`;
      assert.equal(
        textOf(await asked),
        `the proxy ${address} cannot be reached: no answer came from ${address} in time (ETIMEDOUT)`,
      );
    });
  }

  test('and no such limit is left behind by one that answered, or refused', async (t) => {
    const limits = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const [secure, plain] = [await startHttps(t, echo), await startHttp(t, echo)];
    const before = limits();
    for (const options of [{}, { refuse: 403 }]) {
      const proxy = await startProxy(t, options);
      const address = `http://127.0.0.1:${proxy.port}`;
      setProxies(t, { HTTPS_PROXY: address, HTTP_PROXY: address });
      await text(`https://localhost:${secure}/`).catch(() => undefined);
      await text(`http://localhost:${plain}/`);
      assert.equal(proxy.asked.length, 2);
    }
    setProxies(t, { HTTP_PROXY: 'http://127.0.0.1:9' });
    await failureOf('http://models.example.invalid/');
    assert.equal(limits(), before);
  });
});

test('an address of IPv6 has its brackets, for a proxy and as one', async (t) => {
  const [secure, plain] = [await startHttps(t, echo), await startHttp(t, echo)];
  const proxy = await startProxy(t);
  const address = `http://127.0.0.1:${proxy.port}`;
  setProxies(t, { HTTPS_PROXY: address, HTTP_PROXY: address });
  assert.equal(await text(`http://[::1]:${plain}/a`), `[::1]:${plain}/a`);
  // Its certificate is one of another address.
  await assert.rejects(text(`https://[::1]:${secure}/`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  assert.deepEqual(proxy.asked, [`GET http://[::1]:${plain}/a`, `CONNECT [::1]:${secure}`]);
  setProxies(t, { HTTP_PROXY: 'http://[::1]:9' });
  assert.match(
    textOf(await failureOf('http://models.example.invalid/')),
    /cannot be reached: (\[::1\]:9 refuses connections|there is no way to \[::1\]:9) \(/,
  );
});

describe('an abort ends', { timeout: 20_000 }, () => {
  const reason = new Error('not wanted any more');

  test('what has not begun', async () => {
    const asked = get(new URL('http://127.0.0.1:9/'), { signal: AbortSignal.abort(reason) });
    await assert.rejects(asked, (error) => error === reason);
  });

  test('the body of an answer', async (t) => {
    setProxies(t, {});
    const port = await startHttp(t, (_, response) => void response.write('the beginning'));
    const abort = new AbortController();
    const answer = await get(new URL(`http://127.0.0.1:${port}/`), { signal: abort.signal });
    answer.once('data', () => abort.abort(reason));
    await assert.rejects(answer.toArray());
  });
});

describe('a proxy that refuses says so:', () => {
  const refusals: [name: string, options: Parameters<typeof startProxy>[1], says: RegExp][] = [
    [
      '407',
      { refuse: 407 },
      /^the proxy 127\.0\.0\.1:\d+ wants a name and a password, or others \(status 407\)$/,
    ],
    ['403', { refuse: 403 }, /^the proxy 127\.0\.0\.1:\d+ does not pass the request on \(status 403\)$/],
    ['502', { refuse: 502 }, /^the proxy 127\.0\.0\.1:\d+ does not pass the request on \(status 502\)$/],
    [
      'no answer',
      { hangUp: true },
      /^the proxy 127\.0\.0\.1:\d+ cannot be reached: 127\.0\.0\.1 broke the connection off \(ECONNRESET\)$/,
    ],
  ];
  for (const [name, options, says] of refusals) {
    test(`${name}, for https`, async (t) => {
      const proxy = await startProxy(t, options);
      setProxies(t, { HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
      const error = await failureOf('https://models.example.invalid/');
      assert.ok(error instanceof ProxyFailure);
      assert.match(textOf(error), says);
      assert.equal(describeFailure(error, new URL('https://x'))!.passes, ['502', 'no answer'].includes(name));
    });
  }

  test('407, for http', async (t) => {
    const proxy = await startProxy(t, { refuse: 407 });
    setProxies(t, { HTTP_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
    assert.match(textOf(await failureOf('http://models.example.invalid/')), /wants a name and a password/);
  });

  for (const [protocol, variable] of [
    ['https', 'HTTPS_PROXY'],
    ['http', 'HTTP_PROXY'],
  ]) {
    test(`nobody there, for ${protocol}`, async (t) => {
      setProxies(t, { [variable!]: 'http://me:secret@127.0.0.1:9' });
      assert.equal(
        textOf(await failureOf(`${protocol}://models.example.invalid/`)),
        'the proxy 127.0.0.1:9 cannot be reached: 127.0.0.1:9 refuses connections (ECONNREFUSED)',
      );
    });
  }

  test('a certificate that nobody vouches for', async (t) => {
    const port = await startHttps(t, echo, 'alone');
    setProxies(t, { HTTPS_PROXY: `https://127.0.0.1:${port}` });
    const { actual } = describeFailure(
      await failureOf('https://models.example.invalid/'),
      new URL('https://x'),
    )!;
    assert.match(actual, /^the proxy .* cannot be reached: 127\.0\.0\.1 signed its certificate by itself/);
  });

  test('a variable that names none', async (t) => {
    setProxies(t, { HTTPS_PROXY: 'socks5://me:secret@127.0.0.1:9' });
    assert.ok((await failureOf('https://models.example.invalid/')) instanceof InvalidRequest);
  });
});

async function failureOf(address: string): Promise<Error> {
  const error = await text(address).then(
    () => assert.fail('was answered'),
    (error: Error) => error,
  );
  const told = [
    error.message,
    error.stack,
    JSON.stringify(error),
    String((error.cause as Error)?.stack),
  ].join();
  assert.doesNotMatch(told, /secret|bWU6/, 'tells the credentials');
  return error;
}

function textOf(error: Error): string {
  return describeFailure(error, new URL('https://models.example.invalid/'))!.actual;
}

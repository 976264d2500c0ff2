/** What downloads do not follow, and what they say of it, against real servers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { join } from 'node:path';
import { before, beforeEach, describe, type TestContext, test } from 'node:test';
import { InvalidRequest } from '../../../src/errors.ts';
import { downloadSource } from '../../../src/import/source/download.ts';
import {
  setProxies,
  startHttp,
  startHttps,
  startProxy,
  trustTestAuthority,
} from '../../support/network/servers.ts';
import { rejectsSource, temporaryDirectory } from './source-failures.ts';

const FILE = Buffer.alloc(5000, 'weights');
const sha256 = createHash('sha256').update(FILE).digest('hex');
const limits = { backoffMs: 1, stallMs: 500, attempts: 2, connections: 4 };

before(trustTestAuthority);
beforeEach((t) => setProxies(t as TestContext, {}));

async function fetcher(t: TestContext) {
  const directory = await temporaryDirectory(t);
  return { directory, fetchIt: (url: string) => downloadSource(url, { sha256 }, { directory, limits }) };
}

const file: RequestListener = (_request, response) => response.end(FILE);

/** Sends everybody somewhere else. */
function redirectTo(location: string): RequestListener {
  return (_request, response) => response.writeHead(302, { location }).end();
}

describe('redirects', () => {
  test('from https to https are followed, to other hosts as well', async (t) => {
    const { fetchIt } = await fetcher(t);
    const seen: IncomingMessage[] = [];
    const storage = await startHttps(t, (request, response) => {
      seen.push(request);
      response.end(FILE);
    });
    const first = await startHttps(t, redirectTo(`https://127.0.0.1:${storage}/file`));
    assert.deepEqual(await readFile(await fetchIt(`https://localhost:${first}/a`)), FILE);
    assert.equal(seen[0]?.headers.host, `127.0.0.1:${storage}`);
    for (const secret of ['authorization', 'cookie', 'proxy-authorization', 'referer']) {
      assert.equal(seen[0]?.headers[secret], undefined, secret);
    }
  });

  test('from http of this machine go on to https, and no longer back', async (t) => {
    const { fetchIt } = await fetcher(t);
    const plain = await startHttp(t, file);
    const secure = await startHttps(t, redirectTo(`http://127.0.0.1:${plain}/file`));
    const first = await startHttp(t, redirectTo(`https://localhost:${secure}/a`));
    const { actual, expected } = await rejectsSource(
      fetchIt(`http://localhost:${first}/a`),
      'SourceUnreadable',
    );
    assert.equal(expected, 'redirects to https addresses');
    assert.equal(actual, `http://127.0.0.1:${plain}/file`);
  });

  test('from https to http are not followed, although this machine would answer', async (t) => {
    const { fetchIt, directory } = await fetcher(t);
    let asked = 0;
    const plain = await startHttp(t, (_request, response) => {
      asked++;
      response.end(FILE);
    });
    for (const host of ['localhost', '127.0.0.1']) {
      const secure = await startHttps(t, redirectTo(`http://${host}:${plain}/file?token=secret`));
      const { actual } = await rejectsSource(fetchIt(`https://localhost:${secure}/a`), 'SourceUnreadable');
      assert.equal(actual, `http://${host}:${plain}/file`);
    }
    assert.equal(asked, 0);
    assert.deepEqual(await readdir(directory), []);
  });

  test('to plain http of another host are not followed, although a proxy would bring it', async (t) => {
    const { fetchIt } = await fetcher(t);
    const foreign = await startHttp(t, file);
    const proxy = await startProxy(t);
    setProxies(t, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: 'localhost' });
    const first = await startHttp(t, redirectTo(`http://models.example.invalid:${foreign}/file`));
    const { expected } = await rejectsSource(fetchIt(`http://localhost:${first}/a`), 'SourceUnreadable');
    assert.equal(expected, 'redirects to https addresses');
    assert.deepEqual(proxy.asked, []);
  });

  for (const location of [
    'file:///etc/passwd',
    'ftp://localhost/a',
    'https://me:secret@localhost/a',
    'http://[',
    '//',
  ]) {
    test(`to ${location} are not followed`, async (t) => {
      const { fetchIt } = await fetcher(t);
      const first = await startHttps(t, redirectTo(location));
      const { expected, actual } = await rejectsSource(
        fetchIt(`https://localhost:${first}/a`),
        'SourceUnreadable',
      );
      assert.equal(expected, 'redirects to https addresses');
      assert.doesNotMatch(actual, /secret/);
    });
  }

  test('are followed five times', async (t) => {
    const { fetchIt } = await fetcher(t);
    let hops = 0;
    const port = await startHttps(t, ({ url }, response) => {
      const left = Number(url!.slice(1));
      hops++;
      if (left === 0) response.end(FILE);
      else response.writeHead(307, { location: `/${left - 1}` }).end();
    });
    assert.deepEqual(await readFile(await fetchIt(`https://localhost:${port}/5`)), FILE);
    assert.equal(hops, 6);
    const { expected, remedy } = await rejectsSource(
      fetchIt(`https://localhost:${port}/6`),
      'SourceUnreadable',
    );
    assert.equal(expected, 'at most 5 redirects');
    assert.match(remedy!, /login/);
    assert.equal(hops, 12);
  });
});

describe('a download says what happened and what to do:', () => {
  const cases: [
    name: string,
    listener: RequestListener,
    actual: RegExp,
    remedy: RegExp | undefined,
    asked: number,
  ][] = [
    ['401', (_, response) => response.writeHead(401).end(), /^status 401 Unauthorized$/, /signs in/, 1],
    ['403', (_, response) => response.writeHead(403).end(), /^status 403 Forbidden$/, /signs in/, 1],
    ['404', (_, response) => response.writeHead(404).end(), /^status 404 Not Found$/, /Check the address/, 1],
    ['410', (_, response) => response.writeHead(410).end(), /^status 410 Gone$/, /owner/, 1],
    ['418', (_, response) => response.writeHead(418).end(), /^status 418 I'm a Teapot$/, undefined, 1],
    ['429', (_, response) => response.writeHead(429).end(), /^status 429 Too Many Requests$/, /too often/, 2],
    ['500', (_, response) => response.writeHead(500).end(), /^status 500 Internal Server Error$/, /later/, 2],
    ['503', (_, response) => response.writeHead(503).end(), /^status 503 Service Unavailable$/, /later/, 2],
    [
      'a redirect to nowhere',
      (_, response) => response.writeHead(302).end(),
      /^status 302 Found$/,
      undefined,
      1,
    ],
    [
      'a login page',
      (_, response) => response.end('<!doctype html>Log in'),
      /^a web page$/,
      /open the address/,
      1,
    ],
    ['no answer', () => undefined, /^no answer came for 500 ms$/, /HTTPS_PROXY/, 2],
    [
      'silence amid the file',
      (_, response) =>
        void response.writeHead(200, { 'content-length': FILE.length }).write(FILE.subarray(0, 100)),
      /^100 bytes, then nothing more came for 500 ms$/,
      /HTTPS_PROXY.*\. The same command goes on where this one stopped/,
      2,
    ],
    [
      'the end of the connection amid the file',
      (_, response) => {
        response.writeHead(200, { 'content-length': FILE.length });
        response.write(FILE.subarray(0, 100), () => setTimeout(() => response.destroy(), 50));
      },
      /^100 bytes, then localhost broke the connection off \(ECONNRESET\)$/,
      /^Try again later\. The same command goes on/,
      2,
    ],
    [
      'pieces that are shorter than announced',
      ({ headers }, response) => {
        const start = Number(/\d+/.exec(headers.range ?? '0'));
        response.writeHead(206, { 'content-range': `bytes ${start}-4999/5000`, connection: 'close' });
        response.end(FILE.subarray(start, start + 100));
      },
      /^400 bytes, then the end of the answer, which was to have 5000$/,
      /^The same command goes on/,
      4,
    ],
  ];
  for (const [name, listener, actual, remedy, expected] of cases) {
    test(name, async (t) => {
      const { fetchIt } = await fetcher(t);
      let asked = 0;
      const port = await startHttps(t, (request, response) => {
        asked++;
        listener(request, response);
      });
      const problem = await rejectsSource(
        fetchIt(`https://localhost:${port}/models/a.pb?token=secret`),
        'SourceUnreadable',
      );
      assert.equal(problem.file, `https://localhost:${port}/models/a.pb`);
      assert.match(problem.actual, actual);
      if (remedy === undefined) assert.equal(problem.remedy, undefined);
      else assert.match(problem.remedy!, remedy);
      assert.equal(asked, expected);
      // Only where something has come, and may be there the next time.
      assert.equal(
        /The same command goes on/.test(problem.remedy ?? ''),
        / bytes, then /.test(problem.actual),
      );
    });
  }

  test('a certificate that nobody vouches for, at once', async (t) => {
    const { fetchIt } = await fetcher(t);
    const port = await startHttps(t, file, 'alone');
    const { actual, remedy } = await rejectsSource(
      fetchIt(`https://localhost:${port}/a`),
      'SourceUnreadable',
    );
    assert.match(actual, /^localhost signed its certificate by itself/);
    assert.match(remedy!, /NODE_EXTRA_CA_CERTS/);
  });

  test('the host that failed is told, not the one that redirected there', async (t) => {
    const { fetchIt } = await fetcher(t);
    const first = await startHttps(t, redirectTo('https://127.0.0.1:9/a'));
    const { actual } = await rejectsSource(fetchIt(`https://localhost:${first}/a`), 'SourceUnreadable');
    assert.equal(actual, '127.0.0.1:9 refuses connections (ECONNREFUSED)');
  });

  test('a proxy that wants a password, at once', async (t) => {
    const { fetchIt } = await fetcher(t);
    const proxy = await startProxy(t, { refuse: 407 });
    setProxies(t, { HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` });
    const { actual } = await rejectsSource(fetchIt('https://models.example.invalid/a'), 'SourceUnreadable');
    assert.match(actual, /wants a name and a password, or others/);
    assert.equal(proxy.asked.length, 1);
  });

  test('a variable that names no proxy', async (t) => {
    const { fetchIt } = await fetcher(t);
    setProxies(t, { HTTPS_PROXY: 'socks5://127.0.0.1:9' });
    await assert.rejects(fetchIt('https://models.example.invalid/a'), InvalidRequest);
  });

  test('a login page leaves what has come before', async (t) => {
    const { fetchIt, directory } = await fetcher(t);
    let portal = true;
    const port = await startHttps(t, ({ headers }, response) => {
      if (portal) response.end('<html>Welcome to our network');
      else if (headers.range === 'bytes=4000-') {
        response.writeHead(206, { 'content-range': 'bytes 4000-4999/5000' }).end(FILE.subarray(4000));
      } else response.end(FILE);
    });
    await writeFile(join(directory, 'a.pb.part'), FILE.subarray(0, 4000));
    const { actual } = await rejectsSource(fetchIt(`https://localhost:${port}/a.pb`), 'SourceUnreadable');
    assert.equal(actual, 'a web page');
    assert.deepEqual(await readFile(join(directory, 'a.pb.part')), FILE.subarray(0, 4000));
    portal = false;
    assert.deepEqual(await readFile(await fetchIt(`https://localhost:${port}/a.pb`)), FILE);
  });
});

test('a password in an address is neither sent nor told', async (t) => {
  const { fetchIt } = await fetcher(t);
  for (const url of [
    'https://me:secret@localhost/a',
    'http://me:secret@example.org/a',
    'https://secret@localhost/a',
  ]) {
    await assert.rejects(
      fetchIt(url),
      (error) => error instanceof InvalidRequest && !error.message.includes('secret'),
      url,
    );
  }
});

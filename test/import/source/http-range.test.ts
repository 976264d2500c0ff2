import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { InvalidRequest } from '../../../src/errors.ts';
import { FetchFailure, fetchFrom, parseAddress } from '../../../src/import/source/http-range.ts';
import { shownAddress } from '../../../src/net/failure.ts';
import { rejectsSource } from './source-failures.ts';

/** What is asked of a server that answers each time so, and what is made of it. */
async function asked(t: TestContext, listener: RequestListener, start = 0, validator: string | null = null) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a?token=secret`);
  const signal = new AbortController().signal;
  const fetched = fetchFrom(address, start, validator, { stallMs: 5000, deadline: signal });
  return { address, seen, fetched };
}

const answering =
  (status: number, headers: Record<string, string> = {}, body = ''): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end(body);

async function read(t: TestContext, listener: RequestListener, start = 0) {
  const { fetched } = await asked(t, listener, start);
  const { body, close, ...place } = await fetched;
  const bytes = await buffer(Readable.from(body));
  close();
  return { ...place, bytes: bytes.toString() };
}

describe('what is asked', () => {
  for (const [start, validator, range, condition] of [
    [0, null, undefined, undefined],
    [0, '"a"', undefined, undefined],
    [1, null, 'bytes=1-', undefined],
    [7, '"a"', 'bytes=7-', '"a"'],
  ] as const) {
    test(`from byte ${start} with ${validator}`, async (t) => {
      const { seen, fetched } = await asked(t, answering(200, {}, 'all'), start, validator);
      (await fetched).close();
      assert.deepEqual([seen[0]?.range, seen[0]?.['if-range']], [range, condition]);
    });
  }
});

describe('what an answer holds', () => {
  test('all, whatever was asked, and its length where it is said', async (t) => {
    const headers = { 'content-length': '3', etag: '"a"' };
    const all = { start: 0, total: 3, validator: '"a"', bytes: 'all' };
    assert.deepEqual(await read(t, answering(200, headers, 'all')), all);
    assert.deepEqual(await read(t, answering(200, headers, 'all'), 2), all);
    const open: RequestListener = (_request, response) => response.write('al', () => response.end('l'));
    assert.deepEqual(await read(t, open), { start: 0, total: null, validator: null, bytes: 'all' });
    assert.deepEqual(await read(t, answering(200, { 'content-encoding': 'identity' })), {
      start: 0,
      total: null,
      validator: null,
      bytes: '',
    });
  });

  test('a range, and the length of the whole where it is known', async (t) => {
    const part = (range: string) => read(t, answering(206, { 'content-range': range }, 'll'), 1);
    assert.deepEqual(await part('bytes 1-2/3'), { start: 1, total: 3, validator: null, bytes: 'll' });
    assert.deepEqual(await part('bytes 1-2/*'), { start: 1, total: null, validator: null, bytes: 'll' });
  });

  test('a file that could be part of a page, but is called otherwise', async (t) => {
    const headers = { 'content-type': 'application/octet-stream' };
    assert.equal((await read(t, answering(200, headers, '<p>'))).bytes, '<p>');
  });

  test('nothing, where all is there already, or more', async (t) => {
    const none = (headers: Record<string, string>) => read(t, answering(416, headers, 'no such range'), 10);
    const place = { total: null, validator: null, bytes: '' };
    assert.deepEqual(await none({ 'content-range': 'bytes */10' }), { start: 10, ...place });
    assert.deepEqual(await none({ 'content-range': 'bytes */4' }), { start: 4, ...place });
    assert.deepEqual(await none({ 'content-range': 'bytes */12' }), { start: 10, ...place });
    assert.deepEqual(await none({}), { start: 10, ...place });
    assert.deepEqual(await none({ 'content-range': 'bytes 0-3/4' }), { start: 10, ...place });
  });

  test('a strong ETag tells versions apart, else the date does', async (t) => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const validator = async (headers: Record<string, string>) =>
      (await read(t, answering(200, headers, 'all'))).validator;
    assert.equal(await validator({ etag: '"a"', 'last-modified': date }), '"a"');
    assert.equal(await validator({ etag: 'W/"a"', 'last-modified': date }), date);
    assert.equal(await validator({ 'last-modified': date }), date);
    assert.equal(await validator({ etag: 'W/"a"' }), null);
  });
});

describe('answers that are refused', () => {
  const cases: [what: string, listener: RequestListener, expected: string, actual: string][] = [
    ['other bytes', answering(206, { 'content-range': 'bytes 5-9/10' }), 'the bytes from 3', 'those from 5'],
    ['a range of nothing', answering(206), 'the bytes from 3', 'those from nowhere'],
    [
      'a range of something else',
      answering(206, { 'content-range': 'x bytes 3-9/10' }),
      'the bytes from 3',
      'those from nowhere',
    ],
    [
      'a range and more',
      answering(206, { 'content-range': 'bytes 3-9/10, bytes' }),
      'the bytes from 3',
      'those from nowhere',
    ],
    [
      'packed bytes',
      answering(200, { 'content-encoding': 'br' }),
      'the bytes of the file',
      'an answer in br',
    ],
    ['no content', answering(204), 'the file', 'status 204 No Content'],
    ['a choice', answering(300), 'the file', 'status 300 Multiple Choices'],
    ['a page by its type', answering(200, { 'content-type': 'text/html' }, '<p>'), 'the file', 'a web page'],
    ['another scheme', answering(302, { location: 'ftp://a/b?c' }), 'redirects to https addresses', 'null/b'],
    [
      'a long one, told in part',
      answering(302, { location: `ftp://a/${'b'.repeat(600)}` }),
      'redirects to https addresses',
      `null/${'b'.repeat(492)}`,
    ],
    [
      'no address',
      answering(302, { location: 'http://[' }),
      'redirects to https addresses',
      'one that is no address',
    ],
  ];
  for (const [what, listener, expected, actual] of cases) {
    test(what, async (t) => {
      const { address, fetched } = await asked(t, listener, 3);
      const problem = await rejectsSource(fetched, 'SourceUnreadable');
      assert.equal(problem.file, `${address.origin}/a`);
      assert.equal(problem.expected, expected);
      assert.equal(problem.actual.replace('ftp://a/b', 'null/b'), actual);
    });
  }

  test('a status that passes is left to another try', async (t) => {
    const { fetched } = await asked(t, answering(503));
    await assert.rejects(fetched, (error) => {
      assert.ok(error instanceof FetchFailure);
      assert.equal(error.message, error.text.actual);
      assert.equal(error.text.passes, true);
      return true;
    });
  });

  test('silence after the answer begun ends the body', async (t) => {
    const server = createServer((_request, response) => response.write('a'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const { body } = await fetchFrom(address, 0, null, {
      stallMs: 100,
      deadline: new AbortController().signal,
    });
    await assert.rejects(buffer(Readable.from(body)), (error) => {
      assert.ok(error instanceof FetchFailure);
      assert.deepEqual([error.text.actual, error.text.passes], ['nothing more came for 100 ms', true]);
      return true;
    });
  });
});

test('redirects lead on from where they stand, and take the range along', async (t) => {
  const { seen, fetched } = await asked(
    t,
    ({ url }, response) => {
      if (url === '/b/c') response.writeHead(206, { 'content-range': 'bytes 1-2/3' }).end('ll');
      else response.writeHead(308, { location: url === '/b/a' ? 'c' : '/b/a' }).end();
    },
    1,
  );
  const { body, close, start } = await fetched;
  assert.deepEqual([start, (await buffer(Readable.from(body))).toString()], [1, 'll']);
  close();
  assert.deepEqual(
    seen.map(({ range }) => range),
    ['bytes=1-', 'bytes=1-', 'bytes=1-'],
  );
});

describe('addresses', () => {
  for (const url of [
    'https://example.com/a',
    'http://localhost:8000/a',
    'http://127.0.0.1/a',
    'http://127.1.2.3/a',
    'http://[::1]:1/a',
  ]) {
    test(`${url} is read`, () => assert.equal(parseAddress(url).href, url));
  }

  for (const url of [
    'http://example.com/a',
    'http://[::2]/a',
    'http://128.0.0.1/a',
    'http://127.example/a',
    'ftp://localhost/a',
    'a',
    '',
  ]) {
    test(`${url} is not`, () => {
      assert.throws(() => parseAddress(url), new InvalidRequest(`expected an https address, found ${url}`));
    });
  }

  test('are shown without their queries', () => {
    assert.equal(shownAddress(new URL('https://a.example:8443/b/c?d#e')), 'https://a.example:8443/b/c');
  });
});

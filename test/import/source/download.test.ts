import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { InvalidRequest } from '../../../src/errors.ts';
import { type DownloadLimits, downloadSource } from '../../../src/import/source/download.ts';
import { rejectsSource, temporaryDirectory } from './source-failures.ts';

/** Large enough to come in several pieces. */
const FILE = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >>> 8)) & 0xff));
const sha256 = createHash('sha256').update(FILE).digest('hex');
const FAST: Partial<DownloadLimits> = { backoffMs: 1, stallMs: 300, attempts: 3, connections: 12 };

/** @param part where what has come is kept until all has */
type Handler = (request: IncomingMessage, answer: ServerResponse, count: number, part: string) => void;

/** A server for one test; requests are counted from 1. */
async function serve(t: TestContext, handler: Handler) {
  const requests: IncomingMessage[] = [];
  const directory = await temporaryDirectory(t);
  const server = createServer((request, answer) => {
    requests.push(request);
    handler(request, answer, requests.length, join(directory, 'im2txt.tar.gz.part'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/im2txt.tar.gz?x=1`;
  const fetchIt = (hash: string = sha256, limits: Partial<DownloadLimits> = {}) =>
    downloadSource(url, { sha256: hash }, { directory, limits: { ...FAST, ...limits } });
  return { url, directory, requests, fetchIt };
}

function startOf(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
}

/** As a good server answers: ranges, and the whole file when the ETag is another. */
function answerWell(request: IncomingMessage, answer: ServerResponse, etag = '"one"', file = FILE): void {
  const condition = request.headers['if-range'];
  const start = condition === undefined || condition === etag ? startOf(request) : 0;
  answer.setHeader('etag', etag);
  if (start > 0) answer.setHeader('content-range', `bytes ${start}-${file.length - 1}/${file.length}`);
  answer.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
  answer.end(file.subarray(start));
}

/** The first bytes; when they are kept in `part`, the connection breaks: fetch drops what nobody has read by then. */
function breakOff(answer: ServerResponse, part: string, from: number, to: number): void {
  const headers = { 'content-length': FILE.length - from, etag: '"one"' };
  if (from > 0)
    answer.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` });
  else answer.writeHead(200, headers);
  answer.write(FILE.subarray(from, to));
  const timer = setInterval(() => {
    if ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) >= to) answer.destroy();
  }, 2);
  answer.once('close', () => clearInterval(timer));
}

describe('downloads that succeed', () => {
  test('a file comes with its name, and progress is told', async (t) => {
    const { url, directory, requests } = await serve(t, (request, answer) => answerWell(request, answer));
    const told: [number, number | null][] = [];
    const options = {
      directory,
      onProgress: (bytes: number, total: number | null) => told.push([bytes, total]),
    };
    const sha512 = createHash('sha512').update(FILE).digest('hex').toUpperCase();
    const file = await downloadSource(url, { sha512 }, options);
    assert.equal(file, join(directory, 'im2txt.tar.gz'));
    assert.deepEqual(await readFile(file), FILE);
    assert.deepEqual(await readdir(directory), ['im2txt.tar.gz']);
    assert.deepEqual(told.at(-1), [FILE.length, FILE.length]);
    assert.equal(await downloadSource(url, { sha512 }, options), file);
    assert.equal(requests.length, 1, 'a file that is there is not fetched again');
  });

  test('a file is called as its address ends, as far as every file system takes that', async (t) => {
    const { url, directory } = await serve(t, (request, answer) => answerWell(request, answer));
    for (const [path, name] of [
      ['/a/model-1_0.PB?b=/c.zip#d/e', 'model-1_0.PB'],
      ['/a%20b%2Fc~d$e.tar', 'a_b_c_d_e.tar'],
      ['/..hidden', 'hidden'],
      [`/${'x'.repeat(101)}`, 'x'.repeat(100)],
      ['/a/', 'source'],
      ['', 'source'],
    ] as const) {
      const file = await downloadSource(new URL(url).origin + path, { sha256 }, { directory });
      assert.equal(file, join(directory, name), path);
      await rm(file, { force: true });
    }
  });

  test('a connection that breaks off is taken up where it was', async (t) => {
    const { fetchIt, requests } = await serve(t, (request, answer, count, part) => {
      if (count < 4) breakOff(answer, part, startOf(request), count * 70_000);
      else answerWell(request, answer);
    });
    assert.deepEqual(await readFile(await fetchIt()), FILE);
    assert.deepEqual(
      requests.map(({ headers }) => [headers.range, headers['if-range']]),
      [
        [undefined, undefined],
        ['bytes=70000-', '"one"'],
        ['bytes=140000-', '"one"'],
        ['bytes=210000-', '"one"'],
      ],
    );
  });

  test('a part from an earlier call is taken up', async (t) => {
    const { fetchIt, directory, requests } = await serve(t, (request, answer) => answerWell(request, answer));
    await writeFile(join(directory, 'im2txt.tar.gz.part'), FILE.subarray(0, 100_000));
    assert.deepEqual(await readFile(await fetchIt(` ${sha256.toUpperCase()}\n`)), FILE);
    assert.equal(requests[0]?.headers.range, 'bytes=100000-');
    assert.equal(requests.length, 1);
  });

  test('a whole part needs no more than an answer', async (t) => {
    const { fetchIt, directory } = await serve(t, (_request, answer) => {
      answer.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end('no more');
    });
    await writeFile(join(directory, 'im2txt.tar.gz.part'), FILE);
    assert.deepEqual(await readFile(await fetchIt()), FILE);
  });

  test('a part of another version is dropped', async (t) => {
    const { fetchIt, directory, requests } = await serve(t, (request, answer) => answerWell(request, answer));
    await writeFile(join(directory, 'im2txt.tar.gz.part'), Buffer.alloc(100_000, 7));
    assert.deepEqual(await readFile(await fetchIt()), FILE);
    assert.equal(requests.length, 2);
  });

  test('a server without ranges starts again', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer, count, part) => {
      if (count === 1) breakOff(answer, part, 0, 90_000);
      else answer.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    assert.deepEqual(await readFile(await fetchIt()), FILE);
  });

  test('a file that changes on the way is fetched from its start', async (t) => {
    const { fetchIt, requests } = await serve(t, (request, answer, count) => {
      if (count === 1) {
        answer.writeHead(200, { 'content-length': FILE.length, etag: '"old"' });
        answer.write(Buffer.alloc(50_000), () => setTimeout(() => answer.destroy(), 20));
      } else answerWell(request, answer, '"new"');
    });
    assert.deepEqual(await readFile(await fetchIt()), FILE);
    assert.equal(requests[1]?.headers['if-range'], '"old"');
  });

  test('pieces that come slowly, each before the patience ends', { timeout: 20_000 }, async (t) => {
    const answers = Promise.withResolvers<ServerResponse>();
    const { url, directory } = await serve(t, (_request, answer) => answers.resolve(answer));
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let arrived = Promise.withResolvers<void>();
    const fetched = downloadSource(
      url,
      { sha256 },
      { directory, limits: FAST, onProgress: () => arrived.resolve() },
    );
    const answer = await answers.promise;
    for (let piece = 0; piece < 5; piece++) {
      arrived = Promise.withResolvers();
      answer.write(FILE.subarray(piece * 100, piece * 100 + 100));
      await arrived.promise;
      t.mock.timers.tick(FAST.stallMs! - 1);
    }
    answer.end(FILE.subarray(500));
    assert.deepEqual(await readFile(await fetched), FILE);
  });

  test('redirects and overloaded servers', async (t) => {
    const { fetchIt } = await serve(t, (request, answer, count) => {
      if (count === 1) answer.writeHead(503).end();
      else if (count === 2) answer.writeHead(302, { location: '/elsewhere' }).end();
      else answerWell(request, answer);
    });
    assert.deepEqual(await readFile(await fetchIt()), FILE);
  });

  test('no length', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer) => {
      answer.write(FILE.subarray(0, 1000));
      answer.end(FILE.subarray(1000));
    });
    assert.deepEqual(await readFile(await fetchIt()), FILE);
  });
});

describe('downloads that fail', () => {
  test('another content: removed, and both hashes said', async (t) => {
    const { fetchIt, directory } = await serve(t, (request, answer) => answerWell(request, answer));
    const wrong = 'ab'.repeat(32);
    const problem = await rejectsSource(fetchIt(wrong), 'SourceDamaged');
    assert.match(problem.expected, new RegExp(wrong));
    assert.match(problem.actual, new RegExp(sha256));
    assert.deepEqual(await readdir(directory), []);
  });

  test('a length that is a lie, too long: tried again, then given up with the part kept', async (t) => {
    const { fetchIt, directory, requests } = await serve(t, (_request, answer) => {
      answer.writeHead(200, { 'content-length': FILE.length + 5 });
      answer.write(FILE, () => setTimeout(() => answer.destroy(), 20));
    });
    await rejectsSource(fetchIt(), 'SourceUnreadable');
    assert.deepEqual(await readdir(directory), ['im2txt.tar.gz.part']);
    assert.ok(requests.length <= 12);
  });

  test('a length that is a lie, too short: the hash finds it', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer) => {
      answer.socket?.end(
        `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n${FILE.toString('latin1')}`,
      );
    });
    await assert.rejects(fetchIt(), { name: /SourceDamaged|SourceUnreadable/ });
  });

  test('other bytes than were asked for', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer, count, part) => {
      if (count === 1) breakOff(answer, part, 0, 90_000);
      else answer.writeHead(206, { 'content-range': `bytes 0-9/${FILE.length}` }).end(FILE.subarray(0, 10));
    });
    const problem = await rejectsSource(fetchIt(), 'SourceUnreadable');
    assert.match(problem.expected, /the bytes from 90000/);
  });

  test('a body that never ends stops at the limit', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer) => {
      const chunk = Buffer.alloc(1 << 16);
      const more = (): boolean => answer.destroyed || answer.write(chunk, more);
      more();
    });
    const problem = await rejectsSource(fetchIt(sha256, { bytes: 1 << 20 }), 'SourceUnreadable');
    assert.match(problem.expected, /at most 1048576 bytes/);
  });

  test('a length above the limit, 2 GiB where none is given, is not begun', async (t) => {
    let length = 2 ** 31 + 1;
    const { fetchIt, directory } = await serve(t, (_request, answer) => {
      answer.writeHead(200, { 'content-length': length });
      answer.write('x');
    });
    const { expected, actual, remedy } = await rejectsSource(fetchIt(), 'SourceUnreadable');
    assert.deepEqual([expected, actual], ['at most 2147483648 bytes', '2147483649']);
    assert.match(remedy!, /other means/);
    assert.deepEqual(await readdir(directory), []);
    length--;
    const { expected: rest } = await rejectsSource(fetchIt(sha256, { stallMs: 60 }), 'SourceUnreadable');
    assert.equal(rest, 'the whole file');
  });

  test('a download may take six hours where no other time is given', async (t) => {
    const { fetchIt } = await serve(t, (request, answer) => answerWell(request, answer));
    const { timeout } = AbortSignal;
    const asked: number[] = [];
    t.mock.method(AbortSignal, 'timeout', (ms: number) => {
      asked.push(ms);
      return timeout.call(AbortSignal, ms);
    });
    await fetchIt();
    assert.deepEqual(asked, [6 * 60 * 60 * 1000]);
  });

  test('a server that says nothing more is given up', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer) => {
      answer.writeHead(200, { 'content-length': FILE.length });
      answer.write(FILE.subarray(0, 100));
    });
    const problem = await rejectsSource(fetchIt(sha256, { stallMs: 60 }), 'SourceUnreadable');
    assert.match(problem.actual, /60 ms/);
  });

  test('a server that never answers is given up', async (t) => {
    const { fetchIt } = await serve(t, () => undefined);
    await rejectsSource(fetchIt(sha256, { stallMs: 60 }), 'SourceUnreadable');
  });

  test('a byte at a time is given up after so many connections', async (t) => {
    const { fetchIt, requests } = await serve(t, (request, answer, _count, part) => {
      const start = startOf(request);
      breakOff(answer, part, start, start + 1);
    });
    await rejectsSource(fetchIt(sha256, { connections: 5 }), 'SourceUnreadable');
    assert.equal(requests.length, 5);
  });

  test('all time is limited', async (t) => {
    const { fetchIt } = await serve(t, (_request, answer) => {
      answer.writeHead(200);
      const drip = setInterval(() => answer.write('x'), 10);
      answer.on('close', () => clearInterval(drip));
    });
    const { actual, remedy } = await rejectsSource(fetchIt(sha256, { totalMs: 150 }), 'SourceUnreadable');
    assert.match(actual, /the end of the 150 ms that a download may take$/);
    assert.match(remedy!, /^(The same command goes on .*)?$/);
  });

  for (const [what, status, headers] of [
    ['not found', 404, {}],
    ['forbidden', 403, {}],
    ['compressed on the way', 200, { 'content-encoding': 'gzip' }],
    ['a redirect in a circle', 302, { location: '/models/im2txt.tar.gz' }],
    ['a redirect to plain http', 302, { location: 'http://example.com/im2txt.tar.gz' }],
    ['a redirect to a file', 302, { location: 'file:///etc/passwd' }],
  ] as const) {
    test(`${what}: at once`, async (t) => {
      const { fetchIt, requests } = await serve(t, (_request, answer) => {
        answer.writeHead(status, headers).end('<html>');
      });
      await rejectsSource(fetchIt(), 'SourceUnreadable');
      assert.ok(requests.length <= 6);
    });
  }

  test('nobody there', async (t) => {
    const directory = await temporaryDirectory(t);
    const call = downloadSource('http://127.0.0.1:9/x', { sha256 }, { directory, limits: FAST });
    await rejectsSource(call, 'SourceUnreadable');
  });
});

describe('calls that are wrong', () => {
  const ADDRESS = /^expected an https address, found /;
  for (const [what, url, hash, message] of [
    ['http', 'http://example.com/a', { sha256 }, ADDRESS],
    ['http to an address of another machine', 'http://10.0.0.1/a', { sha256 }, ADDRESS],
    ['http to a host that is called so', 'http://127.0.0.1.example.com/a', { sha256 }, ADDRESS],
    ['http to a host below', 'http://a.localhost/a', { sha256 }, ADDRESS],
    ['another scheme', 'ftp://example.com/a', { sha256 }, ADDRESS],
    ['no address', 'model.pb', { sha256 }, ADDRESS],
    ['no hash', 'https://example.com/a', {}, /expected 64 digits, found ""$/],
    ['a short hash', 'https://example.com/a', { sha256: 'ABCD' }, /expected 64 digits, found "abcd"$/],
    ['no hexadecimal digits', 'https://example.com/a', { sha256: 'g'.repeat(64) }, /found "g{64}"$/],
    ['a SHA-256 as SHA-512', 'https://example.com/a', { sha512: sha256 }, /expected 128 digits, found/],
  ] as const) {
    test(what, async (t) => {
      const directory = await temporaryDirectory(t);
      await assert.rejects(
        downloadSource(url, hash, { directory }),
        (error) => error instanceof InvalidRequest && message.test(error.message),
      );
    });
  }
});

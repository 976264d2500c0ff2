/** Clients that break the rules, over real sockets: each is answered or cut off, and nobody else notices. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertProblem,
  assertServes,
  type Exchange,
  exchange,
  open,
  PHOTO,
  startTarget,
  type Target,
} from './harness.ts';

const MIB = 1 << 20;
const BOUNDARY = 'WebKitFormBoundary7MA4YWxkTrZu0gW';
/** Of bodies that are on their way, bytes that may have come. */
const BODIES = 96 * MIB;
/**
 * What the server may have grown by in the end: the bodies once as chunks and once in a piece, and 64 MiB for 2,000
 * connections, compiled code, and a heap that is not collected to the last byte.
 */
const GROWTH = 2 * BODIES + 64 * MIB;

let target: Target;
let residentBefore: number;
before(async () => {
  target = await startTarget({
    workers: 2,
    allowedBuckets: ['photos'],
    headersTimeout: 1_000,
    requestTimeout: 3_000,
    idleTimeout: 700,
    maxBodies: BODIES,
  });
  for (let i = 0; i < 20; i++) await assertServes(target);
  residentBefore = resident(target.pid);
});
after(() => target.kill());

/** Resident bytes of a process; 0 where there is no /proc. */
function resident(pid: number): number {
  const file = `/proc/${pid}/status`;
  return existsSync(file) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))![1]) * 1024 : 0;
}

const head = (line: string, ...headers: string[]) =>
  `${[line, 'Host: here', ...headers].join('\r\n')}\r\n\r\n`;
const upload = (length: number | string, type = 'image/jpeg') =>
  head('POST /captions HTTP/1.1', `Content-Type: ${type}`, `Content-Length: ${length}`);
const chunkedUpload = head(
  'POST /captions HTTP/1.1',
  'Content-Type: image/jpeg',
  'Transfer-Encoding: chunked',
);
const json = (value: string) => [upload(Buffer.byteLength(value), 'application/json'), value];
const parts = (count: number, body: string | Buffer, boundary = BOUNDARY) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) => [
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${i}.jpg"\r\n\r\n`,
      ),
      Buffer.from(body),
      Buffer.from('\r\n'),
    ])
      .flat()
      .concat(Buffer.from(`--${boundary}--\r\n`)),
  );
const form = (body: Buffer) => [upload(body.length, `multipart/form-data; boundary=${BOUNDARY}`), body];
const s3 = (bucket: string) => json(JSON.stringify({ s3: { bucket, key: 'a.jpg' } }));
const drip = (text: string, times: number) => Array<string>(times).fill(text);

interface Attack extends Exchange {
  title: string;
  /** Status of each answer; [] where the connection is closed without a word. */
  answers: number[];
}

const attacks: Attack[] = [
  { title: 'bytes that are no HTTP', send: ['\x16\x03\x01\x02\x00\x01 hello\r\n\r\n'], answers: [400] },
  { title: 'a version of HTTP that is none', send: ['GET / HTTP/9.9\r\n\r\n'], answers: [400] },
  {
    title: 'a request without a host',
    send: ['GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    answers: [400],
  },
  {
    title: 'HTTP/1.0, which needs no host',
    send: ['GET /health HTTP/1.0\r\n\r\n'],
    answers: [200],
  },
  {
    title: 'a host that is none',
    send: ['GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'],
    answers: [400],
  },
  {
    title: 'an expectation that nobody knows',
    send: [head('GET /health HTTP/1.1', 'Expect: cake')],
    answers: [417],
  },
  { title: 'one header of a megabyte', send: ['GET / HTTP/1.1\r\nX: ', 'x'.repeat(MIB)], answers: [431] },
  {
    title: 'five thousand headers',
    send: [head('GET / HTTP/1.1', ...drip('X-Many: x', 5000))],
    answers: [431],
  },
  { title: 'silence', send: [], answers: [408] },
  {
    title: 'headers that drip',
    send: ['GET / HTTP/1.1\r\n', ...drip('X: x\r\n', 20)],
    pause: 100,
    answers: [408],
  },
  { title: 'a body that drips', send: [upload(1000), ...drip('x', 25)], pause: 100, answers: [408] },
  { title: 'a body that never comes', send: [upload(1000)], answers: [408] },
  {
    title: 'chunks without end',
    send: [chunkedUpload, ...drip('1\r\nx\r\n', 25)],
    pause: 100,
    answers: [408],
  },
  { title: 'a body shorter than announced', send: [upload(1000), 'short'], end: true, answers: [400] },
  {
    title: 'a body longer than announced',
    send: [upload(PHOTO.length), PHOTO, 'and more\r\n\r\n'],
    answers: [200, 400],
  },
  {
    title: 'half a request behind a whole one',
    send: [upload(PHOTO.length), PHOTO, upload(1000), 'short'],
    end: true,
    answers: [200, 400],
  },
  { title: 'a chunk size that is no number', send: [chunkedUpload, 'zz\r\nx\r\n'], answers: [400] },
  { title: 'a length that is no number', send: [upload('-1'), 'x'], answers: [400] },
  {
    title: 'two lengths',
    send: [head('POST /captions HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2'), 'x'],
    answers: [400],
  },
  {
    title: 'a length and chunks',
    send: [
      head('POST /captions HTTP/1.1', 'Content-Length: 6', 'Transfer-Encoding: chunked'),
      '0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    ],
    answers: [400],
  },
  { title: 'more bytes announced than are taken', send: [upload(1e12)], answers: [413] },
  {
    title: 'no content type',
    send: [head('POST /captions HTTP/1.1', 'Content-Length: 1'), 'x'],
    answers: [415],
  },
  { title: 'a content type that is not read', send: [upload(1, 'text/html'), 'x'], answers: [415] },
  { title: 'a content type that is none', send: [upload(1, 'a/b/c;;=;'), 'x'], answers: [415] },
  { title: 'an empty body', send: [upload(0)], answers: [400] },
  { title: 'an image that is none', send: [upload(5), 'image'], answers: [415] },
  { title: 'a thousand parts', send: form(parts(1000, 'x')), answers: [422] },
  { title: 'a form in a form', send: form(parts(1, parts(3, PHOTO, 'inner'))), answers: [415] },
  {
    title: 'a form without end',
    send: form(Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"`)),
    answers: [400],
  },
  {
    title: 'base64 with blanks',
    send: json(JSON.stringify({ image: `${PHOTO.toString('base64').slice(0, 400)} \n` })),
    answers: [400],
  },
  { title: '20 MB of JSON', send: json(JSON.stringify({ image: 'A'.repeat(20e6) })), answers: [415] },
  { title: '2 MB of brackets', send: json('['.repeat(1e6) + ']'.repeat(1e6)), answers: [422] },
  { title: 'JSON that breaks off', send: json('{"image":'), answers: [400] },
  { title: 'a prototype in JSON', send: json('{"__proto__":{"image":"x"},"constructor":1}'), answers: [422] },
  { title: 'a bucket that is not allowed', send: s3('secrets'), answers: [403] },
  { title: 'a way up the tree', send: [head('GET /../../etc/passwd HTTP/1.1')], answers: [404] },
  {
    title: 'an encoded way up the tree',
    send: [head('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1')],
    answers: [404],
  },
  { title: 'a way up with backslashes', send: [head('GET /..\\..\\etc\\passwd HTTP/1.1')], answers: [400] },
  { title: 'a method that is not taken', send: [head('DELETE /captions HTTP/1.1')], answers: [405] },
  {
    title: 'an address of 8 kB',
    send: [head(`GET /${'a'.repeat(8000)}?${'b=c&'.repeat(1000)} HTTP/1.1`)],
    answers: [404],
  },
];

describe('a server under attack', { concurrency: 8 }, () => {
  for (const { title, answers, ...attack } of attacks) {
    it(`answers ${title} with ${answers.join(' and ')}`, async () => {
      const got = await exchange(target.port, attack, answers.length);
      assert.deepEqual(
        got.map(({ status }) => status),
        answers,
      );
      for (const answer of got) if (answer.status >= 400) assertProblem(answer);
      await assertServes(target);
    });
  }
});

describe('a server with many clients at once', () => {
  it('answers requests that come in one piece, each in its turn', async () => {
    const photo = [
      head('POST /captions?count=1 HTTP/1.1', 'Content-Type: image/jpeg', `Content-Length: ${PHOTO.length}`),
      PHOTO,
    ];
    const one = [head('GET /model HTTP/1.1'), ...photo, head('GET /nowhere HTTP/1.1')];
    const all = Buffer.concat(
      Array.from({ length: 10 }, () => one)
        .flat()
        .map((piece) => Buffer.from(piece)),
    );
    const got = await exchange(target.port, { send: [all] }, 30);
    assert.deepEqual(
      got.map(({ status }) => status),
      Array.from({ length: 10 }, () => [200, 200, 404]).flat(),
    );
  });

  it('lives through requests cut off anywhere', async () => {
    const request = Buffer.concat([Buffer.from(upload(PHOTO.length)), PHOTO]);
    const cuts = Array.from({ length: 60 }, (_, i) => Math.floor((request.length * i) / 60));
    const got = await Promise.all(
      cuts.map((length) => exchange(target.port, { send: [request.subarray(0, length)], end: true })),
    );
    for (const answer of got.flat()) assert.equal(answer.status, 400);
    await assertServes(target);
  });

  it('lives through clients that leave amid the upload or before the answer', async () => {
    const request = Buffer.concat([Buffer.from(upload(PHOTO.length)), PHOTO]);
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const socket = await open(target.port);
        socket.on('error', () => undefined);
        socket.write(i % 2 === 0 ? request : request.subarray(0, request.length >> 1));
        await sleep(i);
        if (i % 3 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }),
    );
    await assertServes(target);
  });

  it('cuts the oldest of the uploads that do not fit into memory together, and takes small ones beside them', async () => {
    const large = 20 * MIB;
    const half = Buffer.alloc(large / 2, 'x');
    const got = await Promise.all(
      Array.from({ length: 12 }, () => exchange(target.port, { send: [upload(large), half] }, 1)),
    );
    const statuses = got.flat().map(({ status }) => status);
    const fitting = Math.floor(BODIES / half.length);
    assert.equal(statuses.filter((status) => status === 503).length, 12 - fitting, String(statuses));
    await assertServes(target);
  });

  it('serves an ordinary client beside two thousand idle connections', async (t) => {
    const sockets: Socket[] = [];
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (let i = 0; i < 20; i++) {
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(target.port)))));
    }
    for (const [i, socket] of sockets.entries()) {
      socket.on('error', () => undefined);
      if (i % 2 === 0) socket.write('POST /captions HTTP/1.1\r\nHost: here\r\nX-Slow: ');
    }
    await assertServes(target);
    const started = performance.now();
    const health = await fetch(`${target.url}/health`);
    assert.equal(health.status, 200);
    assert.ok(performance.now() - started < 1_000);
    // The time-outs close them all.
    await Promise.all(
      sockets.map(
        (socket) => socket.closed || new Promise((resolve) => socket.resume().once('close', resolve)),
      ),
    );
    await assertServes(target);
  });

  it('is still the same process in the end, and has not grown beyond its limits', () => {
    assert.ok(target.isAlive());
    const growth = resident(target.pid) - residentBefore;
    assert.ok(growth < GROWTH, `${Math.round(growth / MIB)} MiB`);
  });
});

/** Uploads that come slowly or not at all take no place from others, and come to an end. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BodyCut, createBodies } from '../../src/server/bodies.ts';
import { readScrape } from '../support/prometheus.ts';
import { assertProblem, assertServes, exchange, open, PHOTO, startTarget, type Target } from './harness.ts';

const MIB = 1 << 20;
const MAX_BODY = 4 * MIB;
/** Many times what would fit if all came that they announce. */
const IDLE = 64;

const head = (...headers: string[]) =>
  `${['POST /captions HTTP/1.1', 'Host: here', 'Content-Type: image/jpeg', ...headers].join('\r\n')}\r\n\r\n`;
const announced = head(`Content-Length: ${MAX_BODY}`);
const chunked = head('Transfer-Encoding: chunked');

let target: Target;
before(async () => {
  target = await startTarget({ workers: 1, maxBody: MAX_BODY, maxBodies: 2 * MAX_BODY });
});
after(() => target.kill());

async function scrape() {
  return readScrape(await (await fetch(`${target.url}/metrics`)).text()).samples;
}

/** Until the server has seen so many requests that are not answered yet, beside the one that asks. */
async function untilAtWork(count: number): Promise<void> {
  while ((await scrape()).get('http_requests_in_progress')! < count + 1) await sleep(20);
}

async function openAll(t: TestContext, count: number, beginning: string): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(target.port)));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.on('error', () => undefined).write(beginning);
  return sockets;
}

describe('slow uploads', () => {
  for (const [how, beginning] of [
    ['announced and do not come', `${announced}x`],
    ['come in chunks, and then no more', `${chunked}1\r\nx\r\n`],
  ] as const) {
    it(`take no place from others where they are ${how}`, async (t) => {
      await openAll(t, IDLE, beginning);
      await untilAtWork(IDLE);
      await assertServes(target);
    });
  }

  it('are answered 408 when too little of them comes, long before the time for a request is up', async () => {
    const before = (await scrape()).get('http_problems_total{code="RequestTimeout"}') ?? 0;
    const drips = Array<string>(300).fill('1\r\nx\r\n');
    const got = await Promise.all([
      exchange(target.port, { send: [announced, ...Array<string>(300).fill('x')], pause: 50 }, 1),
      exchange(target.port, { send: [chunked, ...drips], pause: 50 }, 1),
    ]);
    for (const [answer] of got) {
      assert.equal(answer!.status, 408);
      assertProblem(answer!);
      assert.match(answer!.body, /bytes of the body came in 10 s/);
    }
    const since = (await scrape()).get('http_problems_total{code="RequestTimeout"}')! - before;
    assert.equal(since, 2);
    await assertServes(target);
  });

  it('lose their place to others when memory is full, the oldest first', async (t) => {
    const [old, young] = await Promise.all([open(target.port), open(target.port)]);
    t.after(() => young.destroy());
    const answerOf = (socket: Socket) =>
      new Promise<string>((resolve) =>
        socket.on('error', () => undefined).once('data', (d) => resolve(`${d}`)),
      );
    const answers = [answerOf(old), answerOf(young)];
    old.write(announced);
    old.write(Buffer.alloc(MAX_BODY - 1));
    await untilAtWork(1);
    young.write(announced);
    young.write(Buffer.alloc(MAX_BODY - 1));
    await untilAtWork(2);
    // What makes them too much together is a third.
    const third = exchange(target.port, { send: [announced, Buffer.alloc(MAX_BODY)] }, 1);
    assert.match((await answers[0])!, /^HTTP\/1.1 503 [\s\S]*Overloaded/);
    assert.equal((await third)[0]!.status, 415);
    young.write('x');
    assert.match((await answers[1])!, /^HTTP\/1.1 415 /);
  });

  it('go on that are slow and steady', async () => {
    const pieces = 30;
    const size = Math.ceil(PHOTO.length / pieces);
    const send = Array.from({ length: pieces }, (_, i) => PHOTO.subarray(i * size, (i + 1) * size));
    const length = `Content-Length: ${PHOTO.length}`;
    const [answer] = await exchange(target.port, { send: [head(length), ...send], pause: 100 }, 1);
    assert.equal(answer!.status, 200);
  });
});

describe('a watched body', () => {
  /** @returns what was cut, when the request has ended one way or the other */
  async function watched(t: TestContext, windowMs: number, pieces: Buffer[], pause: number) {
    const cuts: BodyCut[] = [];
    const bodies = createBodies({
      maxBytes: MIB,
      windowMs,
      onCut: (cut, { socket }) => {
        cuts.push(cut);
        socket.destroy();
      },
    });
    const server = createServer((incoming, outgoing) => {
      outgoing.once('close', bodies.watch(incoming));
      incoming.resume().once('end', () => outgoing.end());
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const sent = request({ port, host: '127.0.0.1', method: 'POST' });
    const ended = new Promise((resolve) => sent.once('error', resolve).once('response', resolve));
    for (const piece of pieces) {
      if (sent.destroyed) break;
      sent.write(piece);
      await sleep(pause);
    }
    sent.end();
    await ended;
    return { cuts: cuts.map(({ code }) => code), full: bodies.full };
  }
  const drips = (count: number) => Array.from({ length: count }, () => Buffer.from('x'));

  it('is cut in its first window that brings too little, also behind a quick beginning', async (t) => {
    const slow = await watched(t, 100, drips(40), 20);
    assert.deepEqual(slow.cuts, ['BODY_TOO_SLOW']);
    const stalled = await watched(t, 100, [Buffer.alloc(MIB / 2), ...drips(40)], 20);
    assert.deepEqual(stalled.cuts, ['BODY_TOO_SLOW']);
  });

  it('is left alone where each window brings enough', async (t) => {
    const steady = await watched(
      t,
      200,
      Array.from({ length: 40 }, () => Buffer.alloc(10_000)),
      10,
    );
    assert.deepEqual(steady, { cuts: [], full: false });
  });

  it('is cut when there are more bytes than are taken together', async (t) => {
    const large = await watched(
      t,
      60_000,
      Array.from({ length: 20 }, () => Buffer.alloc(100_000)),
      1,
    );
    assert.deepEqual(large.cuts, ['BODIES_FULL']);
  });
});

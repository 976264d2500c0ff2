/** What goes out on a connection whose client has closed its side, or sent what is no request; over the network in `../departures`. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { BodyCut } from '../../../src/server/bodies.ts';
import { answerClientError } from '../../../src/server/client-error.ts';
import { tryOut } from '../../../src/server/half-closed.ts';
import { createMetricsServer } from '../../../src/server/metrics-server.ts';

describe('a half-closed connection', () => {
  function tried(t: TestContext, headersSent = false) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const written: unknown[] = [];
    const write = (...args: unknown[]) => written.push(args.length === 1 ? args[0] : args) > 0;
    const socket = { write } as unknown as Socket;
    const outgoing = Object.assign(new EventEmitter(), { headersSent });
    tryOut(socket, outgoing as unknown as ServerResponse);
    return { written, socket, outgoing, write, tick: (ms: number) => t.mock.timers.tick(ms) };
  }

  it('is tried with the first bytes of the answer, one by one, at ever longer pauses', (t) => {
    const { written, tick } = tried(t);
    const expected = ['H'];
    for (const [i, byte] of [...'TTP/1.1 '].entries()) {
      tick(25 * 2 ** i - 1);
      assert.deepEqual(written, expected);
      tick(1);
      expected.push(byte);
      assert.deepEqual(written, expected);
    }
    tick(1_000_000);
    assert.deepEqual(written, expected);
  });

  it('gets the rest of the answer when there is one, and then everything as it is', (t) => {
    const { written, socket, write, tick } = tried(t);
    tick(25);
    assert.equal(socket.write('HTTP/1.1 200 OK\r\n', 'latin1'), true);
    assert.equal(socket.write, write);
    socket.write('HTTP');
    tick(1_000_000);
    assert.deepEqual(written, ['H', 'T', ['TP/1.1 200 OK\r\n', 'latin1'], 'HTTP']);
  });

  it('gets nothing more when it is gone, and nothing of this where an answer is on its way', (t) => {
    const { written, outgoing, tick } = tried(t);
    outgoing.emit('close');
    tick(1_000_000);
    assert.deepEqual(written, ['H']);
    t.mock.timers.reset();
    const sent = tried(t, true);
    sent.tick(1_000_000);
    assert.deepEqual(sent.written, []);
    assert.equal(sent.socket.write, sent.write);
  });
});

describe('a broken request', () => {
  function answered(t: TestContext, error: object, state = {}) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log: string[] = [];
    const socket = {
      writable: true,
      writableEnded: false,
      end: (text: string) => log.push(text),
      destroy: () => log.push('destroyed'),
      ...state,
    } as unknown as Socket;
    const refusal = answerClientError(error as NodeJS.ErrnoException, socket, { vary: 'Origin' });
    return { refusal, log, tick: (ms: number) => t.mock.timers.tick(ms) };
  }
  const CASES: [error: object, status: string, code: string, detail?: string][] = [
    [{ code: 'HPE_HEADER_OVERFLOW' }, '431 Request Header Fields Too Large', 'HeadersTooLarge'],
    [{ code: 'HPE_CHUNK_EXTENSIONS_OVERFLOW' }, '431 Request Header Fields Too Large', 'HeadersTooLarge'],
    [{ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, '408 Request Timeout', 'RequestTimeout'],
    [new BodyCut('BODY_TOO_SLOW', 'slow'), '408 Request Timeout', 'RequestTimeout', 'slow'],
    [new BodyCut('BODIES_FULL', 'full'), '503 Service Unavailable', 'Overloaded', 'full'],
    [{ code: 'HPE_INVALID_METHOD' }, '400 Bad Request', 'MalformedRequest'],
    [new Error('secret'), '400 Bad Request', 'MalformedRequest'],
  ];
  for (const [error, status, code, detail] of CASES) {
    it(`${(error as BodyCut).code} is answered ${status}, and its connection cut after half a second`, (t) => {
      const { refusal, log, tick } = answered(t, error);
      const { body, headers } = refusal!;
      assert.equal(refusal!.code, code);
      assert.equal(JSON.parse(body).detail, detail);
      const lines = Object.entries({ ...headers, vary: 'Origin', connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      assert.deepEqual(log, [`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`]);
      tick(499);
      assert.equal(log.length, 1);
      tick(1);
      assert.deepEqual(log.slice(1), ['destroyed']);
    });
  }

  it('is not answered twice, nor where nobody reads', (t) => {
    const nothing = answered(t, {}, { writableEnded: true });
    assert.deepEqual([nothing.refusal, nothing.log], [null, []]);
    for (const [error, state] of [
      [{ code: 'ECONNRESET' }, {}],
      [{}, { writable: false }],
    ] as const) {
      t.mock.timers.reset();
      const gone = answered(t, error, state);
      assert.deepEqual([gone.refusal, gone.log], [null, ['destroyed']]);
    }
  });
});

describe('a server for metrics alone', () => {
  it('answers GET and HEAD of one path', async (t) => {
    const read = async () => ({ type: 'text/plain; version=9', text: 'up 1\n' });
    const timeouts = { headersTimeout: 1_234, requestTimeout: 5_678, idleTimeout: 9_012 };
    const server = createMetricsServer({ read } as Parameters<typeof createMetricsServer>[0], timeouts);
    assert.deepEqual(
      [server.headersTimeout, server.requestTimeout, server.keepAliveTimeout],
      [1_234, 5_678, 9_012],
    );
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t.after(() => server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo;
    const ask = async (path: string, method: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      const names = ['content-type', 'cache-control', 'allow'];
      return [answer.status, ...names.map((name) => answer.headers.get(name)), await answer.text()];
    };
    const kind = 'text/plain; version=9';
    assert.deepEqual(await ask('/metrics', 'GET'), [200, kind, 'no-store', null, 'up 1\n']);
    assert.deepEqual(await ask('/metrics', 'HEAD'), [200, kind, 'no-store', null, '']);
    assert.deepEqual(await ask('/metrics', 'DELETE'), [405, null, null, 'GET, HEAD', '']);
    for (const path of ['/', '/metrics?a', '/metrics/']) assert.equal((await ask(path, 'GET'))[0], 404, path);
  });
});

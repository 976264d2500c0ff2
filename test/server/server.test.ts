import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { ReportLine } from '../../src/server/access-log.ts';
import { type RunningServer, type ServerParts, startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { pngClaiming } from '../support/crafted-images.ts';
import { answersIn, assertServes, exchange, open, PHOTO, post } from './harness.ts';

const MODULE = new URL('../model/saboteur.ts', import.meta.url);
const HEAD = `POST /captions HTTP/1.1\r\nHost: here\r\nContent-Type: image/jpeg\r\nContent-Length: ${PHOTO.length}\r\n\r\n`;

async function start(
  settings: ServerSettingsInput,
  parts: Pick<ServerParts, 'report' | 'workers' | 'onLost'> = {},
): Promise<RunningServer & { port: number }> {
  const server = await startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
    ...parts,
  });
  return { ...server, port: Number(new URL(server.url).port) };
}

/** An upload that has begun, and can be finished. */
async function beginUpload(port: number) {
  const socket = await open(port);
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(HEAD);
  socket.write(PHOTO.subarray(0, 1000));
  return {
    closed,
    answers: () => answersIn(received),
    finish: () => socket.write(PHOTO.subarray(1000)),
  };
}

it('a server of which no worker starts does not listen, and says why, whoever asks', async () => {
  const module = new URL('../model/no-start.ts', import.meta.url);
  for (const workers of [1, 2]) {
    const lost: Error[] = [];
    const onLost = (cause: Error) => void lost.push(cause);
    const started = await start({ workers }, { workers: { module }, onLost }).catch((error: Error) => error);
    assert.ok(started instanceof Error);
    assert.equal(started.message, 'does not start');
    assert.ok(lost.length <= 1 && lost.every((cause) => cause === started), lost.join());
  }
});

describe('a server that is told to stop', () => {
  it('finishes what is at work, answers new requests 503, and closes', async () => {
    const server = await start({});
    const upload = await beginUpload(server.port);
    await assertServes(server);
    const stopped = server.stop();
    const refused = await post(server.url);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.equal(refused.headers.get('connection'), 'close');
    assert.equal(((await refused.json()) as { code: string }).code, 'Overloaded');
    upload.finish();
    await upload.closed;
    assert.deepEqual(
      upload.answers().map(({ status }) => status),
      [200],
    );
    await stopped;
    await assert.rejects(fetch(server.url));
  });

  it('cuts off what does not end in time', async () => {
    const server = await start({ stopTimeout: 100 });
    const upload = await beginUpload(server.port);
    await sleep(20);
    await server.stop();
    await upload.closed;
    assert.deepEqual(upload.answers(), []);
  });

  it('closes connections that wait for nothing at once', async () => {
    const server = await start({});
    const socket = await open(server.port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server.stop();
    await closed;
  });
});

it('a server takes no image above its limit of pixels, and says which', async (t) => {
  const server = await start({ maxPixels: 1000 });
  t.after(() => server.stop());
  const answer = await post(server.url);
  assert.equal(answer.status, 413);
  assert.match(
    ((await answer.json()) as { detail: string }).detail,
    /more than the 1000 allowed.*--max-pixels/,
  );
});

it('a server takes no image that needs more memory than there is, and says how much', async (t) => {
  const server = await start({ decodeMemory: 32 << 20 });
  t.after(() => server.stop());
  const answer = await post(server.url, pngClaiming(10_000, 10_000), 'image/png');
  assert.equal(answer.status, 413);
  assert.match(((await answer.json()) as { detail: string }).detail, /32 MiB .*--decode-memory/);
  await assertServes(server);
});

describe('a server whose worker fails', () => {
  let server: RunningServer;
  before(async () => {
    server = await start({}, { workers: { module: MODULE, hangMs: 1_000 } });
  });
  after(() => server.stop());

  const failures = [
    { how: 'crash', status: 503, code: 'CaptionerHung' },
    { how: 'exit', status: 503, code: 'CaptionerHung' },
    { how: 'hang', status: 503, code: 'CaptionerHung' },
    { how: 'hang natively', status: 503, code: 'CaptionerHung' },
  ];
  for (const { how, status, code } of failures) {
    it(`answers ${status} after ${how}, and serves the next request`, async () => {
      const query = new URLSearchParams({ bannedWords: how });
      const response = await fetch(`${server.url}/captions?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'image/jpeg' },
        body: PHOTO,
      });
      assert.equal(response.status, status);
      assert.equal(((await response.json()) as { code: string }).code, code);
      await assertServes(server);
    });
  }

  it('answers /health in a moment while every worker is busy', async () => {
    const busy = fetch(`${server.url}/captions?bannedWords=hang+natively`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: PHOTO,
    });
    await sleep(50);
    const times: number[] = [];
    for (let i = 0; i < 11; i++) {
      const start = performance.now();
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
      times.push(performance.now() - start);
    }
    // The median: other programs may take the processor from a single request.
    assert.ok(times.sort((a, b) => a - b)[5]! < 50, times.join(' '));
    assert.equal((await busy).status, 503);
  });
});

describe('a full server', () => {
  it('answers 503 at once, and the others with captions', async (t) => {
    const server = await startFor(t, { queue: 2 });
    const responses = await Promise.all(Array.from({ length: 12 }, () => post(server.url)));
    const statuses = responses.map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)].sort(), [200, 503]);
    assert.ok(statuses.filter((status) => status === 200).length >= 3);
    await assertServes(server);
  });
});

describe('the access log', () => {
  it('has one line for each request, whoever answered it, and nothing of its content', async (t) => {
    const lines: ReportLine[] = [];
    const server = await startFor(t, {}, { report: (line) => lines.push(line as ReportLine) });
    lines.length = 0;
    await post(server.url);
    await fetch(`${server.url}/secret-path?token=secret`);
    await exchange(server.port, { send: ['secret\r\n\r\n'] });
    await exchange(server.port, { send: ['GET /secret HTTP/1.1\r\n\r\n'] }, 1);
    for (const path of ['/captions?secret', '/secret']) {
      const head = `POST ${path} HTTP/1.1\r\nhost: a\r\nexpect: b\r\ncontent-length: 0\r\n\r\n`;
      await exchange(server.port, { send: [head] }, 1);
    }
    assert.deepEqual(
      lines.map(({ route, status, code }) => [route, status, code]),
      [
        ['/captions', 200, undefined],
        ['other', 404, 'RouteNotFound'],
        ['other', 400, 'MalformedRequest'],
        ['other', 400, 'MalformedRequest'],
        ['/captions', 417, 'ExpectationFailed'],
        ['other', 417, 'ExpectationFailed'],
      ],
    );
    assert.ok(!JSON.stringify(lines).includes('secret'));
    assert.equal(new Set(lines.map(({ id }) => id)).size, lines.length);
  });
});

describe('a trace that a request belongs to', () => {
  it('is that of its refusal too, in the answer and in the log', async (t) => {
    const lines: ReportLine[] = [];
    const server = await startFor(t, {}, { report: (line) => lines.push(line as ReportLine) });
    const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
    const request = `GET /health HTTP/1.1\r\nHost: here\r\nExpect: cake\r\nTraceparent: ${traceparent}\r\n\r\n`;
    const [answer] = await exchange(server.port, { send: [request] }, 1);
    assert.equal(answer?.status, 417);
    const { traceId } = JSON.parse(answer.body) as { traceId: string };
    const { trace_id, span_id, parent_span_id } = lines.at(-1)!;
    assert.deepEqual([traceId, trace_id, parent_span_id], ['a1'.repeat(16), 'a1'.repeat(16), 'b2'.repeat(8)]);
    assert.ok(answer.headers.includes(`traceresponse: 00-${trace_id}-${span_id}-01`), answer.headers);
  });

  it('begins where bytes are no request', async (t) => {
    const lines: ReportLine[] = [];
    const server = await startFor(t, {}, { report: (line) => lines.push(line as ReportLine) });
    const [answer] = await exchange(server.port, { send: ['nonsense\r\n\r\n'] }, 1);
    const { traceId } = JSON.parse(answer!.body) as { traceId: string };
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.equal(lines.at(-1)!.trace_id, traceId);
  });
});

async function startFor(t: TestContext, ...args: Parameters<typeof start>) {
  const server = await start(...args);
  t.after(() => server.stop());
  return server;
}

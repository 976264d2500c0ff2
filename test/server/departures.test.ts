/** Clients who leave before their answer, over real sockets: nothing is done for them that has not begun. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_BUNDLE } from '../../src/model/load.ts';
import type { ReportLine } from '../../src/server/access-log.ts';
import { startServer } from '../../src/server/server.ts';
import { type ServerSettingsInput, serverSettingsSchema } from '../../src/server/settings.ts';
import { readScrape, sampleOf } from '../support/prometheus.ts';
import { answersIn, assertServes, CAPTIONS, open, PHOTO } from './harness.ts';

/** The worker holds these until `release`. */
const HELD = '?bannedWords=hold';
const module = new URL('../model/saboteur.ts', import.meta.url);
const head = (path: string, length: number, type = 'image/jpeg', version = '1.1') =>
  `POST ${path} HTTP/${version}\r\nHost: here\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
const photoFor = (path = '/captions', version = '1.1') =>
  Buffer.concat([Buffer.from(head(path, PHOTO.length, 'image/jpeg', version)), PHOTO]);

const BOUNDARY = 'a-boundary';
const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n`;
function formOf(images: number, path = '/captions'): Buffer {
  const body = Buffer.concat([
    ...Array.from({ length: images }, () => [Buffer.from(part), PHOTO, Buffer.from('\r\n')]).flat(),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
  return Buffer.concat([
    Buffer.from(head(path, body.length, `multipart/form-data; boundary=${BOUNDARY}`)),
    body,
  ]);
}

/** A server with one worker, what it logs, and its metrics. */
async function start(t: TestContext, settings: ServerSettingsInput = {}) {
  const lines: ReportLine[] = [];
  const { url, stop } = await startServer({
    model: DEFAULT_BUNDLE,
    settings: serverSettingsSchema.parse({ port: 0, workers: 1, ...settings }),
    workers: { module },
    report: (line) => lines.push(line as ReportLine),
  });
  process.env.SABOTEUR_HOLDS = 'yes';
  t.after(() => {
    release();
    return stop();
  });
  const read = async () => readScrape(await (await fetch(`${url}/metrics`)).text());
  const sample = async (series: string) => sampleOf(await read(), series);
  return {
    url,
    port: Number(new URL(url).port),
    /** Of POST requests. */
    statuses: () => lines.filter(({ method }) => method === 'POST').map(({ status }) => status),
    sample,
    async until(series: string, wanted: number): Promise<void> {
      while ((await sample(series)) !== wanted) await sleep(10);
    },
  };
}
type Target = Awaited<ReturnType<typeof start>>;

const release = () => delete process.env.SABOTEUR_HOLDS;

/** Captions since the server said that it is there. */
const captioned = async ({ sample }: Target) =>
  (await sample('show_and_tell_images_captioned_total{source="http"}')) - 1;
const left = ({ sample }: Target) =>
  sample('show_and_tell_images_failed_total{source="http",code="ClientLeft"}');

async function send({ port }: Target, bytes: Uint8Array): Promise<Socket> {
  const socket = await open(port);
  socket.on('error', () => undefined);
  socket.write(bytes);
  return socket;
}

/** The only worker has an image; the client that sent it stays. */
async function occupy(target: Target): Promise<{ answered: Promise<number> }> {
  const answered = fetch(`${target.url}/captions${HELD}`, {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: new Uint8Array(PHOTO),
  });
  await target.until('show_and_tell_workers_busy', 1);
  return { answered: answered.then(({ status }) => status) };
}

/** All that comes back until the server closes the connection. */
async function answersOf(socket: Socket): Promise<ReturnType<typeof answersIn>> {
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  assert.ok(received.startsWith('HTTP/1.1 200 OK\r\n'), received.slice(0, 40));
  return answersIn(received);
}

const WAYS = [
  { title: 'that is closed', leave: (socket: Socket) => socket.destroy() },
  { title: 'that is reset', leave: (socket: Socket) => socket.resetAndDestroy() },
];

describe('images of clients who left', { timeout: 60_000 }, () => {
  for (const { title, leave } of WAYS) {
    it(`are not captioned, over a connection ${title}, and free their places`, async (t) => {
      const target = await start(t, { queue: 6 });
      const { answered } = await occupy(target);
      const sockets = await Promise.all(Array.from({ length: 6 }, () => send(target, photoFor())));
      await target.until('show_and_tell_images_waiting', 6);
      for (const socket of sockets) leave(socket);
      await target.until('show_and_tell_images_waiting', 0);
      release();
      await assertServes(target);
      assert.equal(await answered, 200);
      assert.equal(await captioned(target), 2);
      assert.equal(await left(target), 6);
      assert.deepEqual(target.statuses().toSorted(), [200, 200, ...Array<number>(6).fill(499)]);
      const route = 'method="POST",route="/captions"';
      assert.equal(await target.sample(`http_requests_total{${route},status="499"}`), 6);
      assert.equal(await target.sample('http_problems_total{code="InternalError"}'), 0);
      assert.equal(await target.sample('http_requests_in_progress'), 1, 'that of /metrics');
    });
  }

  for (const [path, batch, waiting] of [
    ['/captions', 1, 1],
    ['/captions', 4, 3],
    ['/model/predict', 4, 1],
  ] as const) {
    it(`are not captioned of a form to ${path}, none of them, with ${waiting} asked for`, async (t) => {
      const target = await start(t, { batch });
      const { answered } = await occupy(target);
      const socket = await send(target, formOf(3, path));
      await target.until('show_and_tell_images_waiting', waiting);
      socket.destroy();
      await target.until('show_and_tell_images_waiting', 0);
      release();
      assert.equal(await answered, 200);
      await assertServes(target);
      assert.equal(await captioned(target), 2);
      assert.equal(await left(target), waiting, 'the others never waited');
    });
  }

  it('are finished where a worker has begun, those behind them in the form are not begun', async (t) => {
    const target = await start(t, { batch: 1 });
    const socket = await send(target, formOf(3, `/captions${HELD}`));
    await target.until('show_and_tell_workers_busy', 1);
    socket.destroy();
    await target.until('show_and_tell_images_failed_total{source="http",code="ClientLeft"}', 1);
    release();
    await target.until('show_and_tell_workers_busy', 0);
    await assertServes(target);
    assert.deepEqual([await captioned(target), await left(target)], [1, 1]);
    assert.deepEqual(target.statuses(), [499, 200]);
  });

  it('are not captioned where requests came in one piece', async (t) => {
    const target = await start(t);
    const { answered } = await occupy(target);
    const socket = await send(target, Buffer.concat([photoFor(), photoFor(), photoFor()]));
    await target.until('show_and_tell_images_waiting', 3);
    socket.destroy();
    await target.until('show_and_tell_images_waiting', 0);
    release();
    assert.equal(await answered, 200);
    assert.deepEqual([await captioned(target), await left(target)], [1, 3]);
    await target.until('http_requests_in_progress', 1);
  });

  it('are not captioned where the client had closed its side first', async (t) => {
    const target = await start(t);
    const { answered } = await occupy(target);
    const socket = await send(target, photoFor());
    await target.until('show_and_tell_images_waiting', 1);
    socket.end();
    await sleep(60);
    assert.equal(await target.sample('show_and_tell_images_waiting'), 1);
    socket.destroy();
    await target.until('show_and_tell_images_waiting', 0);
    release();
    assert.equal(await answered, 200);
    assert.deepEqual([await captioned(target), await left(target)], [1, 1]);
  });

  it('are noticed also behind an answer that the client still got', async (t) => {
    // One by one, so that the second does not overtake the first.
    const target = await start(t, { batch: 1 });
    const socket = await send(target, Buffer.concat([photoFor(), photoFor(`/captions${HELD}`)]));
    socket.end();
    while (socket.bytesRead < 1_000) await sleep(10);
    socket.destroy();
    await target.until('http_requests_in_progress', 1);
    release();
    await target.until('show_and_tell_workers_busy', 0);
    assert.deepEqual(target.statuses(), [200, 499]);
  });
});

describe('a client that closes its side and reads on', { timeout: 60_000 }, () => {
  const cases = [
    { version: '1.0', ahead: 1 },
    { version: '1.1', ahead: 4 },
  ];
  for (const { version, ahead } of cases) {
    it(`is answered, over HTTP/${version}, when ${ahead} bytes went out ahead`, async (t) => {
      const target = await start(t);
      const { answered } = await occupy(target);
      const socket = await send(target, photoFor('/captions', version));
      await target.until('show_and_tell_images_waiting', 1);
      socket.end();
      const received = answersOf(socket);
      while (socket.bytesRead < ahead) await sleep(10);
      release();
      const answers = await received;
      assert.equal(answers.length, 1);
      assert.deepEqual(JSON.parse(answers[0]!.body).captions, CAPTIONS);
      assert.equal(await answered, 200);
      assert.deepEqual(target.statuses(), [200, 200]);
    });
  }

  it('is answered to each of several requests, in their order', async (t) => {
    const target = await start(t);
    const { answered } = await occupy(target);
    const socket = await send(target, Buffer.concat([photoFor(), formOf(2), photoFor()]));
    socket.end();
    release();
    const bodies = (await answersOf(socket)).map(({ body }) => JSON.parse(body));
    assert.deepEqual(
      bodies.map(({ results, captions }) => results?.length ?? captions),
      [CAPTIONS, 2, CAPTIONS],
    );
    assert.equal(await answered, 200);
  });

  it('gets answers that are on their way already as they are', async (t) => {
    const target = await start(t);
    const page = await (await fetch(`${target.url}/docs`)).text();
    const socket = await open(target.port);
    socket.pause();
    const requests = 40;
    socket.end('GET /docs HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(requests));
    await sleep(200);
    const received = answersOf(socket);
    socket.resume();
    const answers = await received;
    assert.equal(answers.length, requests);
    // The address of the server stands in it.
    const pages = new Set(answers.map(({ body }) => body.replaceAll('http://here', target.url)));
    assert.deepEqual([...pages], [page]);
  });
});

describe('a request that does not come whole', { timeout: 60_000 }, () => {
  const upload = Buffer.concat([Buffer.from(head('/captions', PHOTO.length)), PHOTO.subarray(0, 1000)]);
  const endings = [
    { title: 'is reset', end: (socket: Socket) => socket.resetAndDestroy(), status: 499, code: undefined },
    { title: 'is closed', end: (socket: Socket) => socket.destroy(), status: 400, code: 'MalformedRequest' },
    { title: 'ends too early', end: (socket: Socket) => socket.end(), status: 400, code: 'MalformedRequest' },
    { title: 'waits', end: () => undefined, status: 408, code: 'RequestTimeout' },
  ];
  for (const { title, end, status, code } of endings) {
    it(`has one line in the log when its connection ${title}, with ${status}, and holds nothing`, async (t) => {
      const target = await start(t, { headersTimeout: 300, requestTimeout: 600 });
      const socket = await send(target, upload);
      await target.until('http_requests_in_progress', 2);
      end(socket);
      await target.until('http_requests_in_progress', 1);
      await assertServes(target);
      assert.deepEqual(target.statuses(), [status, 200]);
      const route = 'method="POST",route="/captions"';
      assert.equal(await target.sample(`http_requests_total{${route},status="${status}"}`), 1);
      if (code !== undefined) assert.equal(await target.sample(`http_problems_total{code="${code}"}`), 1);
    });
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { encodedKey, notification, record } from '../../s3/event-factory.ts';
import { startFakeS3 } from '../../support/aws/fake-s3.ts';
import { startFakeSqs } from '../../support/aws/fake-sqs.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../../support/bundles.ts';
import { finished, originIn, runCli, startCli } from '../../support/cli.ts';
import { holdOpen } from '../../support/network/hold-open.ts';
import { COFFEE, ROOT } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const SERVE = ['serve', '--port', '0', '--workers', '1'];
const PHOTO = readFileSync(COFFEE);
const { captions: CAPTIONS } = await (await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 })).caption(PHOTO);

/** A server that listens; killed after the test if it has not ended. */
async function start(t: TestContext, args: readonly string[] = SERVE) {
  const child = startCli(args);
  t.after(() => child.kill('SIGKILL'));
  const ended = finished(child);
  return { child, ended, url: await originIn(child) };
}

/** What comes back of bytes that are sent, and how long it takes until the server closes the connection. */
async function lifeOf(port: number, bytes: string): Promise<{ answer: string; milliseconds: number }> {
  const begin = performance.now();
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return { answer, milliseconds: performance.now() - begin };
}

const post = (url: string) =>
  fetch(`${url}/captions`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: PHOTO });

describe('show-and-tell serve', () => {
  it('says where it listens, captions, and logs a line of JSON a request', async (t) => {
    const { child, ended, url } = await start(t);
    const response = await post(url);
    assert.deepEqual(((await response.json()) as { captions: unknown }).captions, CAPTIONS);
    child.kill('SIGTERM');
    const { status, stdout, stderr } = await ended;
    assert.deepEqual([status, stdout], [0, `Captions at ${url}/ (1 workers); Ctrl-C to stop\n`]);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ route, status }) => [route, status]),
      [
        ['/health', 200],
        ['/captions', 200],
      ],
    );
    assert.ok(!stderr.includes(CAPTIONS[0]!.text));
  });

  it('logs nothing when it is to be quiet, and stops on Ctrl-C', async (t) => {
    const { child, ended, url } = await start(t, [...SERVE, '--quiet']);
    await (await post(url)).arrayBuffer();
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('ends at once on a second signal', async (t) => {
    const { child, ended, url } = await start(t);
    await holdOpen(t, url);
    child.kill('SIGTERM');
    while ((await fetch(`${url}/health`)).status !== 503);
    // What comes at once is the same signal, sent to launcher and program alike.
    child.kill('SIGTERM');
    await setTimeout(600);
    assert.equal((await fetch(`${url}/health`)).status, 503);
    child.kill('SIGTERM');
    assert.equal((await ended).signal, 'SIGTERM');
  });

  it('cuts off after --stop-timeout what does not end, and ends as it should', async (t) => {
    const { child, ended, url } = await start(t, [...SERVE, '--stop-timeout', '300ms']);
    await holdOpen(t, url);
    child.kill('SIGTERM');
    const { status, signal } = await ended;
    assert.deepEqual([status, signal], [0, null]);
  });

  it('shows its flags and examples', async () => {
    const { status, stdout } = await runCli(['serve', '--help']);
    assert.equal(status, 0);
    for (const text of [
      '--port',
      '--host',
      '--workers',
      '--queue',
      '--cors-origin',
      '--execution-provider',
      '--metrics-port',
      '--max-body',
      '(default: 32mib)',
      '--max-bodies',
      '--max-images',
      '(default: 20)',
      '--headers-timeout',
      '--request-timeout',
      '--idle-timeout',
      '(default: 65s)',
      '--answer-timeout',
      '--stop-timeout',
      'Examples:',
      'curl',
    ]) {
      assert.ok(stdout.replace(/\s+/g, ' ').includes(text), text);
    }
  });

  for (const [flag, value] of [
    ['--host', '203.0.113.1'],
    ['--workers', '0'],
    ['--stop-timeout', 'soon'],
  ] as const) {
    it(`refuses ${flag} ${value} in the flag’s name`, async () => {
      const { status, stdout, stderr } = await runCli([...SERVE, flag, value]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.ok(stderr.includes(`${flag}`), stderr);
      assert.doesNotMatch(stderr, /unknown option/);
    });
  }

  it('answers pages of each origin that it is told, and of no other', async (t) => {
    const origins = ['https://app.example.org', 'http://10.0.0.1:3000'];
    const { url } = await start(t, [...SERVE, ...origins.flatMap((origin) => ['--cors-origin', origin])]);
    for (const origin of [...origins, 'http://localhost:3000']) {
      const { headers } = await fetch(`${url}/model`, { headers: { origin } });
      const allowed = origins.includes(origin) ? origin : null;
      assert.equal(headers.get('access-control-allow-origin'), allowed);
    }
  });

  it('keeps to the limits of its flags', async (t) => {
    const limits = ['--max-body', '1.5kb', '--max-images', '2'];
    const times = ['--headers-timeout', '400ms', '--request-timeout', '2500ms', '--idle-timeout', '300ms'];
    const { url } = await start(t, [...SERVE, ...limits, ...times]);
    const port = Number(new URL(url).port);

    const tooLarge = await post(url);
    assert.equal(tooLarge.status, 413);
    assert.match(((await tooLarge.json()) as { detail: string }).detail, /1500 bytes/);
    const form = new FormData();
    for (const name of ['a', 'b', 'c']) form.append('image', new Blob(['x']), name);
    const tooMany = await fetch(`${url}/captions`, { method: 'POST', body: form });
    assert.equal(tooMany.status, 422);
    assert.match(((await tooMany.json()) as { detail: string }).detail, /\b2 parts/);

    const request = 'HTTP/1.1\r\nHost: here\r\n';
    const upload = `POST /captions ${request}Content-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n`;
    const [headers, body, idle] = await Promise.all([
      lifeOf(port, `GET /model ${request}`),
      lifeOf(port, upload),
      lifeOf(port, `GET /nowhere ${request}\r\n`),
    ]);
    assert.match(headers.answer, /^HTTP\/1.1 408 /);
    assert.match(body.answer, /^HTTP\/1.1 408 /);
    assert.match(idle.answer, /^HTTP\/1.1 404 /);
    // Node looks every 400 ms here, and keeps a connection for a second longer than it says.
    assert.ok(headers.milliseconds >= 350 && headers.milliseconds < 2_400, `${headers.milliseconds}`);
    assert.ok(body.milliseconds >= 2_400, `${body.milliseconds}`);
    assert.ok(idle.milliseconds >= 280 && idle.milliseconds < 3_000, `${idle.milliseconds}`);
  });

  it('answers 504 where captions take longer than they may', async (t) => {
    const { url } = await start(t, [...SERVE, '--answer-timeout', '1ms']);
    const late = await post(url);
    assert.deepEqual(
      [late.status, ((await late.json()) as { code: string }).code],
      [504, 'DeadlineExceeded'],
    );
  });

  it('drops what waits behind large images when its clients leave, and logs 499', async (t) => {
    // One after the other, so that the small ones wait.
    const { child, ended, url } = await start(t, [...SERVE, '--batch', '1']);
    const large = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const leaving = new AbortController();
    const send = (type: string, body: Buffer<ArrayBufferLike>, signal: AbortSignal | null) =>
      fetch(`${url}/captions`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new Uint8Array(body),
        signal,
      });
    const waiting = async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^show_and_tell_images_waiting (\d+)$/m.exec(text)![1]);
    };
    const ahead = [1, 2, 3].map(() => send('image/png', large, null));
    while ((await waiting()) < 2) await setTimeout(10);
    const left = Array.from({ length: 8 }, () => send('image/jpeg', PHOTO, leaving.signal).catch(() => null));
    while ((await waiting()) < 9) await setTimeout(10);
    leaving.abort();
    assert.equal((await send('image/jpeg', PHOTO, null)).status, 200);
    for (const answer of await Promise.all(ahead)) assert.equal(answer.status, 200);
    assert.deepEqual(await Promise.all(left), Array(8).fill(null));
    child.kill('SIGTERM');
    const lines = (await ended).stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const captions = lines.filter(({ route }) => route === '/captions');
    assert.deepEqual(captions.map(({ status, images }) => `${status}: ${images}`).toSorted(), [
      ...Array(4).fill('200: 1'),
      ...Array(8).fill('499: 0'),
    ]);
  });

  it('says where metrics with a port of their own are, and when that is taken', async (t) => {
    const child = startCli([...SERVE, '--metrics-port', '0']);
    t.after(() => child.kill('SIGKILL'));
    // Both lines are one write.
    const [lines] = (await once(child.stdout!, 'data')) as [Buffer | string];
    const [, url, address] = /(http:\S+)\/ .*\nMetrics at (http:\S+\/metrics)\n/.exec(String(lines)) ?? [];
    assert.ok(url && address, String(lines));
    assert.equal((await fetch(address)).status, 200);
    assert.equal((await fetch(`${url}/metrics`)).status, 404);
    const { port } = new URL(address);
    const { status, stderr } = await runCli([...SERVE, '--metrics-port', port]);
    assert.equal(status, 2);
    assert.ok(stderr.includes(`--metrics-port ${port}: another program listens there`), stderr);
  });

  it('listens where PORT says, unless a flag does, and refuses what is no port', async (t) => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await new Promise((closed) => free.close(closed));
    const env = { ...process.env, PORT: String(port) };
    const child = startCli(['serve', '--workers', '1'], { env });
    t.after(() => child.kill('SIGKILL'));
    assert.equal(await originIn(child), `http://127.0.0.1:${port}`);
    const wrong = await runCli(['serve'], { env: { ...env, PORT: 'http' } });
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /--port \(or PORT\): /);
  });

  it('says that a port is taken', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { status, stdout, stderr } = await runCli([...SERVE, '--port', String(port)]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.ok(stderr.includes(`--port ${port}`), stderr);
  });

  it('captions what a queue names beside HTTP, and finishes it on SIGTERM', async (t) => {
    const s3 = await startFakeS3(['photos', 'results']);
    const sqs = await startFakeSqs();
    t.after(() => Promise.all([s3.close(), sqs.close()]));
    s3.put('photos', 'sea & sand.jpg', PHOTO);
    sqs.send(notification([record('photos', encodedKey('sea & sand.jpg'))]));
    const names = ['--allowed-buckets', 'photos', '--results-bucket', 'results', '--queue-url', sqs.queueUrl];
    const env = {
      ...process.env,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
    };
    const child = startCli([...SERVE, ...names], { env });
    t.after(() => child.kill('SIGKILL'));
    const ended = finished(child);
    const url = await originIn(child);
    while (sqs.bodies().length > 0 && child.exitCode === null && !child.killed) await setTimeout(20);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^show_and_tell_images_captioned_total\{source="queue"\} 1$/m);
    assert.match(metrics, /^show_and_tell_queue_messages_total\{outcome="done"\} 1$/m);
    assert.equal((await post(url)).status, 200);
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    assert.equal(status, 0, stderr);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.ok(
      lines.some(({ queue, captioned }) => queue === 'done' && captioned === 1),
      stderr,
    );
    assert.ok(!stderr.includes(CAPTIONS[0]!.text));
  });

  it('runs no INT8 bundle on CUDA, which would leave parts of it to the processor', async () => {
    const { status, stderr } = await runCli([...SERVE, '--execution-provider', 'cuda']);
    assert.equal(status, 4);
    assert.match(stderr, /ModelUnusable.*fp32/);
  });

  it('says where CUDA’s provider is to be had, which no package brings', async () => {
    const fp32 = join(temporary.path, 'fp32');
    mkdirSync(fp32);
    const bundle = copyBundle(fp32);
    bundle.editManifest((manifest) => {
      manifest.precision = 'fp32';
    });
    const args = ['--execution-provider', 'cuda', '--model', bundle.directory];
    const { status, stderr } = await runCli([...SERVE, ...args]);
    assert.equal(status, 4);
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const remedy = new RegExp(
      `CUDA container .*onnxruntime-gpu ${dependencies['onnxruntime-node']} into (\\S+), .*leave out`,
    );
    const directory = remedy.exec(stderr)?.[1];
    assert.ok(directory !== undefined, stderr);
    assert.ok(existsSync(join(directory, 'onnxruntime_binding.node')), directory);
    assert.doesNotMatch(stderr, /[Ii]mport/);
  });

  it('exits with 4 before it listens when the model cannot be used', async () => {
    const bundle = copyBundle(temporary.path);
    flipByte(bundle.pathOf('encoder'));
    const { status, stdout, stderr } = await runCli([...SERVE, '--model', bundle.directory]);
    assert.deepEqual([status, stdout], [4, '']);
    assert.match(stderr, /ModelUnusable/);
  });
});

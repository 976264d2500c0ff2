import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { encodedKey, notification, record } from '../s3/event-factory.ts';
import { startFakeS3 } from '../support/aws/fake-s3.ts';
import { startFakeSqs } from '../support/aws/fake-sqs.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { finished, runCli, startCli } from '../support/cli.ts';
import { COFFEE, ROOT } from '../support/samples.ts';

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
  return { child, ended, url: await addressOf(child) };
}

async function addressOf(child: ChildProcess): Promise<string> {
  // A process that ends before it has said anything closes its output: without data there is no address.
  const [line = ''] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])) as [string?];
  return /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0] ?? assert.fail(`no address in: ${line}`);
}

const post = (url: string) =>
  fetch(`${url}/captions`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: PHOTO });

describe('show-and-tell serve', () => {
  it('says where it listens, captions, and logs a line of JSON a request', async (t) => {
    const { child, ended, url } = await start(t);
    const response = await post(url);
    assert.deepEqual(((await response.json()) as { captions: unknown }).captions, CAPTIONS);
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    assert.equal(status, 0);
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
    // An upload that never ends keeps it from stopping.
    const { hostname, port } = new URL(url);
    const upload = connect({ host: hostname, port: Number(port) });
    t.after(() => upload.destroy());
    upload.on('error', () => undefined);
    upload.write(
      'POST /captions HTTP/1.1\r\nHost: here\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n',
    );
    await fetch(`${url}/health`);
    child.kill('SIGTERM');
    while ((await fetch(`${url}/health`)).status !== 503);
    child.kill('SIGTERM');
    assert.equal((await ended).signal, 'SIGTERM');
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
      'Examples:',
      'curl',
    ]) {
      assert.ok(stdout.includes(text), text);
    }
  });

  const wrong = [
    ['--port', '70000'],
    ['--port', 'http'],
    ['--workers', '0'],
    ['--queue', '-1'],
    ['--threads', '1.5'],
    ['--execution-provider', 'tpu'],
    ['--host', '203.0.113.1'],
    ['--queue-url', 'https://sqs.example/queue'],
    ['--max-object-bytes', '0'],
    ['--max-pixels', '0'],
    ['--cors-origin', 'https://app.example.org/'],
    ['--cors-origin', 'localhost:3000'],
  ] as const;
  for (const [flag, value] of wrong) {
    it(`refuses ${flag} ${value} in the flag’s name`, async () => {
      const { status, stdout, stderr } = await runCli([...SERVE, flag, value]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.ok(stderr.includes(`${flag}`), stderr);
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
    const url = await addressOf(child);
    while (sqs.bodies().length > 0 && child.exitCode === null && !child.killed) await setTimeout(20);
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

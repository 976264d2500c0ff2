/**
 * Builds the images of infra/container/Dockerfile and runs them as they are deployed: read-only, without rights, in the
 * memory and on the processor of a small function. Not among the quick tests: a build takes minutes.
 *
 *   node --test test/infra/full/container.ts
 *
 * Takes docker where its daemon answers, else buildah and podman, and says so where it has neither. Environment:
 * CONTAINER_BUILD_FLAGS (e.g. other base images, see infra/container/debian-bases.sh), CONTAINER_RUN (e.g.
 * `podman --runtime runc --cgroup-manager=cgroupfs`), CONTAINER_RUN_FLAGS (e.g. `--ulimit nofile=1024:1024`).
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { COFFEE, ROOT, SAMPLES } from '../../support/samples.ts';

const run = promisify(execFile);
const words = (text: string | undefined): string[] => text?.split(' ').filter(Boolean) ?? [];
const answers = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

/** Bytes, uncompressed: Debian takes 80 MB, Node 125, onnxruntime and sharp 65, packages 35, the default model 10. */
const LARGEST_CPU_IMAGE = 350_000_000;
/** What a function of one processor has. */
const LIMITS = ['--memory', '1769m', '--cpus', '1'];
const LOCKED_DOWN = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const PHOTOS = ['--volume', `${SAMPLES}:/photos:ro`];
const CHELSEA = join(SAMPLES, 'chelsea.jpg');

/** What the program says outside of any container. */
let caption: string;
before(async () => {
  const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
  const { captions } = await captioner.caption(readFileSync(CHELSEA));
  caption = captions[0]!.text;
  await captioner.close();
});

function findEngine(): { engine: string[] } | { skip: string } {
  const named = words(process.env.CONTAINER_RUN);
  if (named.length > 0) return { engine: named };
  if (answers('docker', 'info')) return { engine: ['docker'] };
  if (answers('buildah', '--version') && answers('podman', '--version')) return { engine: ['podman'] };
  return { skip: 'neither a docker daemon nor buildah with podman is here' };
}

const found = findEngine();
const [program = '', ...engineFlags] = 'engine' in found ? found.engine : [];

async function engine(...args: string[]): Promise<string> {
  const { stdout } = await run(program, [...engineFlags, ...args], { maxBuffer: 1 << 24 });
  return stdout;
}

/** @param args of `docker run`: flags, image, command */
function runArgs(args: string[]): string[] {
  return [
    ...engineFlags,
    'run',
    ...words(process.env.CONTAINER_RUN_FLAGS),
    ...LOCKED_DOWN,
    ...LIMITS,
    ...args,
  ];
}

async function build(target: 'server' | 'lambda'): Promise<string> {
  const script = join(ROOT, 'infra/container/build.sh');
  await run(script, [target, ...words(process.env.CONTAINER_BUILD_FLAGS)], { maxBuffer: 1 << 26 });
  return `show-and-tell:${target}`;
}

async function sizeOf(image: string): Promise<number> {
  return Number(await engine('image', 'inspect', '--format', '{{.Size}}', image));
}

/** Starts a container and leaves it running until the test ends. */
async function start(t: TestContext, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, runArgs(['--detach', ...args]));
  const id = stdout.trim();
  t.after(() => engine('rm', '--force', id));
  return id;
}

/** Runs JavaScript in a container that has no network to be reached by. */
function evaluate(container: string, code: string): Promise<string> {
  return engine('exec', container, 'node', '--input-type=module', '--eval', code);
}

const POST = `const response = await fetch('http://127.0.0.1:8080/captions', { method: 'POST',
  headers: { 'content-type': 'image/jpeg' },
  body: await (await import('node:fs/promises')).readFile('/photos/chelsea.jpg') });
console.log(response.status, (await response.json()).captions?.[0].text);`;

async function becomesHealthy(container: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [code] = await Promise.all([
      engine('exec', container, 'node', '/app/container/healthcheck.js').then(
        () => 'healthy',
        () => 'not yet',
      ),
      new Promise((resolve) => setTimeout(resolve, 100)),
    ]);
    if (code === 'healthy') return;
  }
  assert.fail(`not healthy: ${await engine('logs', container)}`);
}

describe('the server image', { skip: 'skip' in found && found.skip }, () => {
  let image: string;
  before(async () => {
    image = await build('server');
  });

  it('is small', async (t) => {
    const bytes = await sizeOf(image);
    t.diagnostic(`server image: ${(bytes / 1e6).toFixed(0)} MB`);
    assert.ok(bytes <= LARGEST_CPU_IMAGE);
  });

  it('captions a mounted photograph without network, rights or a file to write to', async (t) => {
    const before = performance.now();
    const args = ['--rm', '--network', 'none', ...PHOTOS, image, 'caption', '--top', '1', 'chelsea.jpg'];
    const { stdout } = await run(program, runArgs(args));
    t.diagnostic(`docker run to caption: ${(performance.now() - before).toFixed(0)} ms`);
    assert.ok(stdout.includes(`0) ${caption} (p=`), stdout);
  });

  it('captions standard input', async () => {
    const args = runArgs(['--rm', '--interactive', '--network', 'none', image, 'caption', '--json', '-']);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.end(readFileSync(COFFEE));
    const output = JSON.parse(await readAll(child.stdout));
    assert.equal(output.image, '-');
    assert.ok(output.captions.length > 0);
  });

  it('serves without being root, and finishes what it is at when it gets SIGTERM', async (t) => {
    const before = performance.now();
    const container = await start(t, '--network', 'none', ...PHOTOS, image);
    await becomesHealthy(container);
    t.diagnostic(`docker run to healthy: ${(performance.now() - before).toFixed(0)} ms`);
    assert.notEqual((await evaluate(container, 'console.log(process.getuid())')).trim(), '0');
    const requests = Array.from({ length: 5 }, () => evaluate(container, POST));
    assert.equal((await Promise.race(requests)).trim(), `200 ${caption}`);
    const stopping = performance.now();
    await engine('stop', '--time', '20', container);
    t.diagnostic(`stopped in ${(performance.now() - stopping).toFixed(0)} ms`);
    await Promise.allSettled(requests);
    const state = await engine('inspect', '--format', '{{.State.ExitCode}} {{.State.OOMKilled}}', container);
    assert.equal(state.trim(), '0 false');
  });
});

describe('the Lambda image', { skip: 'skip' in found && found.skip }, () => {
  let image: string;
  before(async () => {
    image = await build('lambda');
  });

  it('is small, and labelled for SnapStart', async (t) => {
    const bytes = await sizeOf(image);
    t.diagnostic(`lambda image: ${(bytes / 1e6).toFixed(0)} MB`);
    assert.ok(bytes <= LARGEST_CPU_IMAGE);
    const label = '{{index .Config.Labels "com.amazonaws.lambda.feature.snapstart"}}';
    assert.equal((await engine('image', 'inspect', '--format', label, image)).trim(), 'Allow');
  });

  it('answers an HTTP event through the Runtime API', { timeout: 60_000 }, async (t) => {
    const api = await startRuntimeApi(httpEvent(readFileSync(CHELSEA)));
    t.after(api.close);
    const before = performance.now();
    const environment = {
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: 'captions',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1769',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_LOG_GROUP_NAME: 'captions',
      AWS_LAMBDA_LOG_STREAM_NAME: 'captions',
      AWS_REGION: 'eu-west-1',
    };
    const flags = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const container = await start(t, '--network', 'host', '--tmpfs', '/tmp', ...flags, image);
    const { statusCode, body } = (await api.response) as { statusCode: number; body: string };
    t.diagnostic(`docker run to answer: ${(performance.now() - before).toFixed(0)} ms`);
    assert.equal(statusCode, 200, await engine('logs', container));
    assert.equal(JSON.parse(body).captions[0].text, caption);
  });
});

/** As API Gateway sends it, payload version 2.0. */
function httpEvent(image: Buffer): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/captions',
    rawQueryString: '',
    headers: { 'content-type': 'image/jpeg', 'content-length': String(image.length), host: 'example.com' },
    requestContext: {
      http: {
        method: 'POST',
        path: '/captions',
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: 'test',
      },
      requestId: 'request-1',
      stage: '$default',
    },
    body: image.toString('base64'),
    isBase64Encoded: true,
  };
}

/** The Runtime API for one invocation. */
async function startRuntimeApi(event: object) {
  const { promise: response, resolve } = Promise.withResolvers<unknown>();
  let isTaken = false;
  const server = createServer((request, answer) => {
    if (request.url?.endsWith('/invocation/next')) {
      // The second request waits for ever, as for an event that does not come.
      if (isTaken) return;
      isTaken = true;
      answer.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': 'request-1',
        'lambda-runtime-deadline-ms': String(Date.now() + 29_000),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:123456789012:function:captions',
      });
      answer.end(JSON.stringify(event));
    } else {
      void readAll(request).then((body) => {
        answer.writeHead(202).end();
        resolve(JSON.parse(body));
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, response, close };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

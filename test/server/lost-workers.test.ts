/** Workers that die and cannot be replaced, because the bundle has changed on the disk meanwhile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelUnusable } from '../../src/errors.ts';
import { startServer } from '../../src/server/server.ts';
import { serverSettingsSchema } from '../../src/server/settings.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../support/bundles.ts';
import { finished, startCli } from '../support/cli.ts';
import { assertServes, PHOTO, post } from './harness.ts';

const SABOTEUR = new URL('../model/saboteur.ts', import.meta.url);
const SABOTAGED_THREADS = new URL('./sabotaged-threads.ts', import.meta.url).href;

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const bundle = copyBundle(temporary.path);
const encoder = bundle.pathOf('encoder');
const whole = readFileSync(encoder);
beforeEach(() => writeFileSync(encoder, whole));

async function crash(url: string): Promise<{ status: number; code: string }> {
  const { status, body } = await send(url, '?bannedWords=crash');
  return { status, code: body.code! };
}

async function send(url: string, query = '') {
  const response = await fetch(`${url}/captions${query}`, {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: new Uint8Array(PHOTO),
  });
  return { status: response.status, body: (await response.json()) as { code?: string } };
}

async function aliveAt(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^show_and_tell_workers_alive (\d+)$/m.exec(text)?.[1]);
}

describe('a server whose workers cannot be replaced', { timeout: 60_000 }, () => {
  it('serves with those it has, and says once that it has none any more', async (t) => {
    const causes: Error[] = [];
    const server = await startServer({
      model: bundle.directory,
      settings: serverSettingsSchema.parse({ port: 0, workers: 2 }),
      workers: { module: SABOTEUR },
      onLost: (cause) => causes.push(cause),
    });
    t.after(() => server.stop());
    flipByte(encoder);
    assert.deepEqual(await crash(server.url), { status: 503, code: 'CaptionerHung' });
    while ((await aliveAt(server.url)) > 1) await sleep(10);
    for (let i = 0; i < 3; i++) await assertServes(server);
    // Longer than another attempt to start a thread would take.
    await sleep(300);
    assert.equal(causes.length, 0);

    const [crashed, ...behind] = await Promise.all([crash(server.url), send(server.url), send(server.url)]);
    assert.equal(crashed.code, 'CaptionerHung');
    for (const { status, body } of behind) {
      assert.ok(
        status === 200 || (status === 500 && body.code === 'ModelUnusable'),
        `${status} ${body.code}`,
      );
    }
    while (causes.length === 0) await sleep(10);
    const refused = await send(server.url);
    assert.deepEqual([refused.status, refused.body.code], [500, 'ModelUnusable']);
    assert.equal(await aliveAt(server.url), 0);
    const [cause, ...more] = causes;
    assert.ok(cause instanceof ModelUnusable);
    assert.equal(cause.problem.file, encoder);
    assert.deepEqual(more, []);
  });

  it('starts a worker again where the bundle is whole', async (t) => {
    const causes: Error[] = [];
    const server = await startServer({
      model: bundle.directory,
      settings: serverSettingsSchema.parse({ port: 0, workers: 1 }),
      workers: { module: SABOTEUR },
      onLost: (cause) => causes.push(cause),
    });
    t.after(() => server.stop());
    for (let i = 0; i < 4; i++) {
      await crash(server.url);
      await assertServes(server);
    }
    assert.deepEqual(causes, []);
  });
});

describe('show-and-tell serve without workers', { timeout: 60_000 }, () => {
  it('ends with what is wrong with the model and status 4, as if it had not started', async (t) => {
    const child = startCli(['serve', '--port', '0', '--workers', '1', '--model', bundle.directory], {
      env: { ...process.env, NODE_OPTIONS: `--import ${SABOTAGED_THREADS}` },
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = finished(child);
    const [line] = (await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])) as [string];
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0] ?? assert.fail(String(line));
    assert.equal((await post(url)).status, 200);
    flipByte(encoder);
    assert.deepEqual(await crash(url), { status: 503, code: 'CaptionerHung' });
    const { status, stderr } = await ended;
    assert.equal(status, 4, stderr);
    const last = stderr.trim().split('\n').at(-1)!;
    assert.match(last, /^show-and-tell: ModelUnusable: .*encoder\.onnx: expected .*SHA-256/);
  });
});

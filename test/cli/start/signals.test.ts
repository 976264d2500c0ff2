/** SIGTERM, SIGHUP and SIGINT, wherever they come. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished, LAUNCH, originIn, shellStatus, startCli } from '../../support/cli.ts';
import { holdOpen } from '../../support/network/hold-open.ts';
import { COFFEE, SAMPLES } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const SIGNALS = [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGINT', 130],
] as const;
const MANY = Array<string>(300).fill(COFFEE);
const SERVE = ['serve', '--port', '0', '--workers', '1'];

const isAlive = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

describe('a run', () => {
  for (const [signal, expected] of SIGNALS) {
    for (const args of [
      ['caption', '--json', '--top', '1'],
      ['caption', '--json', '--top', '1', '--jobs', '2'],
      ['alt', '--json'],
    ]) {
      it(`of ${args.join(' ')} ends with ${expected} and whole lines on ${signal}, sent twice at once`, async (t) => {
        const child = startCli([...args, ...MANY]);
        t.after(() => child.kill('SIGKILL'));
        const end = finished(child);
        await once(child.stdout!, 'data');
        child.kill(signal);
        child.kill(signal);
        const run = await end;
        // A machine that is too busy to end the threads in time ends it by the signal.
        assert.deepEqual([shellStatus(run), run.stderr], [expected, '']);
        assert.ok(run.stdout.endsWith('\n'));
        for (const line of run.stdout.trim().split('\n')) assert.ok('model' in JSON.parse(line));
      });
    }

    it(`that quantizes leaves nothing behind on ${signal}`, async (t) => {
      const directory = join(temporary.path, signal);
      const [from, photos] = [join(directory, 'fp32'), join(directory, 'photos')];
      mkdirSync(photos, { recursive: true });
      cpSync(COFFEE, join(photos, 'coffee.jpg'));
      const made = startCli([
        'import',
        ...['--from', join('test/fixtures/golden/tiny/im2txt-tiny.pb')],
        ...['--vocabulary', join('test/fixtures/golden/tiny/word_counts.txt'), '--out', from],
      ]);
      const { status, stderr } = await finished(made);
      assert.equal(status, 0, stderr);
      const child = startCli([
        ...['quantize', '--model', from, '--calibrate', photos],
        ...['--out', join(directory, 'int8')],
      ]);
      t.after(() => child.kill('SIGKILL'));
      const end = finished(child);
      while (isAlive(child) && readdirSync(directory).length < 3) await setTimeout(2);
      child.kill(signal);
      assert.equal(shellStatus(await end), expected);
      assert.deepEqual(readdirSync(directory).sort(), ['fp32', 'photos']);
    });
  }

  it('goes on with --resume where SIGTERM ended it', async (t) => {
    const file = join(temporary.path, 'results.jsonl');
    const args = ['caption', '--resume', file, '--top', '1', SAMPLES];
    const child = startCli(args);
    t.after(() => child.kill('SIGKILL'));
    const end = finished(child);
    const lines = () => {
      try {
        return readFileSync(file, 'utf8').split('\n').length - 1;
      } catch {
        return 0;
      }
    };
    while (isAlive(child) && lines() === 0) await setTimeout(2);
    child.kill('SIGTERM');
    assert.equal(shellStatus(await end), 143);
    const before = lines();
    const { status, stdout } = await finished(startCli(args));
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(` ${before} done before`));
    const images = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).image);
    assert.equal(new Set(images).size, images.length);
    assert.equal(images.length, readdirSync(SAMPLES).filter((name) => name.endsWith('.jpg')).length);
  });
});

describe('a server', () => {
  for (const [signal, expected] of SIGNALS) {
    it(`answers what is at work on ${signal}, refuses the rest with 503, and ends with 0`, async (t) => {
      const child = startCli([...SERVE, '--quiet']);
      t.after(() => child.kill('SIGKILL'));
      const end = finished(child);
      const url = await originIn(child);
      const post = () =>
        fetch(`${url}/captions`, {
          method: 'POST',
          headers: { 'content-type': 'image/jpeg' },
          body: readFileSync(COFFEE),
        });
      // More than can be done before the signal, which some may come after.
      const answers = Array.from({ length: 20 }, post);
      await Promise.any(answers);
      child.kill(signal);
      const statuses = (await Promise.all(answers)).map(({ status }) => status);
      assert.ok(
        statuses.every((status) => [200, 503].includes(status)) && statuses.includes(200),
        `${statuses}`,
      );
      const { status, stderr } = await end;
      assert.deepEqual([status, stderr], [0, '']);
    });

    it(`ends at once on ${signal} while it loads`, async (t) => {
      const child = startCli(SERVE);
      t.after(() => child.kill('SIGKILL'));
      const end = finished(child);
      // The first line of its log is a health check that it makes before it listens.
      await setTimeout(300);
      child.kill(signal);
      const run = await end;
      // On a fast machine it listens by then.
      assert.ok([expected, 0].includes(shellStatus(run)), `${run.status} ${run.signal}`);
    });
  }

  it('loses no signal that comes just before it starts anew in its own place', async (t) => {
    const slow =
      'import { writeSync } from "node:fs"; const { execve } = process; process.execve = (...args) => {' +
      'writeSync(1, "now"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500); execve(...args); }';
    const { MALLOC_TRIM_THRESHOLD_: _set, ...env } = process.env;
    for (const [signal, expected] of SIGNALS) {
      const child = spawn(process.execPath, [`--import=data:text/javascript,${slow}`, LAUNCH, ...SERVE], {
        env,
        timeout: 20_000,
        killSignal: 'SIGKILL',
      });
      t.after(() => child.kill('SIGKILL'));
      const end = finished(child);
      await once(child.stdout, 'data');
      child.kill(signal);
      assert.equal(shellStatus(await end), expected);
    }
  });

  it('closes kept connections with the 503 that it answers on them', async (t) => {
    const child = startCli([...SERVE, '--quiet']);
    t.after(() => child.kill('SIGKILL'));
    const url = await originIn(child);
    const { hostname, port } = new URL(url);
    const kept = connect({ host: hostname, port: Number(port) }).setEncoding('utf8');
    const ask = 'GET /model HTTP/1.1\r\nHost: here\r\n\r\n';
    kept.write(ask);
    assert.match(String((await once(kept, 'data'))[0]), /^HTTP\/1\.1 200 /);
    await holdOpen(t, url);
    child.kill('SIGHUP');
    while ((await fetch(`${url}/health`)).status !== 503);
    let answer = '';
    kept.on('data', (text: string) => {
      answer += text;
    });
    kept.write(ask);
    await once(kept, 'close');
    assert.match(answer, /^HTTP\/1\.1 503 /);
    assert.match(answer, /^connection: close\r$/im);
  });
});

/** What makes a program process 1, here and in a container without rights. */
const AS_FIRST = [
  ['--pid', '--fork', '--kill-child'],
  ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'],
].find((flags) => spawnSync('unshare', [...flags, 'true']).status === 0);

describe('process 1', { skip: AS_FIRST === undefined && 'unshare makes no process 1 here' }, () => {
  function startFirst(t: TestContext, args: readonly string[], node: readonly string[] = []) {
    const outer = spawn('unshare', [...AS_FIRST!, process.execPath, ...node, LAUNCH, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => outer.kill('SIGKILL'));
    const first = () => {
      const [pid] = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').split(' ');
      return Number(pid);
    };
    return { outer, end: finished(outer), kill: (signal: NodeJS.Signals) => process.kill(first(), signal) };
  }

  for (const [signal, expected] of SIGNALS) {
    it(`ends on ${signal}`, async (t) => {
      const { outer, end, kill } = startFirst(t, ['caption', '--json', '--top', '1', ...MANY]);
      await once(outer.stdout, 'data');
      kill(signal);
      const { status, stdout } = await end;
      assert.equal(status, expected);
      assert.ok(stdout.endsWith('\n') && stdout.split('\n').length < 300);
    });
  }

  it('ends where no program can take its place', async (t) => {
    const none = '--import=data:text/javascript,process.execve=undefined';
    const { outer, end, kill } = startFirst(t, SERVE, [none]);
    const url = await originIn(outer);
    await holdOpen(t, url);
    kill('SIGHUP');
    await setTimeout(600);
    kill('SIGHUP');
    assert.equal((await end).status, 129);
  });

  it('ends on SIGTERM before a command has begun, and on a second one amid work', async (t) => {
    const loading = startFirst(t, SERVE);
    // Long before it listens, and after Node has begun with the program.
    while (isAlive(loading.outer) && !hasHandler(loading.outer)) await setTimeout(1);
    loading.kill('SIGTERM');
    assert.ok([143, 0].includes(shellStatus(await loading.end)));

    const { outer, end, kill } = startFirst(t, SERVE);
    const url = await originIn(outer);
    await holdOpen(t, url);
    kill('SIGTERM');
    await setTimeout(600);
    kill('SIGTERM');
    assert.equal((await end).status, 143);
  });

  /** Of SIGHUP, number 1; Node has handlers of its own for the two others. */
  function hasHandler(outer: ChildProcess): boolean {
    try {
      const [pid] = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').split(' ');
      const caught = /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${Number(pid)}/status`, 'utf8'))?.[1];
      return (Number.parseInt(caught?.at(-1) ?? '0', 16) & 1) === 1;
    } catch {
      return false;
    }
  }
});

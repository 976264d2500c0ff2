/** What a command makes cannot be written. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryDirectory } from '../support/bundles.ts';
import { finished, LAUNCH, originIn, runCli } from '../support/cli.ts';
import { COFFEE, SAMPLES } from '../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Runs the program from a shell, with its redirections; `"$@"` stands for it. */
function fromShell(line: string, args: readonly string[]): ChildProcess {
  return spawn('sh', ['-c', line, 'sh', process.execPath, LAUNCH, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Longer than what a file may have below, in two results. */
const WIDE = ['--beam', '2', '--max-length', '3', '--trace'];

describe('a full disk', { skip: process.platform !== 'linux' && 'needs /dev/full' }, () => {
  for (const args of [
    ['caption', '--json', SAMPLES],
    ['caption', '--json', '--jobs', '2', SAMPLES],
    ['caption', SAMPLES],
    ['alt', '--jobs', '2', SAMPLES],
  ]) {
    it(`under the standard output of ${args.slice(0, -1).join(' ')} is one line, and its own status`, async () => {
      const full = openSync('/dev/full', 'w');
      try {
        const child = spawn(process.execPath, [LAUNCH, ...args], { stdio: ['ignore', full, 'pipe'] });
        const { status, stderr } = await finished(child);
        assert.equal(
          stderr,
          'show-and-tell: standard output cannot be written (ENOSPC): the disk is full; make room\n',
        );
        assert.equal(status, 74);
      } finally {
        closeSync(full);
      }
    });
  }

  it('under the file of --resume is one line, and what was written is skipped later', async () => {
    const file = join(temporary.path, 'results.jsonl');
    // A limit on the size of files stands in for the disk's end (setrlimit(2): EFBIG where the signal is ignored).
    const limited = 'trap "" XFSZ; ulimit -f 8; exec "$@"';
    const args = ['caption', '--resume', file, ...WIDE, '--jobs', '2', SAMPLES];
    const child = spawn('sh', ['-c', limited, 'sh', process.execPath, LAUNCH, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { status, stderr } = await finished(child);
    const remedy = 'a limit on the size of files; raise it (ulimit -f)';
    assert.equal(stderr, `show-and-tell: --resume: ${file} cannot be written (EFBIG): ${remedy}\n`);
    assert.equal(status, 74);
    const written = readFileSync(file, 'utf8').split('\n').length - 1;
    assert.ok(written > 0);
    const rest = await runCli(args);
    assert.match(rest.stdout, new RegExp(`, 0 failed, ${written} done before`));
  });
});

const FULL = { skip: process.platform !== 'linux' && 'needs /dev/full' };
const COMMANDS = ['caption', 'alt', 'evaluate', 'import', 'quantize', 'serve', 'run-bucket', 'results'];

describe('standard error that cannot be written', FULL, () => {
  for (const command of COMMANDS) {
    it(`ends ${command} with 74, and nothing else`, async () => {
      const { status, stdout } = await finished(fromShell('"$@" 2>/dev/full', [command, '--no-such-flag']));
      assert.deepEqual([status, stdout], [74, '']);
    });

    it(`leaves ${command} nothing to say where standard output is full too`, async () => {
      const { status } = await finished(fromShell('"$@" >/dev/full 2>/dev/full', [command, '--help']));
      assert.equal(status, 74);
    });
  }

  for (const jobs of ['1', '2']) {
    it(`ends a run that has something to say there, with --jobs ${jobs}`, async () => {
      const images = [COFFEE, 'missing.jpg', ...Array<string>(300).fill(COFFEE)];
      const args = ['caption', '--json', '--top', '1', '--jobs', jobs];
      const json = await finished(fromShell('"$@" 2>/dev/full', [...args, COFFEE]));
      assert.deepEqual([json.status, json.stderr], [0, '']);
      const text = await finished(
        fromShell('"$@" 2>/dev/full', ['caption', '--top', '1', '--jobs', jobs, ...images]),
      );
      assert.equal(text.status, 74);
      assert.ok(text.stdout.endsWith('\n') && text.stdout.split('\n').length < 600);
    });
  }

  it('whose reader leaves ends a run', async () => {
    const missing = Array.from({ length: 2000 }, (_, i) => `missing-${i}.jpg`);
    const { status, stdout, stderr } = await finished(
      fromShell('{ "$@"; echo "$?" >&3; } 3>&2 2>&1 | head -1', ['caption', ...missing]),
    );
    assert.equal(status, 0);
    assert.match(stdout, /^show-and-tell: missing-0\.jpg: ImageNotFound: no such file\n$/);
    assert.equal(stderr, '74\n');
  });
});

describe('closed descriptors', { skip: process.platform === 'win32' && 'no shell' }, () => {
  for (const closed of ['>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-']) {
    it(`${closed} are as /dev/null`, async () => {
      const { status, stdout, stderr } = await finished(
        fromShell(`"$@" ${closed}`, ['caption', '--json', '--top', '1', COFFEE]),
      );
      assert.equal(status, 0);
      assert.equal(stderr, '');
      assert.equal(stdout === '', closed.includes('>&- ') || closed === '>&-');
    });
  }
});

describe('a server', FULL, () => {
  const SERVE = ['serve', '--port', '0', '--workers', '1'];

  async function startServer(t: TestContext, redirections: string, args = SERVE) {
    const child = fromShell(`exec "$@" ${redirections}`, args);
    t.after(() => child.kill('SIGKILL'));
    return { child, ended: finished(child) };
  }

  async function ask(url: string, times: number): Promise<void> {
    for (let i = 0; i < times; i += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${url}/health`)));
      for (const answer of answers) assert.equal(answer.status, 200);
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    }
  }

  it('serves on with its log on a full disk', async (t) => {
    const { child, ended } = await startServer(t, '2>/dev/full');
    const url = await originIn(child);
    await ask(url, 2000);
    child.kill('SIGTERM');
    assert.equal((await ended).status, 0);
  });

  it('serves on where nobody reads its log any more', async (t) => {
    const { child, ended } = await startServer(t, '');
    const url = await originIn(child);
    child.stderr!.destroy();
    await ask(url, 500);
    child.kill('SIGTERM');
    assert.equal((await ended).status, 0);
  });

  it('serves on where its log is read too slowly, and says how many lines it lost', async (t) => {
    const { child, ended } = await startServer(t, '');
    const url = await originIn(child);
    child.stderr!.pause();
    // A line has some 250 bytes: far more than a pipe and the program hold.
    await ask(url, 2500);
    let log = '';
    child.stderr!.on('data', (text: string) => {
      log += text;
    });
    child.stderr!.resume();
    while (!log.includes('linesLost')) {
      await setTimeout(50);
      await ask(url, 50);
    }
    const lines = log.trim().split('\n').slice(0, -1);
    const said = lines.map((line) => JSON.parse(line).linesLost).filter((lost) => lost !== undefined);
    assert.ok(said.length > 0 && said[0] > 0);
    child.kill('SIGTERM');
    assert.equal((await ended).status, 0);
  });

  it('serves on without standard output', async (t) => {
    const taken = await startServer(t, '', [...SERVE, '--quiet']);
    const { port } = new URL(await originIn(taken.child));
    taken.child.kill('SIGTERM');
    await taken.ended;
    const { child, ended } = await startServer(t, '>/dev/full', [
      'serve',
      '--port',
      port,
      '--workers',
      '1',
      '--quiet',
    ]);
    const url = `http://127.0.0.1:${port}`;
    while ((await fetch(`${url}/health`).catch(() => null)) === null) await setTimeout(20);
    await ask(url, 100);
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    assert.equal(status, 0);
    assert.equal(
      stderr,
      'show-and-tell: standard output cannot be written (ENOSPC): the disk is full; make room\n',
    );
  });

  it('logs again once it can, and says how many lines were lost', async (t) => {
    const log = join(temporary.path, 'server.log');
    // A limit on the size of files stands in for the disk’s end; shortening the file makes room.
    const limited = `trap "" XFSZ; ulimit -f 8; exec "$@" 2>>${log}`;
    const child = spawn('sh', ['-c', limited, 'sh', process.execPath, LAUNCH, ...SERVE], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = finished(child);
    const url = await originIn(child);
    await ask(url, 200);
    const full = readFileSync(log).length;
    await ask(url, 50);
    assert.equal(readFileSync(log).length, full);
    truncateSync(log);
    await setTimeout(1100);
    await (await fetch(`${url}/model`)).arrayBuffer();
    const [before, notice, line] = readFileSync(log, 'utf8').split('\n');
    assert.equal(before, '');
    assert.ok(JSON.parse(notice!).linesLost > 50, notice);
    assert.equal(JSON.parse(line!).route, '/model');
    child.kill('SIGTERM');
    assert.equal((await ended).status, 0);
  });
});

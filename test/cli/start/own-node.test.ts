/** The Node that npm installed, to which an older one hands over; one that reads no TypeScript stands in for that. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { temporaryDirectory } from '../../support/bundles.ts';
import { finished } from '../../support/cli.ts';
import { COFFEE } from '../../support/samples.ts';
import { type AppCopy, copyApp } from './app-copy.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const app = copyApp(join(temporary.path, 'app'));
const OWN = app.installed('.bin/node');

function start(t: TestContext, { launch }: AppCopy, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--no-experimental-strip-types', launch, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

function setOwn(content: string | Uint8Array, mode = 0o755): void {
  rmSync(OWN, { force: true });
  writeFileSync(OWN, content);
  chmodSync(OWN, mode);
}

/** Machine code for a processor that this is not: its number, 0xfe42, is nobody's. */
function foreignProgram(): Buffer {
  const head = Buffer.from(readFileSync(process.execPath).subarray(0, 64));
  head.writeUInt16LE(0xfe42, 18);
  return head;
}

describe('the Node that npm installed', { skip: process.platform === 'win32' && 'has none' }, () => {
  const reasons: { title: string; make: () => void; says: RegExp; skip?: string | false }[] = [
    {
      title: 'without its loader',
      make: () => setOwn('#!/lib/no-such-loader.so\n'),
      says: /its loader is missing.*glibc/,
    },
    { title: 'that may not be executed', make: () => setOwn('#!/bin/sh\n', 0o644), says: /noexec/ },
    {
      title: 'for another processor',
      make: () => setOwn(foreignProgram()),
      says: /another processor.*npm ci/,
      skip: process.platform !== 'linux' && 'no ELF here',
    },
    {
      title: 'that ends before it begins',
      make: () => setOwn('#!/bin/sh\nexit 127\n'),
      says: /status 127 before it began.*glibc/,
    },
  ];
  for (const { title, make, says, skip = false } of reasons) {
    it(`${title} is one line with what to do, and status 69`, { skip }, async (t) => {
      make();
      const { status, stdout, stderr } = await finished(start(t, app, ['--help']));
      assert.match(stderr, says);
      assert.match(stderr, /^show-and-tell: \S+node_modules\/\.bin\/node does not start: .*\n$/);
      assert.deepEqual([status, stdout], [69, '']);
    });
  }

  for (const [signal, status] of [
    ['HUP', 129],
    ['KILL', 70],
  ] as const) {
    it(`that ${signal} ends has its status of a shell, or that of a bug`, async (t) => {
      setOwn(`#!/bin/sh\nkill -${signal} $$\n`);
      const run = await finished(start(t, app, ['--help']));
      assert.deepEqual(run, { status, signal: null, stdout: '', stderr: '' });
    });
  }

  it('that does all there is to do has said so by its status alone', async (t) => {
    setOwn('#!/bin/sh\necho "$SHOW_AND_TELL_HANDED_OVER $*"\n');
    const { status, stdout, stderr } = await finished(start(t, app, ['--help', 'a b']));
    assert.deepEqual([status, stdout, stderr], [0, `1 ${app.launch} --help a b\n`, '']);
  });

  it('that is not there is asked for', async (t) => {
    rmSync(OWN, { force: true });
    const { status, stderr } = await finished(start(t, app, ['--help']));
    assert.match(stderr, /^show-and-tell needs Node 24 or later.* Run "npm ci" first\.\n$/);
    assert.equal(status, 69);
  });

  const many = ['caption', '--json', '--top', '1', ...Array<string>(300).fill(COFFEE)];
  const useThis = () => {
    rmSync(OWN, { force: true });
    symlinkSync(process.execPath, OWN);
  };

  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const) {
    it(`is passed ${signal} on, and its status back`, async (t) => {
      useThis();
      const child = start(t, app, many);
      const end = finished(child);
      await once(child.stdout!, 'data');
      child.kill(signal);
      const { status, stdout, stderr } = await end;
      assert.deepEqual([status, stderr], [expected, '']);
      assert.ok(stdout.endsWith('\n') && stdout.split('\n').length < 300);
    });
  }

  it('ends when its launcher was killed', async (t) => {
    useThis();
    const child = start(t, app, many);
    const end = finished(child);
    await once(child.stdout!, 'data');
    child.kill('SIGKILL');
    // Its output is that of both, so that this waits for the other one.
    const { signal, stdout } = await end;
    assert.equal(signal, 'SIGKILL');
    assert.ok(stdout.endsWith('\n') && stdout.split('\n').length < 300);
  });
});

it('a package that is not installed is one line, and status 69', async () => {
  const bare = copyApp(join(temporary.path, 'bare'));
  rmSync(bare.installed('commander'));
  const child = spawn(process.execPath, [bare.launch, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { status, stderr } = await finished(child);
  assert.match(stderr, /^show-and-tell: .*'commander'.* Run "npm ci" first\.\n$/);
  assert.equal(status, 69);
});

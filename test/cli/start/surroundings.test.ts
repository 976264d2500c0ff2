/** What the launcher decides by: which Node runs it, where npm was called, processors, whether memory is to be given back. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { environmentToServe, restartToServe } from '../../../src/cli/start/give-back.js';
import { isForOtherProcessor } from '../../../src/cli/start/own-node.js';
import { userDirectory } from '../../../src/cli/start/user-directory.js';
import { isNewEnough } from '../../../src/cli/start/which-node.js';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { ROOT } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

it('the package runs on Node 22.13 and later, the sources on 24 with TypeScript', () => {
  const cases: [version: string, typescript: unknown, built: boolean, sources: boolean][] = [
    ['20.19.5', undefined, false, false],
    ['21.13.0', undefined, false, false],
    ['22.9.0', false, false, false],
    ['22.12.9', 'strip', false, false],
    ['22.13.0', false, true, false],
    ['22.20.1', 'strip', true, false],
    ['23.0.0', 'strip', true, false],
    ['24.0.0', 'strip', true, true],
    ['24.0.0', false, true, false],
    ['26.1.0', 'transform', true, true],
  ];
  for (const [version, typescript, built, sources] of cases) {
    const node = { version, typescript };
    assert.deepEqual([isNewEnough(node, true), isNewEnough(node, false)], [built, sources], version);
  }
});

it('machine code of another processor differs in class, order of bytes or machine; all else may run', () => {
  /** Sixteen bytes that say what it is, the type and the machine; the rest does not matter. */
  const elf = (kind: number, order: number, machine: number, rest = 0) => {
    const head = Buffer.alloc(64, rest);
    head.write('\x7fELF', 'latin1');
    head.writeUInt8(kind, 4);
    head.writeUInt8(order, 5);
    head.writeUInt16LE(machine, 18);
    return head;
  };
  const files: Record<string, Uint8Array> = {
    x64: elf(2, 1, 62),
    'x64-too': elf(2, 1, 62, 7),
    x32: elf(1, 1, 62),
    big: elf(2, 2, 62),
    arm: elf(2, 1, 183),
    arm256: elf(2, 1, 62 + 256),
    script: Buffer.from('#!/bin/sh and more than a head has'),
    'not-elf': elf(2, 1, 183).fill('E', 0, 1),
    empty: Buffer.alloc(0),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  const foreign = (to: string) =>
    [...Object.keys(files), 'missing'].filter((name) => isForOtherProcessor(at(name), at(to)));
  assert.deepEqual(foreign('x64'), ['x32', 'big', 'arm', 'arm256']);
  assert.deepEqual(foreign('arm'), ['x64', 'x64-too', 'x32', 'big', 'arm256']);
  for (const own of ['script', 'not-elf', 'empty', 'missing']) assert.deepEqual(foreign(own), []);
});

describe('names of files', () => {
  const NPM = { INIT_CWD: temporary.path, npm_lifecycle_script: 'node src/cli/launch.js alt' };
  const OURS = { ...NPM, npm_package_json: join(ROOT, 'package.json') };

  it('are from where the user called npm, if that runs a script of this package in its root', () => {
    assert.equal(userDirectory(OURS, ROOT, ROOT), temporary.path);
    symlinkSync(ROOT, at('link'));
    const linked = { ...OURS, npm_package_json: at('link/package.json') };
    assert.equal(userDirectory(linked, at('link'), ROOT), temporary.path);
    assert.equal(userDirectory(linked, ROOT, at('link')), temporary.path);
    mkdirSync(at('other'));
    writeFileSync(at('other/package.json'), '{}');
    for (const environment of [
      {},
      { ...OURS, INIT_CWD: '' },
      { ...OURS, npm_lifecycle_script: 'node tool.js' },
      { ...OURS, npm_lifecycle_script: undefined },
      { ...NPM, npm_package_json: '' },
      { ...NPM, npm_package_json: at('other/package.json') },
      { ...NPM, npm_package_json: at('none/package.json') },
    ]) {
      assert.equal(userDirectory(environment, ROOT, ROOT), null, JSON.stringify(environment));
    }
    assert.equal(userDirectory(OURS, ROOT, join(ROOT, 'src')), null);
  });

  it('and of the program as well', async () => {
    writeFileSync(at('page.html'), '<img src="a.jpg">');
    const { status, stdout } = await runCli(['alt', '--check', 'page.html'], {
      env: { ...process.env, ...OURS },
    });
    assert.deepEqual([status, stdout], [5, 'page.html:1: no alt text: a.jpg\n']);
  });
});

describe('threads that decode', { skip: process.platform !== 'linux' && "their names are Linux's" }, () => {
  /** Runs in the program: another number of processors, and at its end the threads of libuv. */
  const on = (processors: number) => `
    import { readdirSync, readFileSync } from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import os from 'node:os';
    os.availableParallelism = () => ${processors};
    syncBuiltinESMExports();
    process.on('exit', () => {
      const threads = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/comm', 'utf8'));
      console.error(threads.filter((name) => name === 'libuv-worker\\n').length);
    });`;

  async function threadsOn(processors: number, own?: string): Promise<number> {
    const { UV_THREADPOOL_SIZE: _, ...rest } = process.env;
    writeFileSync(at('page.html'), '<img src="a.jpg" alt="a word">');
    writeFileSync(at('count.mjs'), on(processors));
    const { stderr } = await runCli(['alt', '--check', at('page.html')], {
      env: { ...rest, NODE_OPTIONS: `--import=${at('count.mjs')}`, ...(own && { UV_THREADPOOL_SIZE: own }) },
    });
    return Number(stderr);
  }

  it('are as many as there are processors, four at least, or as the user says', async () => {
    assert.equal(await threadsOn(12), 12);
    assert.equal(await threadsOn(1), 4);
    assert.equal(await threadsOn(12, '5'), 5);
  });
});

describe('memory', {
  skip: process.execve === undefined && 'no other program takes the place of this one',
}, () => {
  const NAME = 'MALLOC_TRIM_THRESHOLD_';
  const SERVE = ['node', 'launch.js', 'serve', '--port', '0'];

  interface Looks {
    platform?: string;
    pid?: number;
    argv?: string[];
    setting?: string;
  }

  /** What a process that looks like this asks for. */
  function asked({ platform = 'linux', pid = 7, argv = SERVE, setting }: Looks) {
    const { [NAME]: before } = process.env;
    const own = Object.fromEntries(
      ['platform', 'pid', 'argv', 'execve'].map((name) => [
        name,
        Object.getOwnPropertyDescriptor(process, name)!,
      ]),
    );
    const calls: unknown[][] = [];
    const execve = (...args: unknown[]) => calls.push(args);
    for (const [name, value] of Object.entries({ platform, pid, argv, execve })) {
      Object.defineProperty(process, name, { ...own[name], value });
    }
    setEnvironment(setting);
    try {
      restartToServe();
      return { environment: { ...environmentToServe() }, calls };
    } finally {
      Object.defineProperties(process, own);
      setEnvironment(before);
    }
  }

  function setEnvironment(value: string | undefined): void {
    if (value === undefined) delete process.env[NAME];
    else process.env[NAME] = value;
  }

  it('is given back by a server, which starts anew with the setting', () => {
    const { environment, calls } = asked({});
    assert.deepEqual(environment, { ...process.env, [NAME]: '131072' });
    const args = [process.execPath, ...process.execArgv, 'launch.js', 'serve', '--port', '0'];
    assert.deepEqual(calls, [[process.execPath, args, environment]]);
  });

  it('is left to a server that has a setting of its own, or another system', () => {
    for (const looks of [{ setting: '1' }, { setting: '' }, { platform: 'darwin' }]) {
      const { environment, calls } = asked(looks);
      assert.deepEqual([environment[NAME], calls], [looks.setting, []]);
    }
  });

  it('is left to process 1, whose signals the kernel would drop meanwhile, and to other commands', () => {
    assert.deepEqual(asked({ pid: 1 }).calls, []);
    const other = asked({ argv: ['node', 'launch.js', 'caption', 'serve'] });
    assert.deepEqual([other.environment[NAME], other.calls], [undefined, []]);
  });
});

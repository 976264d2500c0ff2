/** One writer of a file at a time. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { InvalidRequest } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';
import { makerName, makerState } from '../../src/files/maker.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const LOCK = new URL('../../src/files/lock.ts', import.meta.url);

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** A process that runs `code` with `takeLock` and `file` at hand, and then waits for its end. */
function run(file: string, code: string): ChildProcess {
  const program = `const { takeLock } = await import(${JSON.stringify(LOCK)}); const file = ${JSON.stringify(file)}; ${code}`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

const HOLD = 'takeLock(file); console.log("held"); setInterval(() => {}, 1000);';

describe('a lock', () => {
  it('is one process’s until that releases it, and the other learns which has it', async () => {
    const directory = temporary.make('held');
    const file = join(directory, 'results.jsonl');
    const holder = run(file, HOLD);
    await once(holder.stdout!, 'data');
    assert.throws(
      () => takeLock(file),
      (error) => {
        assert.ok(error instanceof InvalidRequest);
        const lock = `${file}.lock`;
        assert.equal(
          error.message,
          `${file} is written by another run (process ${holder.pid} on ${hostname()}): ` +
            `wait for its end, or name another file; if it is over, remove ${lock}`,
        );
        return true;
      },
    );
    holder.kill();
    await once(holder, 'exit');
    const lock = takeLock(file);
    assert.throws(() => takeLock(file), InvalidRequest);
    lock.release();
    takeLock(file).release();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('goes with its process, also when that is killed', async () => {
    const directory = temporary.make('killed');
    const file = join(directory, 'results.jsonl');
    for (const code of [HOLD, 'takeLock(file); console.log("held");']) {
      const holder = run(file, code);
      await once(holder.stdout!, 'data');
      if (code === HOLD) holder.kill('SIGKILL');
      await once(holder, 'exit');
      assert.equal(existsSync(`${file}.lock`), code === HOLD);
      takeLock(file).release();
      assert.deepEqual(readdirSync(directory), []);
    }
  });

  it('of a killed process is taken over by one alone of many', async () => {
    const file = join(temporary.make('many'), 'results.jsonl');
    const dead = run(file, HOLD);
    await once(dead.stdout!, 'data');
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    const at = Date.now() + 1500;
    const take = `while (Date.now() < ${at}); try { takeLock(file); console.log('held'); } catch { console.log('refused'); }
      process.stdin.resume();`;
    const contenders = Array.from({ length: 5 }, () => run(file, take));
    const said = contenders.map(async ({ stdout }) => String((await once(stdout!, 'data'))[0]).trim());
    assert.deepEqual((await Promise.all(said)).sort(), ['held', 'refused', 'refused', 'refused', 'refused']);
    for (const { stdin } of contenders) stdin!.end();
    await Promise.all(contenders.map((child) => once(child, 'exit')));
  });

  it('of another machine is its own while that gives signs of life', () => {
    const directory = temporary.make('elsewhere');
    const file = join(directory, 'results.jsonl');
    mkdirSync(`${file}.lock`);
    const entry = join(`${file}.lock`, makerName().replace(/-[0-9a-f]{8}-(?=[0-9a-f]{12})/, '-00000001-'));
    writeFileSync(entry, 'process 7 on elsewhere');
    assert.throws(() => takeLock(file), /\(process 7 on elsewhere\)/);
    const minutesAgo = Date.now() / 1000 - 120;
    utimesSync(entry, minutesAgo, minutesAgo);
    takeLock(file).release();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('removes nothing that is not its own', () => {
    const file = join(temporary.make('foreign'), 'results.jsonl');
    mkdirSync(`${file}.lock`);
    const notes = join(`${file}.lock`, 'notes.txt');
    writeFileSync(notes, 'mine');
    utimesSync(notes, 1, 1);
    assert.throws(() => takeLock(file), InvalidRequest);
    assert.equal(readFileSync(notes, 'utf8'), 'mine');
  });
});

describe('the maker of a file', { skip: process.platform !== 'linux' && 'looks into /proc' }, () => {
  it('is at work, gone, or another process with the same number', async () => {
    const name = makerName();
    assert.equal(makerState(name), 'at work');
    assert.equal(makerState(`.show-and-tell-${name}.part`), 'at work');
    assert.equal(makerState(name.replace(/-[0-9a-f]{8}-/, '-12345678-')), 'gone');
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    assert.equal(makerState(name.replace(/^\d+/, String(child.pid))), 'gone');
    assert.equal(makerState('notes.txt'), 'elsewhere');
  });
});

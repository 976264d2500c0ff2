/** Windows, a Mac, disks without links, moments that come once in a thousand. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidRequest } from '../../src/errors.ts';
import { takeLock } from '../../src/files/lock.ts';
import { makerIn, makerName, makerState } from '../../src/files/maker.ts';
import { clearParts, partIn } from '../../src/files/part.ts';
import { replaceFile } from '../../src/files/replace-file.ts';
import { newFile } from '../../src/files/replacement.ts';
import { asideOf, EditHeld, putIfFree, swapIfUnchanged } from '../../src/files/swap.ts';
import { putFile, syncDirectory } from '../../src/files/write-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { instead, systemError, whereCall, withPrograms } from '../support/system/instead.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const read = (path: string) => readFileSync(path, 'utf8');
const [OLD, NEW] = [Buffer.from('old'), Buffer.from('new')];
const ROOT = process.getuid?.() === 0;
const LINUX = process.platform === 'linux';
const NOBODY = 65_534;
const NO_PERL = spawnSync('perl', ['-v']).status !== 0 && 'no perl here';
const elsewhere = () => makerName().replace(/-[0-9a-f]{8}-(?=[0-9a-f]{12})/, '-00000001-');

/** A new file in its directory, and the one that it shall take the place of. */
function two(name: string, target = 'old'): { directory: string; file: string; target: string } {
  const directory = temporary.make(name);
  const file = newFile(join(directory, 'part'), 'page.html');
  mkdirSync(join(directory, 'part', 'file'), { recursive: true });
  writeFileSync(file, 'new');
  writeFileSync(join(directory, 'page.html'), target);
  return { directory, file, target: join(directory, 'page.html') };
}

describe('a file is replaced', { skip: !LINUX && 'plays the others on Linux' }, () => {
  for (const platform of ['win32', 'darwin', 'freebsd']) {
    it(`on ${platform}, without a program of Linux`, async (t) => {
      const directory = temporary.make(`on ${platform}`);
      const file = join(directory, 'page.html');
      writeFileSync(file, OLD);
      chmodSync(file, 0o640);
      withPrograms(t, `${directory}.bin`, { perl: 'exit 3' });
      instead(t, 'platform', platform);
      await replaceFile(file, OLD, NEW);
      assert.deepEqual([read(file), readdirSync(directory)], ['new', ['page.html']]);
      assert.equal(statSync(file).mode & 0o777, 0o640);
    });
  }

  it('on processors whose number of the call is not known', async (t) => {
    const { file, target } = two('riscv');
    withPrograms(t, `${target}.bin`, { perl: 'exit 3' });
    instead(t, 'arch', 'riscv64');
    assert.equal(await swapIfUnchanged(file, target, OLD), true);
    assert.deepEqual([read(file), read(target)], ['old', 'new']);
  });

  it('by one exchange where perl is there', { skip: NO_PERL }, async (t) => {
    const { file, target } = two('exchanged');
    withPrograms(t, `${target}.bin`, {
      perl: `PATH=\${PATH#*:} perl "$@"; echo $? > '${target}.status'; exit 1`,
    });
    // Told that it did not work, the two are exchanged back by names.
    assert.equal(await swapIfUnchanged(file, target, OLD), false);
    assert.equal(read(`${target}.status`), '0\n');
    assert.deepEqual([read(file), read(target)], ['old', 'new']);
  });

  it('and nothing is left open', { skip: !existsSync('/proc/self/fd') && 'needs /proc' }, async () => {
    const directory = temporary.make('open');
    const file = join(directory, 'page.html');
    writeFileSync(file, OLD);
    const open = () => readdirSync('/proc/self/fd').length;
    const round = async () => {
      await replaceFile(file, OLD, NEW);
      await putFile(file, OLD);
      await assert.rejects(putFile(directory, OLD));
      // Pipes of programs that have ended close a little later.
      await pause(50);
    };
    await round();
    const before = open();
    for (let i = 0; i < 3; i++) await round();
    for (let wait = 0; open() > before && wait < 40; wait++) await pause(50);
    assert.ok(open() <= before, `${open()} files are open, not ${before}`);
  });
});

describe('what the exchange comes to', { skip: !LINUX && 'is of Linux' }, () => {
  const OUTCOMES: [what: string, perl: string, outcome: boolean | typeof EditHeld, now: string[]][] = [
    ['done', 'cat > /dev/null; exit 0', true, ['new', 'old']],
    ['refused for an edit', 'exit 3', false, ['new', 'old']],
    ['two edits, of which one is beside', 'exit 4', EditHeld, ['new', 'old']],
    ['not possible: done by names', 'exit 1', true, ['old', 'new']],
    ['killed: done by names', 'kill -9 $$', true, ['old', 'new']],
  ];
  for (const [what, perl, outcome, now] of OUTCOMES) {
    it(what, async (t) => {
      const { file, target } = two(what);
      withPrograms(t, `${target}.bin`, { perl });
      const swapped = swapIfUnchanged(file, target, OLD);
      if (typeof outcome === 'boolean') assert.equal(await swapped, outcome);
      else await assert.rejects(swapped, new EditHeld(file, target));
      assert.deepEqual([read(file), read(target)], now);
    });
  }

  it('a program that does not read what it is given is no failure', async (t) => {
    const { file, target } = two('unread');
    withPrograms(t, `${target}.bin`, { perl: 'exit 3' });
    assert.equal(await swapIfUnchanged(file, target, Buffer.alloc(1 << 20)), false);
  });

  it('an edit that is held stays beside the file, whatever it is held for', async (t) => {
    for (const [what, perl] of [
      ['held', 'exit 4'],
      ['not what was put there', 'cat > /dev/null; exit 0'],
    ] as const) {
      const directory = temporary.make(what);
      const file = join(directory, 'page.html');
      writeFileSync(file, OLD);
      withPrograms(t, `${directory}.bin`, { perl });
      await assert.rejects(replaceFile(file, OLD, NEW), EditHeld);
      const [part, ...others] = readdirSync(directory);
      assert.deepEqual(others, ['page.html']);
      assert.equal(read(newFile(join(directory, part!), 'page.html')), 'new');
    }
  });
});

describe('a file that changes places by names', () => {
  /** What another program does as soon as the target is away. */
  async function swapWhile(
    t: Parameters<typeof instead>[0],
    { file, target }: { file: string; target: string },
    meanwhile: () => unknown,
  ) {
    instead(t, 'platform', 'darwin');
    let isAway = false;
    whereCall(t, 'linkSync', (real) => (from, to) => {
      if (!isAway) meanwhile();
      isAway = true;
      real(from!, to!);
    });
    return swapIfUnchanged(file, target, OLD);
  }

  it('stays out of the way of a file that somebody made meanwhile', async (t) => {
    const place = two('made anew');
    assert.equal(await swapWhile(t, place, () => writeFileSync(place.target, 'edit')), false);
    assert.deepEqual([read(place.file), read(place.target)], ['new', 'edit']);
  });

  it('keeps both where one was edited and another made', async (t) => {
    const place = two('edited twice', 'edit');
    const swapped = swapWhile(t, place, () => writeFileSync(place.target, 'another'));
    await assert.rejects(swapped, new EditHeld(asideOf(place.file), place.target));
    assert.deepEqual([read(asideOf(place.file)), read(place.target)], ['edit', 'another']);
  });

  it('leaves an edit beside that cannot be put back', async (t) => {
    const place = two('cannot be put back', 'edit');
    whereCall(t, 'renameSync', (real) => (from, to) => {
      if (from === asideOf(place.file)) throw systemError('EIO');
      real(from!, to!);
    });
    const swapped = swapWhile(t, place, () => {
      throw systemError('EIO');
    });
    await assert.rejects(swapped, EditHeld);
    assert.equal(read(asideOf(place.file)), 'edit');
  });

  it('is put back where the new one cannot take its place', async (t) => {
    const place = two('put back');
    const swapped = swapWhile(t, place, () => rmSync(place.file));
    await assert.rejects(swapped, { code: 'ENOENT' });
    assert.equal(read(place.target), 'old');
    assert.equal(existsSync(asideOf(place.file)), false);
  });

  it('is renamed where the disk has no links, unless its name is taken', (t) => {
    const directory = temporary.make('fat');
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    writeFileSync(from, 'from');
    whereCall(t, 'linkSync', () => () => {
      throw systemError('EPERM');
    });
    putIfFree(from, to);
    assert.deepEqual([read(to), readdirSync(directory)], ['from', ['to']]);
    writeFileSync(from, 'other');
    assert.throws(() => putIfFree(from, to), { code: 'EPERM' });
    assert.deepEqual([read(from), read(to)], ['other', 'from']);
  });

  it('has one name afterwards, so that the next time it can be replaced', async (t) => {
    const directory = temporary.make('once more');
    const file = join(directory, 'page.html');
    writeFileSync(file, OLD);
    instead(t, 'platform', 'darwin');
    for (const call of ['linkSync', 'renameSync'] as const) {
      whereCall(t, call, (real) => (from, to) => {
        if (to === file && !from!.endsWith('aside')) throw systemError('ENOSPC');
        real(from!, to!);
      });
    }
    for (const _ of [1, 2]) {
      await assert.rejects(replaceFile(file, OLD, NEW), /the disk is full/);
      assert.equal(statSync(file).nlink, 1);
      assert.deepEqual([read(file), readdirSync(directory)], ['old', ['page.html']]);
    }
  });

  it('that waits aside is left there for the next run to find', async (t) => {
    const directory = temporary.make('aside');
    const file = join(directory, 'page.html');
    writeFileSync(file, OLD);
    instead(t, 'platform', 'darwin');
    for (const call of ['linkSync', 'renameSync'] as const) {
      whereCall(t, call, (real) => (from, to) => {
        if (to === file) throw systemError('EIO');
        real(from!, to!);
      });
    }
    await assert.rejects(replaceFile(file, OLD, NEW), /EIO/);
    const [part, ...others] = readdirSync(directory);
    assert.deepEqual(others, []);
    assert.equal(read(join(directory, part!, 'aside')), 'old');
  });
});

describe('what may not be written', { skip: !ROOT && 'needs root, to become somebody else' }, () => {
  /** As somebody who has no rights but those of all. */
  function asNobody(t: Parameters<typeof instead>[0]): void {
    chmodSync(temporary.path, 0o755);
    process.seteuid!(NOBODY);
    t.after(() => process.seteuid!(0));
  }

  it('is a file whose directory takes no other', async (t) => {
    const directory = temporary.make('closed');
    const file = join(directory, 'page.html');
    writeFileSync(file, OLD);
    chmodSync(file, 0o666);
    asNobody(t);
    await assert.rejects(
      replaceFile(file, OLD, NEW),
      new InvalidRequest(`${file} cannot be written (EACCES)`),
    );
  });

  it('is a file of a group that one is not in', async (t) => {
    const directory = temporary.make('group');
    const file = join(directory, 'page.html');
    writeFileSync(file, OLD);
    chmodSync(directory, 0o777);
    chownSync(file, NOBODY, 2345);
    asNobody(t);
    await assert.rejects(replaceFile(file, OLD, NEW), {
      message: /belongs to user 65534 and group 2345, to whom/,
    });
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });

  it('holds nobody up where it can be listed and not entered', async (t) => {
    const directory = temporary.make('listed');
    writeFileSync(join(directory, `.show-and-tell-${elsewhere()}.part`), '');
    chmodSync(directory, 0o744);
    asNobody(t);
    await clearParts(directory);
    process.seteuid!(0);
    assert.equal(readdirSync(directory).length, 1);
  });

  it('is what processes of other users left', async (t) => {
    const left = makerName().replace(/-[0-9a-f]{8}-/, '-12345678-');
    const remaining = async (name: string) => {
      const directory = temporary.make(name);
      for (const uid of [0, 1234]) {
        const part = join(directory, `.show-and-tell-${left.slice(0, -1)}${uid % 7}.part`);
        writeFileSync(part, '');
        chownSync(part, uid, uid);
      }
      await clearParts(directory);
      return readdirSync(directory).map((part) => statSync(join(directory, part)).uid);
    };
    assert.deepEqual(await remaining('of root'), [1234]);
    const { getuid } = process;
    t.after(() => {
      process.getuid = getuid!;
    });
    process.getuid = () => 1234;
    assert.deepEqual(await remaining('of somebody'), [0]);
    // Windows has no such numbers.
    process.getuid = undefined as never;
    assert.deepEqual(await remaining('of anybody'), []);
  });
});

it('what a process at work has made stays, however long it takes', async () => {
  const directory = temporary.make('long at work');
  const part = partIn(directory);
  writeFileSync(part, '');
  utimesSync(part, 1, 1);
  await clearParts(directory);
  assert.ok(existsSync(part));
});

describe('a directory', () => {
  it('is not synced on Windows, which opens none', async (t) => {
    instead(t, 'platform', 'win32');
    await syncDirectory(join(temporary.path, 'not there'));
  });
});

describe('a lock', () => {
  const placeOf = (name: string) => {
    const directory = temporary.make(name);
    const file = join(directory, 'results.jsonl');
    return { directory, file, place: `${file}.lock` };
  };

  it('is taken on Windows, too, where no directory is renamed to one that is there', (t) => {
    const { directory, file, place } = placeOf('windows');
    mkdirSync(place);
    const dead = makerName().replace(/-[0-9a-f]{8}-/, '-12345678-');
    writeFileSync(join(place, dead), '');
    instead(t, 'platform', 'win32');
    whereCall(t, 'renameSync', (real) => (from, to) => {
      if (existsSync(to!)) throw systemError('EPERM');
      real(from!, to!);
    });
    takeLock(file).release();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('that is released at the same moment is taken', (t) => {
    const { directory, file } = placeOf('released');
    // What Linux says, what POSIX allows others to say, what Windows says.
    for (const code of ['ENOTEMPTY', 'EEXIST', 'EPERM']) {
      let calls = 0;
      whereCall(t, 'renameSync', (real) => (from, to) => {
        if (++calls === 1) throw systemError(code);
        real(from!, to!);
      });
      takeLock(file).release();
      assert.equal(calls, 2);
      assert.deepEqual(readdirSync(directory), []);
    }
  });

  it('that others take and release all the time is given up', (t) => {
    const { directory, file, place } = placeOf('contended');
    let calls = 0;
    whereCall(t, 'renameSync', () => () => {
      if (++calls > 1000) throw new Error('for ever');
      throw systemError('ENOTEMPTY');
    });
    assert.throws(() => takeLock(file), new InvalidRequest(`${place} cannot be written (ENOTEMPTY)`));
    assert.equal(calls, 100);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is refused where there is no directory for it', () => {
    const file = join(temporary.path, 'no', 'results.jsonl');
    assert.throws(() => takeLock(file), new InvalidRequest(`${file}.lock cannot be written (ENOENT)`));
  });

  it('is refused for a holder that cannot be read', () => {
    const { file, place } = placeOf('unreadable');
    mkdirSync(join(place, elsewhere()), { recursive: true });
    assert.throws(() => takeLock(file), /\(another process\)/);
  });

  it('whose entry leads nowhere is over', () => {
    const { directory, file, place } = placeOf('dangling');
    mkdirSync(place);
    symlinkSync('nowhere', join(place, elsewhere()));
    takeLock(file).release();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('gives a sign of life every ten seconds until it is released, and never takes it anew', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { file, place } = placeOf('signs');
    const listeners = process.listenerCount('exit');
    const lock = takeLock(file);
    assert.equal(process.listenerCount('exit'), listeners + 1);
    const entry = join(place, readdirSync(place)[0]!);
    const isOld = () => statSync(entry).mtimeMs === 1000;
    utimesSync(entry, 1, 1);
    t.mock.timers.tick(9_999);
    assert.ok(isOld());
    t.mock.timers.tick(1);
    assert.ok(!isOld());
    assert.equal(read(entry), read(entry).match(/^process \d+ on .+$/)![0]);
    rmSync(entry);
    t.mock.timers.tick(10_000);
    assert.equal(existsSync(entry), false);
    lock.release();
    assert.equal(process.listenerCount('exit'), listeners);
    mkdirSync(place, { recursive: true });
    writeFileSync(entry, 'of somebody else');
    t.mock.timers.tick(20_000);
    assert.equal(read(entry), 'of somebody else');
  });

  it('that another has by now is left to it when it is released', () => {
    const { file, place } = placeOf('taken over');
    const lock = takeLock(file);
    writeFileSync(join(place, 'another'), '');
    lock.release();
    assert.deepEqual(readdirSync(place), ['another']);
    rmSync(join(place, 'another'));
    rmdirSync(place);
  });
});

describe('the maker of a file', { skip: !LINUX && 'looks into /proc' }, () => {
  it('is known by a name of four parts, which may stand in another', () => {
    const name = '4711-1f3a90bc-77c0ffee-9b1d2c3e4f50';
    for (const whole of [name, `.show-and-tell-${name}.part`, `x${name}y`]) {
      assert.equal(makerIn(whole), name);
    }
    for (const other of [
      '',
      '-1f3a90bc-77c0ffee-9b1d2c3e4f50',
      'x-1f3a90bc-77c0ffee-9b1d2c3e4f50',
      '4711-1f3a90b-77c0ffee-9b1d2c3e4f50',
      '4711-1f3a90bg-77c0ffee-9b1d2c3e4f50',
      '4711-1f3a90bc-77c0ffe-9b1d2c3e4f50',
      '4711-1f3a90bc-77c0ffeg-9b1d2c3e4f50',
      '4711-1f3a90bc-77c0ffee-9b1d2c3e4f5',
      '4711-1f3a90bc-77c0ffee-9b1d2c3e4f5g',
    ]) {
      assert.equal(makerIn(other), undefined, other);
    }
    assert.match(makerName(), new RegExp(`^${process.pid}(-[0-9a-f]{8}){2}-[0-9a-f]{12}$`));
  });

  it('is elsewhere on a host, and in a container, of another name', (t) => {
    const name = makerName();
    whereCall(t, 'readlinkSync', () => () => 'pid:[4026539999]');
    assert.equal(makerState(name), 'elsewhere');
    whereCall(t, 'readlinkSync', () => () => {
      throw systemError('ENOENT');
    });
    assert.equal(makerState(name), 'elsewhere');
    assert.equal(makerState(makerName()), 'at work');
  });

  it('is at work where nobody tells when it began, before or now', (t) => {
    const name = makerName();
    assert.equal(makerState(name.replace(/-[0-9a-f]{8}-/, '-00000000-')), 'at work');
    whereCall(t, 'readFileSync', () => () => {
      throw systemError('EACCES');
    });
    assert.equal(makerState(name), 'at work');
    assert.match(makerName(), /^\d+-00000000-/);
  });

  it('is at work where it is somebody else’s', (t) => {
    const name = makerName();
    t.mock.method(process, 'kill', () => {
      throw systemError('EPERM');
    });
    assert.equal(makerState(name), 'at work');
  });

  it('is gone once it has ended, though nobody waited for it', async () => {
    const maker = JSON.stringify(new URL('../../src/files/maker.ts', import.meta.url));
    const program = `console.log((await import(${maker})).makerName())`;
    // What takes the place of the shell does not know of its child.
    const parent = spawn(
      'sh',
      ['-c', '"$0" --input-type=module -e "$1" & exec sleep 60', process.execPath, program],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const name = String((await once(parent.stdout!, 'data'))[0]).trim();
    while (!/\) Z /.test(read(`/proc/${Number.parseInt(name, 10)}/stat`))) await new Promise(setImmediate);
    assert.equal(makerState(name), 'gone');
    parent.kill();
    await once(parent, 'exit');
  });
});

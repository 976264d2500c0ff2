import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { InvalidRequest } from '../../src/errors.ts';
import { ChangedMeanwhile, replaceFile } from '../../src/files/replace-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';
import { withPrograms } from '../support/system/instead.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const OLD = Buffer.from('old content');
const NEW = Buffer.from('new');

/** A directory of its own with one file in it. */
function fileIn(name: string, mode = 0o644): { directory: string; file: string } {
  const directory = join(temporary.path, name);
  mkdirSync(directory);
  const file = join(directory, 'page.html');
  writeFileSync(file, OLD);
  chmodSync(file, mode);
  return { directory, file };
}

/** Runs a line of Python's `os` module; what it prints. */
function python(line: string, path: string, value: string): string {
  const program = `import sys; from os import *; path, value = sys.argv[1:]; ${line}`;
  return execFileSync('python3', ['-c', program, path, value], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Whether attributes can be set here at all. */
const xattrs = (() => {
  try {
    const { file } = fileIn('attributes');
    python('setxattr(path, value, b"1")', file, 'user.test');
    return true;
  } catch {
    return false;
  }
})();

describe('a file that is replaced', () => {
  it('has the new content, its permissions and times, and nothing beside it', async () => {
    const { directory, file } = fileIn('plain', 0o640);
    utimesSync(file, 946_684_800.5, 978_307_200.125_25);
    const { ino } = statSync(file);
    await replaceFile(file, OLD, NEW);
    const now = statSync(file);
    assert.deepEqual(readFileSync(file), NEW);
    assert.equal(now.mode & 0o7777, 0o640);
    assert.equal(now.atimeMs, 946_684_800_500);
    assert.notEqual(now.ino, ino);
    assert.ok(Math.abs(now.mtimeMs - 978_307_200_125.25) < 0.01, String(now.mtimeMs));
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });

  it('is the one that a symbolic link leads to', async () => {
    const { directory, file } = fileIn('linked');
    const link = join(directory, 'link.html');
    symlinkSync('page.html', link);
    await replaceFile(link, OLD, NEW);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.deepEqual(readFileSync(file), NEW);
  });

  it('keeps its owner where the superuser replaces it', {
    skip: process.getuid?.() !== 0 && 'needs root',
  }, async () => {
    const { file } = fileIn('owned');
    const { chownSync } = await import('node:fs');
    chownSync(file, 1234, 2345);
    await replaceFile(file, OLD, NEW);
    const { uid, gid } = statSync(file);
    assert.deepEqual([uid, gid], [1234, 2345]);
  });

  it('may have a name as long as names may be', async () => {
    const { directory, file } = fileIn('long');
    const long = join(directory, `${'写真'.repeat(41)}12345.jpg`);
    assert.equal(Buffer.byteLength(basename(long)), 255);
    renameSync(file, long);
    await replaceFile(long, OLD, NEW);
    assert.deepEqual(readFileSync(long), NEW);
    assert.deepEqual(readdirSync(directory), [basename(long)]);
  });

  it('keeps its access control list and its tags', {
    skip: !xattrs && 'no python3, or no such attributes here',
  }, async () => {
    const { file } = fileIn('tagged');
    // Of acl(5): version 2; owner rw-, user 1234 rw-, group r--, mask rw-, others r--.
    const entry = (tag: number, rights: number, id = 0xffffffff) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt16LE(tag, 0);
      bytes.writeUInt16LE(rights, 2);
      bytes.writeUInt32LE(id, 4);
      return bytes;
    };
    const acl = Buffer.concat([
      Buffer.of(2, 0, 0, 0),
      ...[entry(1, 6), entry(2, 6, 1234), entry(4, 4), entry(16, 6), entry(32, 4)],
    ]);
    python('setxattr(path, "system.posix_acl_access", bytes.fromhex(value))', file, acl.toString('hex'));
    python(
      'setxattr(path, "user.xdg.tags", bytes.fromhex(value))',
      file,
      Buffer.from('family').toString('hex'),
    );
    await replaceFile(file, OLD, NEW);
    assert.deepEqual(readFileSync(file), NEW);
    const attribute = (name: string) => python('print(getxattr(path, value).hex(), end="")', file, name);
    assert.equal(attribute('system.posix_acl_access'), acl.toString('hex'));
    assert.equal(attribute('user.xdg.tags'), Buffer.from('family').toString('hex'));
  });

  it('stays when it has another name, which would keep the old content', async () => {
    const { directory, file } = fileIn('twice');
    const other = join(directory, 'other.html');
    linkSync(file, other);
    await assert.rejects(replaceFile(file, OLD, NEW), {
      code: 'InvalidRequest',
      message: /2 names \(hard links\)/,
    });
    assert.deepEqual([readFileSync(file), readFileSync(other)], [OLD, OLD]);
    assert.equal(statSync(file).ino, statSync(other).ino);
  });

  it('stays when it would get another owner', {
    skip: process.getuid?.() !== 0 && 'needs root, to become somebody else',
  }, async (t) => {
    const { directory, file } = fileIn('foreign', 0o666);
    chmodSync(directory, 0o777);
    chmodSync(temporary.path, 0o755);
    process.seteuid!(65_534);
    t.after(() => process.seteuid!(0));
    await assert.rejects(replaceFile(file, OLD, NEW), {
      code: 'InvalidRequest',
      message: /belongs to user 0/,
    });
    assert.deepEqual(readdirSync(directory), ['page.html']);
    assert.deepEqual(readFileSync(file), OLD);
  });

  it('stays when the system has no cp that keeps what belongs to it', async (t) => {
    const { directory, file } = fileIn('bare');
    const { PATH } = process.env;
    t.after(() => {
      process.env.PATH = PATH;
    });
    process.env.PATH = directory;
    await assert.rejects(replaceFile(file, OLD, NEW), (error) => {
      assert.ok(error instanceof InvalidRequest);
      assert.equal(
        error.message,
        `${file} would lose what belongs to it besides its content: there is no cp`,
      );
      assert.match(String(error.cause), /ENOENT/);
      return true;
    });
    assert.deepEqual(readFileSync(file), OLD);
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });

  it('has a name that can be written', async () => {
    const odd = `${temporary.path}/\ud800.jpg`;
    await assert.rejects(replaceFile(odd, OLD, NEW), {
      code: 'InvalidRequest',
      message: 'its name is not UTF-8; rename it (convmv)',
    });
    await assert.rejects(replaceFile(join(temporary.path, 'none'), OLD, NEW), {
      message: `${join(temporary.path, 'none')} cannot be written (ENOENT)`,
    });
  });

  it('stays where it would lose something, which cp says in its last line', async (t) => {
    const { directory, file } = fileIn('lost');
    withPrograms(t, `${directory}.bin`, { cp: 'printf "cp: first\\ncp: no such attribute\\n" >&2; exit 1' });
    await assert.rejects(replaceFile(file, OLD, NEW), {
      message: `${file} would lose what belongs to it besides its content: cp: no such attribute`,
    });
    assert.deepEqual([readFileSync(file), readdirSync(directory)], [OLD, ['page.html']]);
  });

  it('is refused before anything is written when somebody has changed it meanwhile', async (t) => {
    const { directory, file } = fileIn('edited');
    withPrograms(t, `${directory}.bin`, { cp: 'exit 1', perl: 'exit 1' });
    await assert.rejects(replaceFile(file, Buffer.from('older'), NEW), ChangedMeanwhile);
    assert.deepEqual(readFileSync(file), OLD);
  });

  it('stays when somebody has changed it meanwhile, and when it is gone', async () => {
    const { directory, file } = fileIn('changed');
    await rejectsWith(replaceFile(file, Buffer.from('older'), NEW), 'InvalidRequest');
    assert.deepEqual(readFileSync(file), OLD);
    await rejectsWith(replaceFile(join(directory, 'none'), OLD, NEW), 'InvalidRequest');
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });
});

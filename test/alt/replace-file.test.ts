import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { replaceFile } from '../../src/alt/replace-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { rejectsWith } from '../support/errors.ts';

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

describe('a file that is replaced', () => {
  it('has the new content, its permissions, a new time and nothing beside it', async () => {
    const { directory, file } = fileIn('plain', 0o640);
    utimesSync(file, new Date('2001-01-01'), new Date('2001-01-01'));
    const { ino } = statSync(file);
    await replaceFile(file, OLD, NEW);
    const now = statSync(file);
    assert.deepEqual(readFileSync(file), NEW);
    assert.equal(now.mode & 0o7777, 0o640);
    assert.notEqual(now.ino, ino);
    assert.ok(Date.now() - now.mtimeMs < 60_000);
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

  it('stays when somebody has changed it meanwhile, and when it is gone', async () => {
    const { directory, file } = fileIn('changed');
    await rejectsWith(replaceFile(file, Buffer.from('older'), NEW), 'InvalidRequest');
    assert.deepEqual(readFileSync(file), OLD);
    await rejectsWith(replaceFile(join(directory, 'none'), OLD, NEW), 'InvalidRequest');
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });
});

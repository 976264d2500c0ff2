/** What another program writes at the same moment. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ChangedMeanwhile, replaceFile } from '../../src/files/replace-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const EDITOR = fileURLToPath(new URL('editor.ts', import.meta.url));
const ROUNDS = 200;
const OLD = 'page\n';
const NEW = 'page\nours\n';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

function fileIn(name: string): { directory: string; file: string } {
  const directory = join(temporary.path, name);
  mkdirSync(directory);
  const file = join(directory, 'page.html');
  writeFileSync(file, OLD);
  return { directory, file };
}

const real = (program: string) =>
  execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();

/** A PATH whose programs are those named, `first` running a line of shell before; `null` for one that is missing. */
function pathWith(name: string, programs: Record<string, string | null>): string {
  const directory = join(temporary.path, name);
  mkdirSync(directory);
  for (const program of ['cp', 'perl', 'sh', 'mv', 'cat']) {
    const before = programs[program];
    const place = join(directory, program);
    if (before === null) continue;
    if (before === undefined) symlinkSync(real(program), place);
    else {
      writeFileSync(place, `#!/bin/sh\n${before}\nexec ${real(program)} "$@"\n`);
      chmodSync(place, 0o755);
    }
  }
  return directory;
}

/** fcntl(2), F_SETLEASE: not every file system has leases. */
const NO_LEASES = (() => {
  const { file } = fileIn('lease');
  const { status } = spawnSync('perl', ['-e', 'open(my $f, "<", $ARGV[0]); exit !fcntl($f, 1024, 0)', file]);
  return status !== 0 && 'needs perl, and leases of the file system';
})();

/** The file of the test: the programs are started with it as the last argument, or as the one before. */
const EDITS: Record<string, string> = {
  'in place': 'printf "edit\\n" >> "$EDITED"',
  'by a new file': '{ cat "$EDITED"; echo edit; } > "$EDITED.new"; mv "$EDITED.new" "$EDITED"',
};

describe('an edit of another program', { skip: process.platform !== 'linux' && 'written for Linux' }, () => {
  for (const [way, edit] of Object.entries(EDITS)) {
    for (const [moment, programs] of [
      ['before the new file is written', { cp: edit }],
      ['before the exchange', { perl: edit }],
      ['before the exchange, without perl', { cp: edit, perl: null }],
    ] as [string, Record<string, string | null>][]) {
      it(`${way}, ${moment}, stays, and the file is refused`, async (t) => {
        const { directory, file } = fileIn(`${way} ${moment}`);
        const { PATH } = process.env;
        t.after(() => {
          process.env.PATH = PATH;
        });
        process.env.PATH = pathWith(`programs ${way} ${moment}`, programs);
        process.env.EDITED = file;
        await assert.rejects(replaceFile(file, Buffer.from(OLD), Buffer.from(NEW)), ChangedMeanwhile);
        assert.equal(readFileSync(file, 'utf8'), 'page\nedit\n');
        assert.deepEqual(readdirSync(directory), ['page.html']);
      });
    }
  }

  it('that has begun, for the file is open for writing, is waited for', { skip: NO_LEASES }, async () => {
    const { directory, file } = fileIn('open');
    const editor = openSync(file, 'r+');
    await assert.rejects(replaceFile(file, Buffer.from(OLD), Buffer.from(NEW)), ChangedMeanwhile);
    writeSync(editor, 'edit');
    closeSync(editor);
    assert.equal(readFileSync(file, 'utf8'), 'edit\n');
    await replaceFile(file, Buffer.from('edit\n'), Buffer.from(NEW));
    assert.equal(readFileSync(file, 'utf8'), NEW);
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });

  it('leaves a file that nobody edits to be replaced, without perl too', async (t) => {
    const { directory, file } = fileIn('quiet');
    const { PATH } = process.env;
    t.after(() => {
      process.env.PATH = PATH;
    });
    process.env.PATH = pathWith('no perl', { perl: null });
    await replaceFile(file, Buffer.from(OLD), Buffer.from(NEW));
    assert.equal(readFileSync(file, 'utf8'), NEW);
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });

  it(`is never lost in ${ROUNDS} rounds, and there is a file all the time`, async (t) => {
    const { directory, file } = fileIn('rounds');
    const ways = ['append', 'rename', 'late'];
    const editor = spawn(process.execPath, [EDITOR, file, String(ROUNDS), ...ways], { stdio: 'inherit' });
    const end = once(editor, 'exit');
    const counts = { replaced: 0, refused: 0 };
    while (editor.exitCode === null) {
      const read = readFileSync(file);
      try {
        await replaceFile(file, read, Buffer.concat([read, Buffer.from('ours\n')]));
        counts.replaced++;
      } catch (error) {
        assert.ok(error instanceof ChangedMeanwhile, String(error));
        counts.refused++;
      }
    }
    t.diagnostic(JSON.stringify(counts));
    assert.deepEqual(await end, [0, null]);
    const edits = readFileSync(file, 'utf8').match(/^edit .*$/gm);
    assert.deepEqual(
      edits,
      Array.from({ length: ROUNDS }, (_, round) => `edit ${round}`),
    );
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });
});

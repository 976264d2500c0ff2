/** Files that somebody else writes while `alt` does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { altText } from '../../../src/alt/alt-text.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../../src/model/load.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { type Finished, runCli } from '../../support/cli.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';

const other = readSamples().find(({ path }) => path !== COFFEE)!;
const captioner = await loadCaptioner(DEFAULT_BUNDLE, { threads: 1 });
const textOf = async (path: string) =>
  altText((await captioner.caption(readFileSync(path))).captions[0]!.text);
const COFFEE_ALT = await textOf(COFFEE);

const temporary = temporaryDirectory();
after(() => temporary.dispose());

function directoryOf(name: string): string {
  const directory = join(temporary.path, name);
  mkdirSync(directory);
  copyFileSync(COFFEE, join(directory, 'coffee.jpg'));
  return directory;
}

/** Runs `alt` with a `cp` before which `edit`, a line of shell, is done: after the file was read, before it is replaced. */
function altWhile(edit: string, args: readonly string[]): Promise<Finished> {
  const programs = join(temporary.path, `programs-${readdirSync(temporary.path).length}`);
  mkdirSync(programs);
  const cp = execFileSync('sh', ['-c', 'command -v cp'], { encoding: 'utf8' }).trim();
  const once = join(programs, 'once');
  writeFileSync(join(programs, 'cp'), `#!/bin/sh\nONCE='${once}'\n${edit}\nexec ${cp} "$@"\n`);
  chmodSync(join(programs, 'cp'), 0o755);
  return runCli(['alt', ...args], { env: { ...process.env, PATH: `${programs}:${process.env.PATH}` } });
}

describe('alt, while somebody else edits', { skip: process.platform !== 'linux' && 'replaces cp' }, () => {
  it('a page, reads it anew, says nothing twice, and fills in what there is now', async () => {
    const directory = directoryOf('page');
    const page = join(directory, 'page.html');
    writeFileSync(page, '<img src="coffee.jpg">\n');
    const edit = `[ -e "$ONCE" ] || { touch "$ONCE"; echo '<p>edit</p><img src="./coffee.jpg">' >> '${page}'; }`;
    const { status, stdout, stderr } = await altWhile(edit, ['--html', page]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, `${page}:1: coffee.jpg: ${COFFEE_ALT}\n${page}:2: ./coffee.jpg: ${COFFEE_ALT}\n`);
    const alt = `alt="${COFFEE_ALT}"`;
    assert.equal(
      readFileSync(page, 'utf8'),
      `<img ${alt} src="coffee.jpg">\n<p>edit</p><img ${alt} src="./coffee.jpg">\n`,
    );
  });

  it('a photograph, captions what is there now', async () => {
    const directory = directoryOf('photograph');
    const photo = join(directory, 'coffee.jpg');
    const edit = `[ -e "$ONCE" ] || { touch "$ONCE"; cat '${other.path}' > '${photo}'; }`;
    const { status, stdout, stderr } = await altWhile(edit, ['--write-xmp', photo]);
    assert.deepEqual([status, stderr], [0, '']);
    const text = await textOf(other.path);
    assert.equal(stdout, `${photo}: ${text}\n`);
    assert.ok(readFileSync(photo).includes(text));
    assert.deepEqual(readdirSync(directory), ['coffee.jpg']);
  });

  it('again and again, gives up this file alone', async () => {
    const directory = directoryOf('again');
    const page = join(directory, 'page.html');
    const quiet = join(directory, 'quiet.html');
    for (const file of [page, quiet]) writeFileSync(file, '<img src="coffee.jpg">');
    const { status, stderr } = await altWhile(`echo edit >> '${page}'`, ['--html', page, quiet]);
    assert.equal(status, 3);
    assert.ok(
      stderr.startsWith(`show-and-tell: ${page}: InvalidRequest: ${page} has changed meanwhile`),
      stderr,
    );
    assert.match(stderr, /^[^\n]+\n$/);
    assert.match(readFileSync(page, 'utf8'), /^<img src="coffee.jpg">(edit\n){5}$/);
    assert.match(readFileSync(quiet, 'utf8'), /^<img alt=/);
    assert.deepEqual(readdirSync(directory).sort(), ['coffee.jpg', 'page.html', 'quiet.html']);
  });
});

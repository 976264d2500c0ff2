/** What a killed process leaves, and what the next one makes of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { makerName } from '../../src/files/maker.ts';
import { putFile } from '../../src/files/write-file.ts';
import { temporaryDirectory } from '../support/bundles.ts';

const REPLACE = new URL('../../src/files/replace-file.ts', import.meta.url);

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const partOf = (maker: string) => `.show-and-tell-${maker}.part`;
/** Born at another time than this process, so it is over. */
const gone = () => makerName().replace(/-[0-9a-f]{8}-/, '-12345678-');
const elsewhere = () => makerName().replace(/-[0-9a-f]{8}-(?=[0-9a-f]{12})/, '-00000001-');
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** A replacement of page.html, old to new, that was cut off: what stands in each of its files. */
function cutOff(directory: string, { file, aside }: { file: string; aside?: string }): void {
  const part = join(directory, partOf(gone()));
  mkdirSync(join(part, 'file'), { recursive: true });
  writeFileSync(join(part, 'file', 'page.html'), file);
  writeFileSync(join(part, 'hashes'), `${hash('old')} ${hash('new')}`);
  if (aside !== undefined) writeFileSync(join(part, 'aside'), aside);
}

const read = (directory: string) => readFileSync(join(directory, 'page.html'), 'utf8');

describe('the next run', { skip: process.platform !== 'linux' && 'looks into /proc' }, () => {
  it('removes what processes left that are over, and nothing else', async () => {
    const directory = temporary.make('mixed');
    const stays = [partOf(makerName()), partOf(elsewhere()), '.show-and-tell-1.part', 'photo.part'];
    const old = partOf(elsewhere());
    for (const name of [...stays, partOf(gone()), old]) writeFileSync(join(directory, name), '');
    mkdirSync(join(directory, partOf(gone())));
    utimesSync(join(directory, old), 1, 1);
    await putFile(join(directory, 'new'), '');
    assert.deepEqual(readdirSync(directory).sort(), [...stays, 'new'].sort());
  });

  for (const [what, target, files, now] of [
    ['a file that was not exchanged yet', 'old', { file: 'new' }, 'old'],
    ['one that was', 'new', { file: 'old' }, 'new'],
    ['one that waited aside', null, { file: 'new', aside: 'old' }, 'old'],
    ['an edit that waited aside', null, { file: 'new', aside: 'edit' }, 'edit'],
    ['an edit that nobody had looked at', 'new', { file: 'edit' }, 'edit'],
  ] as [string, string | null, { file: string; aside?: string }, string][]) {
    it(`finds ${what}`, async () => {
      const directory = temporary.make(what);
      if (target !== null) writeFileSync(join(directory, 'page.html'), target);
      cutOff(directory, files);
      await putFile(join(directory, 'other'), '');
      assert.equal(read(directory), now);
      assert.deepEqual(readdirSync(directory), ['other', 'page.html']);
    });
  }

  it('keeps one of two edits beside the other', async () => {
    const directory = temporary.make('two');
    writeFileSync(join(directory, 'page.html'), 'another edit');
    cutOff(directory, { file: 'edit' });
    await putFile(join(directory, 'other'), '');
    assert.equal(read(directory), 'another edit');
    assert.equal(readdirSync(directory).length, 3);
  });

  it('finds a whole file whenever the process was killed, and cleans up', async (t) => {
    const directory = temporary.make('killed');
    const file = join(directory, 'page.html');
    writeFileSync(file, 'old');
    const program = `
      const { replaceFile } = await import(${JSON.stringify(REPLACE)});
      const [file, texts] = [${JSON.stringify(file)}, ['old', 'new'].map((text) => Buffer.from(text))];
      const { readFileSync } = await import('node:fs');
      console.log('ready');
      for (;;) {
        const [read, content] = readFileSync(file, 'utf8') === 'old' ? texts : [...texts].reverse();
        await replaceFile(file, read, content);
      }`;
    let left = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await pause(30 + round * 4);
      child.kill('SIGKILL');
      await once(child, 'exit');
      // A program that it had started ends by itself.
      await pause(30);
      left += readdirSync(directory).length > 1 ? 1 : 0;
      assert.match(read(directory), /^(old|new)$/);
    }
    t.diagnostic(`${left} of 12 left something to the next`);
    const last = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `await (await import(${JSON.stringify(new URL('../../src/files/part.ts', import.meta.url))})).clearParts(${JSON.stringify(directory)})`,
    ]);
    assert.deepEqual(await once(last, 'exit'), [0, null]);
    assert.deepEqual(readdirSync(directory), ['page.html']);
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { openResults } from '../../../src/cli/caption/resume.ts';
import { readBundle } from '../../../src/model/bundle.ts';
import { DEFAULT_BUNDLE } from '../../../src/model/load.ts';
import { copyBundle, flipByte, temporaryDirectory } from '../../support/bundles.ts';
import { finished, runCli, startCli } from '../../support/cli.ts';
import { COFFEE, readSamples, SAMPLES } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

const RECIPE = { model: { name: 'any', hash: '' }, options: {}, duplicatesCount: false };

/** For tests of what happens beside captioning: the shortest run. */
const QUICK = ['--beam', '1', '--max-length', '3'];

type ResultLine = { image: string; sha256?: string; options?: object } & Partial<CaptionResult> & {
    error?: { code: string };
  };

function linesOf(file: string): ResultLine[] {
  const text = readFileSync(file, 'utf8');
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is whole');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** All that two runs must agree on, whatever the order. */
function contents(file: string): string[] {
  return linesOf(file)
    .map(({ timings: _, ...line }) => JSON.stringify(line))
    .sort();
}

/** Runs with `--resume file` and says what was counted. */
async function resume(file: string, args: readonly string[]) {
  const run = await runCli(['caption', '--resume', file, ...QUICK, ...args]);
  const counted = /: (\d+) captioned, (\d+) failed, (\d+) done before, (\d+) duplicates?\n$/.exec(run.stdout);
  const [captioned, failed, done] = counted?.slice(1).map(Number) ?? [];
  return { ...run, captioned, failed, done };
}

/** Photographs, copies of them, a file that is no image, each under a name of its own. */
function makeAlbum(name: string, copies: number, text = '0-text.jpg'): string {
  mkdirSync(at(name));
  for (const { name: photo, path } of readSamples()) {
    for (let copy = 0; copy < copies; copy++) copyFileSync(path, at(`${name}/${copy}-${photo}`));
  }
  writeFileSync(at(`${name}/${text}`), 'not a photograph');
  return at(name);
}

describe('--resume', { concurrency: 2 }, () => {
  it('writes the lines of --json with hash and options, and prints a summary alone', async () => {
    const file = at('lines.jsonl');
    const { status, stdout, stderr } = await resume(file, [COFFEE, at('missing.jpg')]);
    assert.deepEqual([status, stderr], [3, '']);
    assert.equal(stdout, `${file}: 1 captioned, 1 failed, 0 done before, 0 duplicates\n`);
    const json = await runCli(['caption', '--json', ...QUICK, COFFEE]);
    const { timings: _, ...expected } = JSON.parse(json.stdout) as CaptionResult;
    const [coffee, missing] = linesOf(file);
    const { sha256, options, timings, ...rest } = coffee!;
    assert.deepEqual(rest, expected);
    assert.equal(sha256, createHash('sha256').update(readFileSync(COFFEE)).digest('hex'));
    const { decoding } = (await readBundle(DEFAULT_BUNDLE)).manifest;
    assert.deepEqual(options, { ...decoding, beamWidth: 1, maxLength: 3, minLength: 1 });
    assert.ok(timings!.total > 0);
    assert.equal(missing!.error!.code, 'ImageNotFound');
  });

  it('skips what is done, however the path is spelled and with any number of jobs', async () => {
    const file = at('done.jsonl');
    const first = await resume(file, [SAMPLES]);
    const before = readFileSync(file);
    const count = readSamples().length;
    assert.deepEqual([first.status, first.captioned, first.done], [0, count, 0]);
    for (const again of [[`${SAMPLES}/`], [`${SAMPLES}/./../samples`, '--jobs', '2']]) {
      const { status, captioned, done } = await resume(file, again);
      assert.deepEqual([status, captioned, done], [0, 0, count]);
      assert.deepEqual(readFileSync(file), before);
    }
  });

  it('after a kill gives the lines of an uninterrupted run, with any number of jobs', async (t) => {
    const album = makeAlbum('killed', 6);
    const whole = at('whole.jsonl');
    const { status } = await resume(whole, ['--jobs', '2', album]);
    assert.equal(status, 3);
    for (const jobs of ['1', '2']) {
      const file = at(`killed${jobs}.jsonl`);
      const child = startCli(['caption', '--resume', file, ...QUICK, '--jobs', jobs, album]);
      const end = finished(child);
      await sizeOver(file, 4000);
      child.kill('SIGKILL');
      assert.equal((await end).signal, 'SIGKILL');
      const before = readFileSync(file, 'utf8').split('\n').length - 1;
      t.diagnostic(`killed after ${before} of ${contents(whole).length} lines`);
      const resumed = await resume(file, ['--jobs', jobs, album]);
      assert.equal(resumed.status, 3);
      assert.ok(before > 0 && resumed.captioned! > 0);
      assert.deepEqual(contents(file), contents(whole));
    }
  });

  it('after Ctrl-C finds whole lines, and only what is missing is captioned', async () => {
    const album = makeAlbum('interrupted', 6, 'z-text.jpg');
    const file = at('interrupted.jsonl');
    const child = startCli(['caption', '--resume', file, ...QUICK, '--jobs', '2', album]);
    const end = finished(child);
    await sizeOver(file, 4000);
    child.kill('SIGINT');
    const { status, stderr, stdout } = await end;
    assert.deepEqual([status, stderr], [130, '']);
    const done = linesOf(file).filter(({ captions }) => captions !== undefined).length;
    assert.match(stdout, new RegExp(`: ${done} captioned, 0 failed, 0 done before`));
    const rest = await resume(file, [album]);
    assert.equal(rest.done! + rest.captioned!, 6 * readSamples().length);
    // Copies of what was done count as done as well.
    assert.ok(rest.done! >= done);
    assert.equal(contents(file).length, 6 * readSamples().length + 1);
  });

  it('is one run’s at a time: a second is refused, with what to do, and the first is not disturbed', async () => {
    const album = makeAlbum('two', 6);
    const file = at('two.jsonl');
    const first = startCli(['caption', '--resume', file, ...QUICK, album]);
    const end = finished(first);
    await sizeOver(file, 1);
    first.kill('SIGSTOP');
    const second = await resume(file, [album]);
    first.kill('SIGCONT');
    assert.equal(second.status, 2);
    assert.equal(second.stdout, '');
    assert.match(
      second.stderr,
      new RegExp(`^show-and-tell: InvalidRequest: ${file} is written by another run`),
    );
    assert.match(second.stderr, new RegExp(`process ${first.pid} on [^\\n]*remove ${file}\\.lock\\n$`));
    assert.equal((await end).status, 3);
    assert.equal(new Set(linesOf(file).map(({ image }) => image)).size, linesOf(file).length);
    assert.equal((await resume(file, [album])).captioned, 0);
    assert.equal(existsSync(`${file}.lock`), false);
  });

  it('drops a line that was cut off', async () => {
    const file = at('cut.jsonl');
    await resume(file, [SAMPLES]);
    const before = contents(file);
    truncateSync(file, statSync(file).size - 100);
    const { status, captioned, done } = await resume(file, [SAMPLES]);
    assert.deepEqual([status, captioned, done], [0, 1, readSamples().length - 1]);
    assert.deepEqual(contents(file), before);
  });

  it('captions again what has changed, and what another model or other options said', async () => {
    const file = at('changed.jsonl');
    const photo = at('changed.jpg');
    const bundle = copyBundle(makeDirectory('bundle'));
    let usual = '';
    bundle.editManifest((manifest) => {
      usual = manifest.name;
      manifest.name = 'another';
    });
    const captionedWith = async (...args: string[]) => (await resume(file, [photo, ...args])).captioned;
    copyFileSync(COFFEE, photo);
    assert.equal(await captionedWith(), 1);
    copyFileSync(readSamples()[0]!.path, photo);
    assert.equal(await captionedWith(), 1);
    assert.equal(await captionedWith('--model', bundle.directory), 1);
    assert.equal(await captionedWith('--ban', 'dog'), 1);
    assert.equal(await captionedWith('--trace'), 1);
    const before = readFileSync(file);
    for (const args of [[], ['--model', bundle.directory]]) {
      assert.equal(await captionedWith(...args), 0, args.join(' '));
    }
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(
      linesOf(file).map(({ model, trace }) => [model!.name, trace !== undefined]),
      [
        [usual, false],
        [usual, false],
        ['another', false],
        [usual, false],
        [usual, true],
      ],
    );
  });

  it('gives a renamed image a line of its own, without captioning it again', async () => {
    const file = at('renamed.jsonl');
    copyFileSync(COFFEE, at('old.jpg'));
    await resume(file, [at('old.jpg')]);
    renameSync(at('old.jpg'), at('new.jpg'));
    const { status, captioned, done } = await resume(file, [at('new.jpg')]);
    assert.deepEqual([status, captioned, done], [0, 0, 1]);
    const [old, renamed] = linesOf(file);
    assert.deepEqual(renamed, { ...old, image: at('new.jpg') });
    assert.equal((await resume(file, [at('new.jpg')])).done, 1);
    assert.equal(linesOf(file).length, 2);
  });

  it('writes one line for a file that is named several times', async () => {
    const file = at('thrice.jsonl');
    await resume(file, ['--jobs', '2', COFFEE, COFFEE, COFFEE]);
    assert.deepEqual(
      linesOf(file).map(({ image }) => image),
      [COFFEE],
    );
  });

  it('tries failed images again, and records a failure once', async () => {
    const file = at('failed.jsonl');
    const [text, missing] = [at('later.jpg'), at('later-still.jpg')];
    writeFileSync(text, 'not a photograph');
    for (let round = 0; round < 2; round++) {
      const { status, failed } = await resume(file, [text, missing, missing]);
      assert.deepEqual([status, failed], [3, 3]);
      assert.deepEqual(
        linesOf(file).map(({ image, error }) => [image, error!.code]),
        [
          [text, 'UnsupportedImage'],
          [missing, 'ImageNotFound'],
        ],
      );
    }
    for (const image of [text, missing]) copyFileSync(COFFEE, image);
    const { status, captioned, done } = await resume(file, [text, missing]);
    assert.deepEqual([status, captioned! + done!], [0, 2]);
  });

  it('does not record what is no image’s fault', async () => {
    const bundle = copyBundle(makeDirectory('damaged'));
    flipByte(bundle.pathOf('decoder'));
    const file = at('unusable.jsonl');
    const { status, stderr } = await resume(file, ['--model', bundle.directory, COFFEE]);
    assert.equal(status, 4);
    assert.match(stderr, /ModelUnusable/);
    assert.deepEqual(linesOf(file), []);
  });

  it('refuses a file that holds no results, and leaves it as it is', async () => {
    const good = `${JSON.stringify({ image: COFFEE, error: { code: 'ImageNotFound' } })}\n`;
    const cases: [name: string, content: string | Buffer][] = [
      ['photo.jpg', readFileSync(COFFEE)],
      ['text.txt', 'a note without a newline'],
      ['damaged.jsonl', `${good}{"image":"b.jp\n${good}`],
      ['other.jsonl', `${good}{"name":"photo"}\n`],
    ];
    for (const [name, content] of cases) {
      const file = at(name);
      writeFileSync(file, content);
      assert.throws(() => openResults(file, RECIPE), { code: 'InvalidRequest' }, name);
      assert.deepEqual(readFileSync(file), Buffer.from(content));
    }
    for (const jobs of ['1', '2']) {
      const { status, stdout, stderr } = await resume(at('text.txt'), ['--jobs', jobs, COFFEE]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /InvalidRequest: --resume: /);
    }
  });

  it('refuses what cannot be opened or is no regular file', () => {
    for (const file of [temporary.path, at('no/such/directory.jsonl'), '/dev/null']) {
      assert.throws(() => openResults(file, RECIPE), { code: 'InvalidRequest' });
    }
  });

  it('drops the last line wherever it was cut off, and keeps all before', () => {
    const line = (image: string) => `${JSON.stringify({ image, error: { code: 'ImageNotFound' } })}\n`;
    const [first, last] = [line('a.jpg'), line('größe.jpg')];
    const bytes = Buffer.from(first + last);
    for (let end = first.length; end < bytes.length; end++) {
      writeFileSync(at('cuts.jsonl'), bytes.subarray(0, end));
      openResults(at('cuts.jsonl'), RECIPE).close();
      // With its newline alone missing, a line is whole.
      assert.equal(readFileSync(at('cuts.jsonl'), 'utf8'), end === bytes.length - 1 ? first + last : first);
    }
  });

  it('passes over blank lines and a byte order mark, as editors and shells leave them', async () => {
    const file = at('blank.jsonl');
    await resume(file, [COFFEE]);
    const [line] = readFileSync(file, 'utf8').split('\n');
    for (const [before, after] of [
      ['', '\n\n'],
      ['\n\r\n', '\n'],
      ['\uFEFF', '\n'],
      ['\uFEFF\n', '\n \t'],
    ]) {
      writeFileSync(file, `${before}${line}${after}`);
      const again = await resume(file, [COFFEE, at('none.jpg')]);
      assert.deepEqual([again.status, again.done], [3, 1], again.stderr);
      const lines = readFileSync(file, 'utf8')
        .replace(/^\uFEFF/, '')
        .split('\n')
        .filter((text) => text.trim() !== '');
      assert.equal(lines.length, 2);
      assert.equal(lines[0], line);
      assert.equal((JSON.parse(lines[1]!) as ResultLine).error!.code, 'ImageNotFound');
    }
  });

  it('copies the first line of a file that begins with a byte order mark', async () => {
    const file = at('marked.jsonl');
    await resume(file, [COFFEE]);
    writeFileSync(file, `\uFEFF${readFileSync(file, 'utf8')}`);
    copyFileSync(COFFEE, at('copy.jpg'));
    const { captioned, done } = await resume(file, [at('copy.jpg')]);
    assert.deepEqual([captioned, done], [0, 1]);
  });

  it('knows relative names from any working directory, and when file and images have moved together', async () => {
    const root = makeDirectory('trip');
    const photos = makeDirectory('trip/photos');
    makeDirectory('elsewhere');
    copyFileSync(COFFEE, join(photos, 'a.jpg'));
    writeFileSync(join(photos, 'text.jpg'), 'not a photograph');
    const run = async (cwd: string, file: string, image: string) => {
      const { stdout, stderr } = await runCli(['caption', '--resume', file, ...QUICK, image], { cwd });
      assert.equal(stderr, '');
      return stdout.replace(/^[^:]*: /, '');
    };
    await run(photos, '../out.jsonl', '.');
    const before = readFileSync(join(root, 'out.jsonl'), 'utf8');
    assert.match(before, /"image":"a\.jpg","relativeTo":"photos"/);
    assert.match(await run(root, 'out.jsonl', 'photos'), /^0 captioned, 1 failed, 1 done before/);
    assert.match(await run(at('elsewhere'), join(root, 'out.jsonl'), join(photos, 'a.jpg')), /1 done before/);
    renameSync(root, at('moved'));
    assert.match(await run(at('elsewhere'), '../moved/out.jsonl', '../moved/photos'), /1 done before/);
    assert.equal(readFileSync(at('moved/out.jsonl'), 'utf8'), before);
    // Another image of the same relative name is another image.
    copyFileSync(readSamples()[0]!.path, at('elsewhere/a.jpg'));
    assert.match(await run(at('elsewhere'), '../moved/out.jsonl', 'a.jpg'), /^1 captioned/);
  });

  it('takes lines without a directory as names of this one, as they were written before', async () => {
    const file = at('older.jsonl');
    const cwd = makeDirectory('older');
    copyFileSync(COFFEE, join(cwd, 'a.jpg'));
    const args = ['caption', '--resume', file, ...QUICK, 'a.jpg'];
    await runCli(args, { cwd });
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"relativeTo":"[^"]*",/, ''));
    const before = readFileSync(file, 'utf8');
    assert.match((await runCli(args, { cwd })).stdout, /1 done before/);
    assert.equal(readFileSync(file, 'utf8'), before);
  });

  it('adds the newline that an editor took away', async () => {
    const file = at('edited.jsonl');
    await resume(file, [COFFEE]);
    truncateSync(file, statSync(file).size - 1);
    assert.equal((await resume(file, [COFFEE])).done, 1);
    assert.equal(linesOf(file).length, 1);
  });
});

function makeDirectory(name: string): string {
  mkdirSync(at(name));
  return at(name);
}

async function sizeOver(file: string, bytes: number): Promise<void> {
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= bytes) await pause(2);
}

/** What others wrote never reaches a terminal as they wrote it: names of files, words of vocabularies, messages. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { copyBundle, temporaryDirectory } from '../support/bundles.ts';
import { finished, LAUNCH, runCli } from '../support/cli.ts';
import { COFFEE } from '../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

/** Sets the title, and a line that looks like the program's own. */
const NAME = 'a\u001b]0;b\u0007\nshow-and-tell: c\u009b31m\u202e\u007f.jpg';
const SHOWN = 'a\\u001b]0;b\\u0007\\u000ashow-and-tell: c\\u009b31m\\u202e\\u007f.jpg';
const WORD = 'bowl\u001b[2k\u009b2k\u2066';
const SHOWN_WORD = 'bowl\\u001b[2k\\u009b2k\\u2066';
const QUICK = ['--beam', '1', '--max-length', '8'];

function hasScript(): boolean {
  try {
    // That of util-linux.
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
}

/** Runs the program on a terminal of its own; both of its streams as they come there. */
async function onTerminal(args: readonly string[]): Promise<string> {
  const line = [process.execPath, LAUNCH, ...args]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return (await finished(child)).stdout;
}

describe('a terminal', { skip: !hasScript() && 'needs script of util-linux' }, () => {
  const image = join(temporary.path, NAME);
  const model = join(temporary.path, 'model');
  const args = ['--model', model, ...QUICK];
  before(() => {
    copyFileSync(COFFEE, image);
    mkdirSync(model);
    const bundle = copyBundle(model);
    const words = readFileSync(bundle.pathOf('vocabulary'), 'utf8').replace(/^bowl(?= )/m, WORD);
    bundle.replace('vocabulary', Buffer.from(words));
  });

  for (const [what, words, shown] of [
    ['captions', ['caption', ...args, image], [SHOWN, SHOWN_WORD]],
    ['captions as JSON', ['caption', '--json', ...args, image], [SHOWN_WORD]],
    ['alternative texts', ['alt', ...args, image], [SHOWN]],
    ['a table', ['alt', '--csv', ...args, image], [SHOWN, SHOWN_WORD]],
    ['a failure', ['caption', ...args, `${image}.missing`], [`${SHOWN}.missing`]],
    ['a wrong option', ['caption', '--require', WORD, COFFEE], [SHOWN_WORD]],
    ['a flag that there is not', ['caption', `--${NAME}`], [SHOWN]],
    ['a source that is nowhere', ['import', '--from', image, '--out', `${image}.out`], [SHOWN]],
  ] as [string, string[], string[]][]) {
    it(`shows ${what} escaped`, async () => {
      const text = await onTerminal(words);
      for (const part of shown) assert.ok(text.includes(part), text);
      assert.doesNotMatch(text.replaceAll(/\r+\n/g, ''), /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      assert.doesNotMatch(text, /^show-and-tell: c/m);
    });
  }

  it('is not sent bytes that are no text', async () => {
    const text = await onTerminal(['results', '--bucket', 'results', '--format', 'parquet']);
    assert.match(text, /^show-and-tell: InvalidRequest: .*--out/);
  });

  it('is not what data is written for', async () => {
    const { stdout } = await runCli(['alt', '--csv', ...args, image]);
    assert.ok(stdout.includes(NAME));
    const page = join(temporary.path, 'page.html');
    writeFileSync(page, `<img src="${encodeURIComponent(NAME)}">`);
    await runCli(['alt', '--html', page, ...args]);
    assert.ok(!readFileSync(page, 'utf8').includes('\\u00'));
  });
});

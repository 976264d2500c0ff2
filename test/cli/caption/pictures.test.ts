import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import sharp from 'sharp';
import type { CaptionResult } from '../../../src/caption/result.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { COFFEE } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

describe('pictures of how a caption came about', () => {
  it('are a heat map for each word of the best caption and a tree for each image', async () => {
    const args = ['caption', '--json', '--explain-to', at('maps'), '--trace-to', at('trees'), COFFEE, COFFEE];
    const { status, stdout } = await runCli(args);
    assert.equal(status, 0);
    const [line] = stdout.split('\n');
    const { captions, explanation, trace } = JSON.parse(line!) as CaptionResult;
    assert.equal(explanation ?? trace, undefined, 'numbers only when asked for');
    assert.deepEqual(readdirSync(at('trees')), ['0001-coffee.svg', '0002-coffee.svg']);
    const maps = readdirSync(at('maps/0001-coffee'));
    assert.equal(maps.length, captions[0]!.words.length);
    assert.equal(maps[0], `01-${captions[0]!.words[0]!.word}.png`);
    const { format, width, height } = await sharp(at(`maps/0001-coffee/${maps[0]}`)).metadata();
    const coffee = await sharp(COFFEE).metadata();
    assert.deepEqual([format, width, height], ['png', coffee.width, coffee.height]);
  });

  it('a tree shows every word of the best caption on its green path', async () => {
    const { stdout } = await runCli(['caption', '--json', '--trace', '--trace-to', at('tree'), COFFEE]);
    const { captions, trace } = JSON.parse(stdout) as CaptionResult;
    const svg = readFileSync(at('tree/0001-coffee.svg'), 'utf8');
    const best = [...svg.matchAll(/<g class="node \w+ told best">.*?<text x[^>]*>(.*?) \d+ %<\/text>/g)];
    const said = best.map(([, word]) => word);
    assert.equal(said.join(' '), captions[0]!.text);
    assert.equal(svg.match(/<g /g)!.length, trace!.length);
    await sharp(Buffer.from(svg)).metadata();
  });

  it('numbers are in the JSON when asked for', async () => {
    const { stdout } = await runCli(['caption', '--json', '--explain', '--gender-neutral', COFFEE]);
    const { captions, explanation } = JSON.parse(stdout) as CaptionResult;
    assert.deepEqual(
      explanation!.words.map(({ word }) => word),
      captions[0]!.words.map(({ word }) => word),
    );
    for (const { importance } of explanation!.words) {
      assert.equal(importance.length, explanation!.rows * explanation!.columns);
    }
  });

  it('wrong wishes are refused before an image is read', async () => {
    writeFileSync(at('file'), '');
    for (const args of [
      ['--explain'],
      ['--trace'],
      ['--explain-to', at('file')],
      ['--require', 'zeitgeist'],
    ]) {
      const { status, stdout } = await runCli(['caption', ...args, COFFEE]);
      assert.equal(status, 2, args.join(' '));
      assert.equal(args[1] === at('file') || stdout === '', true);
    }
  });
});

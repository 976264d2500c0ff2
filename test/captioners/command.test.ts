/** A captioner with attention through the program as a user starts it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { captionResultSchema } from '../../src/caption/result.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { readSamples } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const model = await importKind('vit-gpt2', place.path);
const photographs = readSamples().slice(0, 4);
const paths = photographs.map(({ path }) => path);

const caption = (...args: string[]) => runCli(['caption', '--model', model, ...args]);

/** Lines of `--json`, each a result as it is described. */
async function resultsOf(...args: string[]) {
  const { status, stdout, stderr } = await caption('--json', ...args);
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { image, ...result } = JSON.parse(line) as { image: string };
      return { image, ...captionResultSchema.parse(result) };
    });
}

describe('show-and-tell caption with a captioner of pieces', () => {
  it('says of each photograph what the library says, with one job and with two', async () => {
    const captioner = await loadCaptioner(model, { threads: 1 });
    const expected = await Promise.all(photographs.map(({ bytes }) => captioner.caption(bytes)));
    await captioner.close();
    for (const jobs of ['1', '2']) {
      const results = await resultsOf('--jobs', jobs, '--threads', '1', ...paths);
      for (const [i, { image, captions, confidence }] of results.entries()) {
        assert.equal(image, paths[i]);
        assert.deepEqual(captions, expected[i]!.captions);
        assert.equal(confidence, undefined);
      }
    }
  });

  it('keeps to what is asked of words, whatever pieces they have', async () => {
    const [one] = await resultsOf('--gender-neutral', '--top', '3', '--beam', '4', paths[0]!);
    const [word] = one!.captions[0]!.words.filter(({ word }) => word.length > 2).map(({ word }) => word);
    assert.ok(word);
    const asked = ['--ban', word, '--require', 'red dog', '--prefix', 'a photo', '--min-length', '6'];
    const more = ['--unique-ngrams', '2', '--max-length', '24', '--trace'];
    const results = await resultsOf(...asked, ...more, ...paths);
    assert.equal(results.length, paths.length);
    for (const { captions, trace } of results) {
      for (const [i, { text, words }] of captions.entries()) {
        // Of its end.
        assert.ok(trace!.find(({ caption }) => caption === i)!.step > 6, text);
        assert.match(text, /^a photo\b/);
        assert.match(text, /\bred dog\b/);
        assert.ok(!words.some((said) => said.word === word), text);
      }
    }
  });

  it('draws the tree of a search', async () => {
    const trees = join(place.path, 'trees');
    const { status } = await caption('--trace-to', trees, paths[0]!);
    assert.equal(status, 0);
    const [name] = readdirSync(trees);
    assert.match(readFileSync(join(trees, name!), 'utf8'), /^<svg.*<text.*<\/svg>\s*$/s);
  });

  const maps = join(place.path, 'maps');
  const refused: [flags: string[], message: RegExp][] = [
    [['--explain-to', maps], /^show-and-tell: InvalidRequest: --explain: this model cannot say which part /],
    [['--explain', '--json', '--jobs', '2'], /InvalidRequest: --explain: this model cannot say which part /],
    [['--min-confidence', '0.5'], /InvalidRequest: --min-confidence: this model was not calibrated/],
  ];
  for (const [flags, message] of refused) {
    it(`refuses ${flags[0]}${flags.includes('--jobs') ? ' over threads' : ''} in one line, before any image is looked at`, async () => {
      const { status, stdout, stderr } = await caption(...flags, 'nowhere.jpg');
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.match(stderr, /^[^\n]+\n$/);
      assert.equal(existsSync(maps), false);
    });
  }
});

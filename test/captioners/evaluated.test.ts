/** A captioner of pieces is scored, gets its confidence, becomes INT8, and writes alternative text. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { captionResultSchema } from '../../src/caption/result.ts';
import { InvalidRequest, ModelUnusable } from '../../src/errors.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { quantizeBundle } from '../../src/quantize/quantize-bundle.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { runCli } from '../support/cli.ts';
import { COFFEE, readSamples } from '../support/samples.ts';
import { importKind } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const model = await importKind('vit-gpt2', place.path);

/** Parts of the photographs, each a picture of its own. */
const TILES = 10;

describe('the confidence of a captioner of pieces', () => {
  const images = join(place.path, 'images');
  const captions = join(place.path, 'captions.json');
  before(async () => {
    mkdirSync(images);
    const captioner = await loadCaptioner(model, { threads: 1 });
    const said: Record<string, string[]> = {};
    for (const { name, bytes } of readSamples()) {
      const { width, height } = await sharp(bytes).metadata();
      for (let i = 0; i < TILES; i++) {
        const left = Math.floor((i * (width - 64)) / TILES);
        const top = Math.floor((i * (height - 64)) / TILES);
        const tile = await sharp(bytes).extract({ left, top, width: 64, height: 64 }).png().toBuffer();
        const file = `${i}-${basename(name)}.png`;
        writeFileSync(join(images, file), tile);
        // Half of its captions are what somebody wrote.
        const wrote = i % 2 === 0 ? (await captioner.caption(tile)).captions[0]!.text : 'nothing of the kind';
        said[file] = [wrote];
      }
    }
    await captioner.close();
    writeFileSync(captions, JSON.stringify({ dev: said }));
  });

  it('is there once it was fitted, and sorts', async () => {
    const one = join(images, '0-coffee.jpg.png');
    const captioner = await loadCaptioner(model);
    const before = await captioner.caption(readFileSync(one));
    await captioner.close();
    assert.equal(before.confidence, undefined);
    const fitted = join(place.path, 'fitted');
    cpSync(model, fitted, { recursive: true });
    const scored = await runCli([
      ...['evaluate', '--model', fitted, '--images', images, '--captions', captions, '--save'],
    ]);
    assert.equal(scored.status, 0, scored.stderr);
    assert.match(scored.stdout, /BLEU-4.*Confidence/s);
    const { manifest } = await readBundle(fitted);
    assert.ok(manifest.formatVersion === 2 && manifest.confidence && manifest.metrics);
    for (const [line, needsReview] of [
      ['0', false],
      ['1', true],
    ] as const) {
      const asked = ['caption', '--json', '--min-confidence', line, '--model', fitted, one];
      const { status, stdout, stderr } = await runCli(asked);
      assert.equal(status, 0, stderr);
      const result = captionResultSchema.parse(withoutImage(stdout));
      assert.ok(result.confidence! > 0 && result.confidence! < 1);
      assert.equal(result.needsReview, needsReview);
      assert.deepEqual(
        result.captions.map(({ text }) => text),
        before.captions.map(({ text }) => text),
      );
    }
  });
});

function withoutImage(line: string): object {
  const { image: _image, ...result } = JSON.parse(line) as { image: string };
  return result;
}

describe('INT8 of a captioner of pieces', () => {
  const images = readSamples()
    .slice(0, 3)
    .map(({ bytes }) => bytes);
  const settingsOf = (directory: string) => ({
    directory,
    images,
    out: `${directory}-int8`,
    name: 'int8',
    onProgress: () => undefined,
  });

  for (const kind of ['vit-gpt2-merged', 'deit-roberta'] as const) {
    it(`is made of ${kind}, with what it costs`, async () => {
      const directory = await importKind(kind, place.path);
      const { draft, agreement } = await quantizeBundle(settingsOf(directory));
      await draft.publish();
      assert.equal(agreement.images, images.length);
      assert.ok(agreement.cosine > 0.999, `${agreement.cosine}`);
      const captioner = await loadCaptioner(`${directory}-int8`, { threads: 1 });
      const { manifest } = captioner.bundle;
      assert.equal(manifest.precision, 'int8');
      const { files } = (await readBundle(directory)).manifest;
      assert.ok(manifest.files.decoder.bytes < files.decoder.bytes);
      const [first, again] = [await captioner.captionAll(images), await captioner.caption(images[1]!)];
      await captioner.close();
      // Each row has steps of its own.
      assert.deepEqual(first[1]!.captions, again.captions);
      await assert.rejects(quantizeBundle(settingsOf(`${directory}-int8`)), InvalidRequest);
      await assert.rejects(
        loadCaptioner(`${directory}-int8`, { executionProvider: 'cuda' }),
        (error) => error instanceof ModelUnusable && /precision fp32 .* cuda/.test(error.message),
      );
    });
  }

  it('is not made of half precision', async () => {
    const directory = await importKind('vit-gpt2-fp16', place.path);
    await assert.rejects(quantizeBundle(settingsOf(directory)), /already fp16; give the fp32 bundle/);
  });
});

describe('alternative text of a captioner of pieces', () => {
  it('is proposed, and fills a page', async () => {
    const site = place.make('site');
    cpSync(COFFEE, join(site, 'coffee.jpg'));
    writeFileSync(join(site, 'index.html'), '<!doctype html><img src="coffee.jpg">');
    const { stdout } = await runCli(['alt', '--json', '--model', model, COFFEE]);
    const { alt } = JSON.parse(stdout) as { alt: string };
    assert.match(alt, /^[A-Z].*[a-z]\.$/);
    const filled = await runCli(['alt', '--model', model, '--html', join(site, 'index.html')]);
    assert.equal(filled.status, 0, filled.stderr);
    assert.ok(readFileSync(join(site, 'index.html'), 'utf8').includes(`alt="${alt}"`));
  });
});

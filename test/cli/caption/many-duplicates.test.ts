import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { distance, type Look, lookOf, MAX_DISTANCE } from '../../../src/cli/caption/duplicates.ts';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { COFFEE, readSamples } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());
const at = (name: string) => join(temporary.path, name);

const QUICK = ['--beam', '1', '--max-length', '3', '--skip-duplicates'];
const CHELSEA = readSamples().find(({ name }) => name === 'chelsea.jpg')!.path;

/** The same picture as a person would say. */
const COPIES: Record<string, (photo: Buffer, width: number, height: number) => Promise<Buffer>> = {
  'JPEG of quality 50': (photo) => sharp(photo).jpeg({ quality: 50 }).toBuffer(),
  'JPEG of quality 20': (photo) => sharp(photo).jpeg({ quality: 20 }).toBuffer(),
  PNG: (photo) => sharp(photo).png({ compressionLevel: 1 }).toBuffer(),
  WebP: (photo) => sharp(photo).webp({ quality: 60 }).toBuffer(),
  'half its size': (photo, width) =>
    sharp(photo)
      .resize(Math.round(width / 2))
      .jpeg()
      .toBuffer(),
  'a quarter of its size': (photo, width) =>
    sharp(photo)
      .resize(Math.round(width / 4))
      .jpeg()
      .toBuffer(),
  'twice its size': (photo, width) =>
    sharp(photo)
      .resize(2 * width)
      .jpeg()
      .toBuffer(),
  'in grey': (photo) => sharp(photo).greyscale().jpeg().toBuffer(),
  'one percent cut off at each side': (photo, width, height) => {
    const [left, top] = [Math.round(width / 100), Math.round(height / 100)];
    const area = { left, top, width: width - 2 * left, height: height - 2 * top };
    return sharp(photo).extract(area).jpeg().toBuffer();
  },
};

async function look(bytes: Uint8Array): Promise<Look> {
  const found = await lookOf(bytes);
  assert.ok(found !== null);
  return found;
}

describe('what looks the same', () => {
  const samples = readSamples();

  for (const [name, copy] of Object.entries(COPIES)) {
    it(`is a copy of a photograph: ${name}`, async (t) => {
      const bits = await Promise.all(
        samples.map(async ({ bytes }) => {
          const { width, height } = await sharp(bytes).metadata();
          return distance(await look(bytes), await look(await copy(bytes, width, height)));
        }),
      );
      t.diagnostic(`at most ${Math.max(...bits)} of 64 bits differ`);
      // Cut off at the sides, a herd in a meadow differs in nine.
      const alike = bits.filter((count) => count <= MAX_DISTANCE);
      assert.ok(alike.length >= 0.9 * bits.length, bits.join(' '));
    });
  }

  it('is no other photograph', async (t) => {
    const looks = await Promise.all(samples.map(({ bytes }) => look(bytes)));
    const bits = looks.flatMap((a, i) => looks.slice(0, i).map((b) => distance(a, b)));
    t.diagnostic(`at least ${Math.min(...bits)} of 64 bits differ`);
    assert.ok(Math.min(...bits) > 2 * MAX_DISTANCE);
  });

  it('is no flat picture: all of them look the same', async () => {
    for (const background of ['#fff', '#000', '#c33']) {
      const flat = sharp({ create: { width: 90, height: 60, channels: 3, background } });
      assert.equal(await lookOf(await flat.jpeg().toBuffer()), null);
    }
  });

  it('is no picture of fewer than sixteen levels in each channel', async () => {
    const raw = { width: 32, height: 32, channels: 3 } as const;
    for (const channel of [0, 1, 2]) {
      for (const [levels, flat] of [
        [15, true],
        [16, false],
      ] as const) {
        const pixels = Buffer.alloc(32 * 32 * 3, 100);
        for (let i = channel; i < pixels.length / 2; i += 3) pixels[i] = 100 + levels;
        const found = await lookOf(await sharp(pixels, { raw }).png().toBuffer());
        assert.equal(found === null, flat, `${levels} in channel ${channel}`);
      }
    }
  });
});

describe('--skip-duplicates', () => {
  before(async () => {
    mkdirSync(at('album'));
    writeFileSync(at('album/0.jpg'), readFileSync(COFFEE).subarray(0, 20_000));
    copyFileSync(COFFEE, at('album/1.jpg'));
    copyFileSync(CHELSEA, at('album/2.jpg'));
    writeFileSync(at('album/3.webp'), await COPIES.WebP!(readFileSync(COFFEE), 0, 0));
    writeFileSync(at('album/4.png'), await COPIES.PNG!(readFileSync(CHELSEA), 0, 0));
    copyFileSync(CHELSEA, at('album/5.jpg'));
  });

  const album = at('album');
  /** The first one is damaged: nothing can point to it. */
  const expected = [
    ['0.jpg', 'UnsupportedImage'],
    ['1.jpg', 'captions'],
    ['2.jpg', 'captions'],
    ['3.webp', '1.jpg'],
    ['4.png', '2.jpg'],
    ['5.jpg', '2.jpg'],
  ];
  type Line = { image: string; captions?: object; duplicateOf?: string; error?: { code: string } };
  const told = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line): Line => JSON.parse(line))
      .map(({ image, captions, duplicateOf, error }) => [
        image.slice(album.length + 1),
        captions ? 'captions' : (error?.code ?? duplicateOf?.slice(album.length + 1)),
      ]);

  for (const jobs of ['1', '2']) {
    it(`captions each picture once, and points to it, with --jobs ${jobs}`, async () => {
      const { status, stdout } = await runCli(['caption', '--json', ...QUICK, '--jobs', jobs, album]);
      assert.equal(status, 3);
      assert.deepEqual(told(stdout), expected);
    });
  }

  it('says so in the text as well', async () => {
    const { stdout } = await runCli(['caption', ...QUICK, at('album/2.jpg'), at('album/5.jpg')]);
    assert.equal(stdout.match(/^ {2}0\) /gm)!.length, 1);
    assert.ok(stdout.includes(at('album/2.jpg'), stdout.indexOf(at('album/5.jpg'))));
  });

  it('goes on where a run with --resume ended, as if it had not', async () => {
    const file = at('resumed.jsonl');
    const resume = (...images: string[]) => runCli(['caption', '--resume', file, ...QUICK, ...images]);
    await resume(...['0.jpg', '1.jpg', '2.jpg', '3.webp'].map((name) => at(`album/${name}`)));
    const { stdout } = await resume(album);
    assert.match(stdout, /: 0 captioned, 1 failed, 3 done before, 2 duplicates\n$/);
    assert.deepEqual(told(readFileSync(file, 'utf8')), expected);
    // Without the flag a pointer is no caption.
    const again = await runCli(['caption', '--resume', file, '--beam', '1', '--max-length', '3', album]);
    assert.match(again.stdout, /: 2 captioned, 1 failed, 3 done before, 0 duplicates\n$/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { isLossyWebp, tileRowsOf } from '../../../src/model/formats/layout.ts';
import { decodeNeed } from '../../../src/model/memory/need.ts';
import { tiff } from '../../support/crafted-images.ts';

const SMALL = { width: 224, height: 224 };
const MEBIBYTE = 2 ** 20;
const picture = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: 64, height: 48, channels, background: { r: 9, g: 99, b: 199, alpha: 0.5 } } });

/** MiB for a file of that kind, were it as large as that. */
async function needOf(file: Sharp, width: number, height: number, whole = false): Promise<number> {
  const bytes = await file.toBuffer();
  const metadata: Metadata = { ...(await sharp(bytes).metadata()), width, height };
  const scaled = metadata.depth !== 'uchar' && metadata.depth !== 'ushort';
  return decodeNeed(metadata, bytes, { resize: whole ? null : SMALL, scaled }) / MEBIBYTE;
}

/** What `bench/decode.ts` and the like measured, MiB: a small copy, all pixels. */
const MEASURED: [string, () => Sharp, [number, number], number, number][] = [
  ['JPEG', () => picture().jpeg(), [6000, 6000], 2, 114],
  ['JPEG, wide', () => picture().jpeg(), [60_000, 600], 203, 212],
  ['JPEG, progressive', () => picture().jpeg({ progressive: true }), [6000, 6000], 104, 217],
  [
    'JPEG, progressive, CMYK',
    () => picture().toColourspace('cmyk').jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
    [6000, 6000],
    280,
    395,
  ],
  ['PNG', () => picture().png(), [6000, 6000], 27, 114],
  ['PNG, wide', () => picture().png(), [60_000, 600], 194, 193],
  ['PNG, interlaced', () => picture().png({ progressive: true }), [6000, 6000], 121, 207],
  ['PNG, RGBA of 16 bits', () => picture(4).toColourspace('rgb16').png(), [6000, 6000], 77, 134],
  ['WebP', () => picture().webp(), [6000, 6000], 2, 280],
  ['WebP, lossless', () => picture().webp({ lossless: true }), [6000, 6000], 139, 280],
  ['WebP, transparent', () => picture(4).webp(), [6000, 6000], 45, 281],
  ['GIF', () => picture().gif(), [6000, 6000], 178, 255],
  ['AVIF', () => picture().avif(), [6000, 6000], 629, 625],
  ['AVIF of 12 bits', () => picture().avif({ bitdepth: 12 }), [6000, 6000], 847, 839],
  ['TIFF', () => picture().tiff(), [6000, 6000], 28, 114],
];

describe('what an image needs', () => {
  for (const [kind, file, [width, height], small, whole] of MEASURED) {
    it(`is a little more than was measured: ${kind}`, async () => {
      for (const [measured, all] of [
        [small, false],
        [whole, true],
      ] as const) {
        const need = await needOf(file(), width, height, all);
        assert.ok(need >= measured, `${need} below ${measured}`);
        assert.ok(need <= 2.5 * measured + 8, `${need} far above ${measured}`);
      }
    });
  }

  it('is little for photographs', async () => {
    assert.ok((await needOf(picture().jpeg(), 4032, 3024)) < 16);
    assert.ok((await needOf(picture().webp(), 4032, 3024)) < 16);
    assert.ok((await needOf(picture().png(), 1920, 1080)) < 16);
  });

  it('has the samples that are scaled in it', async () => {
    const bytes = tiff({ width: 2, height: 1, pixels: Buffer.alloc(24), format: 3, bits: 32, channels: 3 });
    const metadata: Metadata = { ...(await sharp(bytes).metadata()), width: 6000, height: 6000 };
    assert.equal(metadata.depth, 'float');
    assert.ok(decodeNeed(metadata, bytes, { resize: SMALL, scaled: true }) / MEBIBYTE > 456);
  });
});

describe('what headers of libvips do not say', () => {
  it('is read of WebP: whether it is lossy, the first frame of an animation too', async () => {
    const frames = () =>
      sharp(Buffer.alloc(32 * 64 * 3, 7), {
        raw: { width: 32, height: 64, channels: 3, pageHeight: 32 } as never,
      });
    assert.equal(isLossyWebp(await picture().webp().toBuffer()), true);
    assert.equal(isLossyWebp(await picture(4).webp().toBuffer()), true);
    assert.equal(isLossyWebp(await picture().webp({ lossless: true }).toBuffer()), false);
    assert.equal(isLossyWebp(await frames().webp().toBuffer()), true);
    assert.equal(isLossyWebp(await frames().webp({ lossless: true }).toBuffer()), false);
    assert.equal(isLossyWebp(Buffer.from('RIFF')), false);
  });

  it('is read of TIFF: how high its tiles are', async () => {
    const tiled = (options: object) =>
      picture()
        .tiff({ tile: true, tileWidth: 32, tileHeight: 16, ...options })
        .toBuffer();
    assert.equal(tileRowsOf(await tiled({})), 16);
    assert.equal(tileRowsOf(await tiled({ bigtiff: true })), 16);
    assert.equal(tileRowsOf(await picture().tiff().toBuffer()), 0);
  });
});

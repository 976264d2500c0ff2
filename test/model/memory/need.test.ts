import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { isLossyWebp, tileRowsOf } from '../../../src/model/formats/layout.ts';
import { decodeNeed } from '../../../src/model/memory/need.ts';
import { tiff, tiffOf } from '../../support/crafted-images.ts';

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

  it('counts the file, which is there all the while', async () => {
    const bytes = await picture().png().toBuffer();
    const metadata = await sharp(bytes).metadata();
    const needs = [bytes, Buffer.concat([bytes], 50 * MEBIBYTE)].map((file) =>
      decodeNeed(metadata, file, { resize: SMALL, scaled: false }),
    );
    assert.equal(needs[1]! - needs[0]!, 50 * MEBIBYTE - bytes.length);
  });

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

/** Bytes, without the margin and what every image takes. */
function beyondPipeline(
  header: Partial<Metadata>,
  resize: { width: number; height: number } | null,
  bytes: Uint8Array = new Uint8Array(),
) {
  const metadata = { format: 'jpeg', depth: 'uchar', channels: 3, width: 6000, height: 6000, ...header };
  const scaled = !['uchar', 'ushort'].includes(metadata.depth);
  return (decodeNeed(metadata as Metadata, bytes, { resize, scaled }) - bytes.length) / 1.1 - (4 << 20);
}

function near(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) <= 1 + expected / 1e6, `${found}, not ${expected}`);
}

describe('what is held of an image', () => {
  const PIXELS = 36e6;

  it('are rows of what the decoder shrinks it to: a JPEG by 8, 4 or 2, as sharp chooses', () => {
    for (const [times, shrink] of [
      [12, 8],
      [9, 8],
      [8.9, 4],
      [5, 4],
      [4.9, 2],
      [3, 2],
      [2.9, 1],
      [0.5, 1],
    ] as const) {
      const side = 6000 / times;
      const rows = Math.min(1800, (2.4 * 6000) / shrink);
      const expected = (rows * 6000 * 3) / shrink;
      near(beyondPipeline({}, { width: side, height: side }), expected);
      // The side that is shrunk least decides.
      near(beyondPipeline({}, { width: side / 2, height: side }), expected);
      near(beyondPipeline({}, { width: side, height: side / 2 }), expected);
    }
  });

  it('are no more rows than a low image has, two and a half times', () => {
    near(beyondPipeline({ format: 'png', height: 100 }, SMALL), 240 * 6000 * 3);
    near(beyondPipeline({ format: 'png', height: 10_000 }, SMALL), 1800 * 6000 * 3);
  });

  it('are all samples of one with several scans or passes', () => {
    const rows = beyondPipeline({}, SMALL);
    const progressive = { isProgressive: true };
    near(beyondPipeline(progressive, SMALL) - rows, 2 * 3 * PIXELS);
    near(beyondPipeline({ ...progressive, chromaSubsampling: '4:2:0' }, SMALL) - rows, 3 * PIXELS);
    near(
      beyondPipeline({ ...progressive, channels: 1 }, SMALL) - beyondPipeline({ channels: 1 }, SMALL),
      2 * PIXELS,
    );
    for (const [depth, bytes] of [
      ['uchar', 1],
      ['ushort', 2],
    ] as const) {
      const png = { format: 'png', depth, channels: 4 } as const;
      near(
        beyondPipeline({ ...png, ...progressive }, SMALL) - beyondPipeline(png, SMALL),
        bytes * 4 * PIXELS,
      );
    }
  });

  it('is a WebP’s frame as large as it is loaded, two of an animation, and what its kind keeps', async () => {
    const rows = 1800 * 600 * 3;
    const small = { width: 600, height: 600 };
    const lossy = await picture().webp().toBuffer();
    const lossless = await picture().webp({ lossless: true }).toBuffer();
    const webp = { format: 'webp' } as const;
    const frame = (4.5 * PIXELS) / 100;
    // Ten times as small: fewer rows than are kept of others.
    assert.equal((2.4 * 6000) / 10 < 1800, true);
    const low = (rows * 1440) / 1800;
    near(beyondPipeline(webp, small, lossy), low + frame);
    near(beyondPipeline({ ...webp, pages: 2 }, small, lossy), low + 2 * frame);
    near(beyondPipeline({ ...webp, pages: 50 }, small, lossy), low + 2 * frame);
    near(beyondPipeline({ ...webp, hasAlpha: true }, small, lossy), low + frame + 1.5 * PIXELS);
    near(beyondPipeline({ ...webp, hasAlpha: true }, small, lossless), low + frame + 4.2 * PIXELS);
    // It is never loaded larger than it is.
    near(beyondPipeline(webp, { width: 9000, height: 9000 }, lossy), 1800 * 6000 * 3 + 4.5 * PIXELS);
  });

  it('is all that the decoders of GIF and AVIF keep', () => {
    const rows = 1800 * 6000 * 3;
    near(beyondPipeline({ format: 'gif' }, SMALL), rows + 4.7 * PIXELS);
    near(beyondPipeline({ format: 'heif' }, SMALL), rows + 18 * PIXELS);
    near(beyondPipeline({ format: 'heif', depth: 'ushort' }, SMALL), 2 * rows + 24 * PIXELS);
  });

  it('are all pixels where they are wanted, twice where it is turned or may be dark', () => {
    const rows = 1800 * 6000 * 3;
    near(beyondPipeline({}, null), rows + 3 * PIXELS);
    near(beyondPipeline({ orientation: 1 }, null), rows + 3 * PIXELS);
    near(beyondPipeline({ orientation: 6 }, null), rows + 6 * PIXELS);
    near(beyondPipeline({ format: 'png', depth: 'ushort' }, null), 2 * rows + 6 * PIXELS);
    near(beyondPipeline({ format: 'png', depth: 'ushort', orientation: 2 }, null), 2 * rows + 12 * PIXELS);
    near(beyondPipeline({ format: 'heif' }, null), rows + 18 * PIXELS);
    near(beyondPipeline({ orientation: 6 }, SMALL), beyondPipeline({}, SMALL));
  });

  it('are samples as floating point where they are scaled, and two rows of tiles', () => {
    const tiffOfDepth = (depth: string, channels: 1 | 3 | 4) =>
      beyondPipeline({ format: 'tiff', depth: depth as 'float', channels }, SMALL, STRIPS);
    const STRIPS = tiffOf({ little: true, big: false }, []);
    for (const [depth, bytes] of [
      ['char', 1],
      ['short', 2],
      ['uint', 4],
      ['int', 4],
      ['float', 4],
      ['double', 8],
      ['complex', 8],
      ['dpcomplex', 16],
    ] as const) {
      near(tiffOfDepth(depth, 1), 1800 * 6000 * bytes + 7 * PIXELS);
      for (const channels of [3, 4] as const)
        near(tiffOfDepth(depth, channels), 1800 * 6000 * channels * bytes + 15 * PIXELS);
    }
    const tiles = (rows: number) => tiffOf({ little: true, big: false }, [[323, 3, [rows]]]);
    near(beyondPipeline({ format: 'tiff' }, SMALL, tiles(1000)), (1800 + 2400) * 6000 * 3);
    near(beyondPipeline({ format: 'tiff', height: 500 }, SMALL, tiles(1000)), (1200 + 1200) * 6000 * 3);
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

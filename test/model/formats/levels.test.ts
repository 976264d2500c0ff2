import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import sharp from 'sharp';
import { IM2TXT_INPUT, type ImageInput } from '../../../src/caption/image-input.ts';
import { decodeImage } from '../../../src/model/image.ts';
import { tiff } from '../../support/crafted-images.ts';
import { rejectsWith } from '../../support/errors.ts';
import { COFFEE } from '../../support/samples.ts';

const photo = readFileSync(COFFEE);

const WIDTH = 160;
const HEIGHT = 120;
const SMALL: ImageInput = {
  resampling: 'antialiased',
  width: 32,
  height: 24,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};

/** 0 to 1. */
let grey: number[];
let colour: number[];
before(async () => {
  const small = sharp(photo).resize(WIDTH, HEIGHT);
  colour = Array.from(await small.clone().raw().toBuffer(), (level) => level / 255);
  const levels = await small.greyscale().toColourspace('b-w').raw().toBuffer();
  grey = Array.from(levels, (level) => level / 255);
});

type Samples = Float32Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Int8Array;

function fileOf(samples: Samples, format: number, channels: number): Buffer {
  const pixels = new Uint8Array(samples.buffer);
  return tiff({
    width: WIDTH,
    height: HEIGHT,
    pixels,
    format,
    bits: 8 * samples.BYTES_PER_ELEMENT,
    channels,
  });
}

/** Correlation of the decoded levels with the picture: 1 where it is the same but for brightness and contrast. */
async function likeness(bytes: Buffer, picture: number[], channels: number): Promise<number> {
  const { pixels } = await decodeImage(bytes, IM2TXT_INPUT);
  const seen = channels === 3 ? [...pixels] : [...pixels].filter((_, i) => i % 3 === 0);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [mean(seen), mean(picture)];
  const product = (x: number[], y: number[], dx: number, dy: number) =>
    x.reduce((sum, value, i) => sum + (value - dx) * (y[i]! - dy), 0);
  return (
    product(seen, picture, a, b) / Math.sqrt(product(seen, seen, a, a) * product(picture, picture, b, b))
  );
}

/** How a picture of 0 to 1 is stored. */
const STORED: Record<string, { format: number; of: (picture: number[]) => Samples }> = {
  'floating point, 0 to 1': { format: 3, of: (p) => Float32Array.from(p) },
  'floating point, 0 to 255': { format: 3, of: (p) => Float32Array.from(p, (v) => Math.round(255 * v)) },
  'floating point, 0 to 65535': { format: 3, of: (p) => Float32Array.from(p, (v) => 65535 * v) },
  'floating point, -1 to 1': { format: 3, of: (p) => Float32Array.from(p, (v) => 2 * v - 1) },
  'floating point, thousandths': { format: 3, of: (p) => Float32Array.from(p, (v) => v / 1000) },
  'floating point, far from zero': { format: 3, of: (p) => Float32Array.from(p, (v) => 1e30 * (v + 1)) },
  'floating point, a hot pixel': { format: 3, of: (p) => Float32Array.from(p).fill(1e30, 7, 8) },
  'floating point, infinite pixels': {
    format: 3,
    of: (p) => Float32Array.from(p).fill(Number.POSITIVE_INFINITY, 0, 3).fill(Number.NEGATIVE_INFINITY, 3, 6),
  },
  'floating point, some no number': { format: 3, of: (p) => Float32Array.from(p).fill(Number.NaN, 0, 30) },
  'signed 8 bits': { format: 2, of: (p) => Int8Array.from(p, (v) => 255 * v - 128) },
  'signed 16 bits': { format: 2, of: (p) => Int16Array.from(p, (v) => 65535 * v - 32768) },
  'signed 16 bits, the positive half': { format: 2, of: (p) => Int16Array.from(p, (v) => 32767 * v) },
  'signed 16 bits, the negative half': { format: 2, of: (p) => Int16Array.from(p, (v) => 30000 * (v - 1)) },
  'signed 32 bits, of which 12': { format: 2, of: (p) => Int32Array.from(p, (v) => 4095 * v) },
  'unsigned 32 bits': { format: 1, of: (p) => Uint32Array.from(p, (v) => 4294967295 * v) },
  'unsigned 32 bits, of which 12': { format: 1, of: (p) => Uint32Array.from(p, (v) => 4095 * v) },
  'unsigned 16 bits': { format: 1, of: (p) => Uint16Array.from(p, (v) => 65535 * v) },
  'unsigned 16 bits, of which 14': { format: 1, of: (p) => Uint16Array.from(p, (v) => 16383 * v) },
  'unsigned 16 bits, of which 12': { format: 1, of: (p) => Uint16Array.from(p, (v) => 4095 * v) },
  'unsigned 16 bits, of which 10': { format: 1, of: (p) => Uint16Array.from(p, (v) => 1023 * v) },
  'unsigned 16 bits, of which 8': { format: 1, of: (p) => Uint16Array.from(p, (v) => 255 * v) },
};

describe('whatever the range of its samples, a TIFF is seen', () => {
  for (const [title, { format, of }] of Object.entries(STORED)) {
    for (const channels of [1, 3]) {
      it(`${title}, ${channels === 1 ? 'grey' : 'RGB'}`, async () => {
        const picture = channels === 1 ? grey : colour;
        const bytes = fileOf(of(picture), format, channels);
        const r = await likeness(bytes, picture, channels);
        // Linear light, which floating-point RGB is taken for, bends the scale.
        assert.ok(r > 0.93, `correlation ${r}`);
        const { pixels, originalWidth, originalHeight } = await decodeImage(bytes, SMALL);
        assert.deepEqual([originalWidth, originalHeight, pixels.length], [WIDTH, HEIGHT, 32 * 24 * 3]);
        const levels = [...pixels];
        assert.ok(Math.max(...levels) > 150 && Math.min(...levels) < 60, 'it has its contrast');
      });
    }
  }
});

it('0 to 1 are black and white whatever the picture has of them', async () => {
  const dim = Float32Array.from(grey, (value) => 0.25 + value / 4);
  const { pixels } = await decodeImage(fileOf(dim, 3, 1), IM2TXT_INPUT);
  const off = [...pixels].filter((level, i) => Math.abs(level - 255 * dim[Math.floor(i / 3)]!) > 1);
  assert.deepEqual(off, []);
});

it('a few stars are seen', async () => {
  const stars = new Float32Array(WIDTH * HEIGHT);
  for (const at of [500, 9000, 15000]) stars[at] = 40;
  const { pixels } = await decodeImage(fileOf(stars, 3, 1), IM2TXT_INPUT);
  assert.deepEqual([pixels[3 * 499], pixels[3 * 500]], [0, 255]);
});

it('where no sample says anything the image is refused, never black', async () => {
  for (const value of [0, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const rule of [IM2TXT_INPUT, SMALL]) {
      const bytes = fileOf(new Float32Array(WIDTH * HEIGHT).fill(value), 3, 1);
      const error = await rejectsWith(decodeImage(bytes, rule), 'UnsupportedImage');
      assert.match(error.message, /sample/);
    }
  }
});

it('a dark PNG of 16 bits is seen, and a bright one as it was', async () => {
  const png = (scale: number) =>
    sharp(
      Uint16Array.from(colour, (value) => scale * value),
      { raw: { width: WIDTH, height: HEIGHT, channels: 3 } },
    )
      .toColourspace('rgb16')
      .png()
      .toBuffer();
  const brightest = async (scale: number) =>
    Math.max(...(await decodeImage(await png(scale), IM2TXT_INPUT)).pixels);
  assert.ok((await brightest(4095)) > 240);
  const half = await brightest(32767);
  assert.ok(half >= 126 && half <= 128, `${half}`);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { IM2TXT_INPUT, type ImageInput, type PillowInput } from '../../src/caption/image-input.ts';
import { networkInput, seenArea, seenPixels } from '../../src/caption/preprocess.ts';
import { resampleTf1 } from '../../src/caption/resampling/tf1-bilinear.ts';

function golden(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/golden/${name}`, import.meta.url));
}

/** The issue allows 1e-6; what is measured is equality. */
const TOLERANCE = 1e-6;

test('equals TensorFlow’s whole input tensor when fed TensorFlow’s pixels', () => {
  const pixels = gunzipSync(golden('chelsea-small-64x48.default.rgb.gz'));
  const bytes = gunzipSync(golden('preprocessed-small.f32.gz'));
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const found = resampleTf1({ pixels, width: 64, height: 48 }, IM2TXT_INPUT);
  assert.equal(found.length, expected.length);
  assert.ok(found.every((value, i) => value === expected[i]));
});

interface GoldenImage {
  file: string;
  accurate: {
    preprocessed: { mean: number; min: number; max: number; sample: { index: number[]; value: number[] } };
  };
}
const { images } = JSON.parse(golden('tiny.json').toString()) as { images: GoldenImage[] };

for (const { file, accurate } of images) {
  test(`equals TensorFlow’s samples of ${file}`, async () => {
    // TensorFlow ignores EXIF orientation and drops alpha: so does this plain decode.
    const { data, info } = await sharp(golden(`images/${file}`))
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const found = resampleTf1({ pixels: data, width: info.width, height: info.height }, IM2TXT_INPUT);
    const { sample, mean, min, max } = accurate.preprocessed;
    sample.index.forEach((index, i) => {
      assert.ok(Math.abs(found[index]! - Math.fround(sample.value[i]!)) <= TOLERANCE, `${file} at ${index}`);
    });
    assert.ok(Math.abs(found.reduce((sum, v) => sum + v, 0) / found.length - mean) <= 1e-5);
    assert.ok(Math.abs(found.reduce((a, b) => Math.min(a, b)) - min) <= TOLERANCE);
    assert.ok(Math.abs(found.reduce((a, b) => Math.max(a, b)) - max) <= TOLERANCE);
  });
}

test('an image of one pixel gives a flat input', () => {
  const flat = resampleTf1({ pixels: Uint8Array.of(0, 128, 255), width: 1, height: 1 }, IM2TXT_INPUT);
  assert.deepEqual([...flat.subarray(0, 3)], [-1, Math.fround(2 * Math.fround(128 / 255) - 1), 1]);
  assert.ok(flat.every((value, i) => value === flat[i % 3]));
});

test('an antialiased image passes on as the decoder made it', () => {
  const pixels = new Uint8Array(12);
  const image = { pixels, width: 2, height: 2, originalWidth: 9, originalHeight: 9, format: 'png' };
  const input = networkInput(image, {
    resampling: 'antialiased',
    width: 2,
    height: 2,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'squash',
  });
  assert.equal(input.pixels, pixels);
});

const RESAMPLED: ImageInput = { ...IM2TXT_INPUT, dtype: 'float32', range: [-1, 1] };

test('of an image that the graph resamples the pixels are passed on that it reads', () => {
  const input = { ...IM2TXT_INPUT, width: 3, height: 3, resizedTo: 6 };
  // The middle three of six lie at 1, 2 and 3 sixths of the whole.
  const read: [number, number[]][] = [
    [1, [0]],
    [4, [0, 1, 2, 3]],
    [12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    [13, [2, 3, 4, 5, 6, 7]],
    [18, [3, 4, 6, 7, 9, 10]],
  ];
  for (const [width, columns] of read) {
    for (const [height, rows] of read) {
      const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => i);
      const image = networkInput({ pixels, width, height }, input);
      const wanted = rows.flatMap((y) =>
        columns.flatMap((x) => [0, 1, 2].map((c) => (3 * (y * width + x) + c) % 256)),
      );
      assert.deepEqual([...image.pixels], wanted);
      assert.deepEqual([image.width, image.height], [width, height]);
    }
  }
});

test('what the network sees is the same, whoever resamples', () => {
  const sizes: [number, number][] = [
    [9, 7],
    [1300, 7],
    [9, 1300],
    [1200, 1197],
  ];
  for (const [width, height] of sizes) {
    const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 41) % 256);
    const resampled = resampleTf1({ pixels, width, height }, IM2TXT_INPUT);
    for (const input of [IM2TXT_INPUT, RESAMPLED]) {
      const seen = seenPixels(networkInput({ pixels, width, height }, input), input);
      assert.deepEqual(seen, { pixels: resampled, range: [-1, 1] });
    }
  }
});

/** Its size decides nothing. */
const ANY = { width: 640, height: 427 };

test('the area that the network sees is all of an antialiased image, the centre of the other', () => {
  const antialiased: ImageInput = {
    resampling: 'antialiased',
    width: 2,
    height: 2,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'squash',
  };
  assert.deepEqual(seenArea(antialiased, ANY), { left: 0, top: 0, width: 1, height: 1 });
  // Half pixels are rounded down: 346 - 299 is 47, so the centre begins at 23.
  assert.deepEqual(seenArea(IM2TXT_INPUT, ANY), {
    left: 23 / 346,
    top: 23 / 346,
    width: 299 / 346,
    height: 299 / 346,
  });
  assert.deepEqual(seenArea({ ...IM2TXT_INPUT, width: 46, height: 146, resizedTo: 346 }, ANY), {
    left: 150 / 346,
    top: 100 / 346,
    width: 46 / 346,
    height: 146 / 346,
  });
});

test('the centre of another size is that part of the whole', () => {
  const pixels = Uint8Array.from({ length: 3 * 8 * 5 }, (_, i) => (i * 37) % 256);
  const image = { pixels, width: 8, height: 5 };
  const side = 11;
  const whole = resampleTf1(image, { ...IM2TXT_INPUT, width: side, height: side, resizedTo: side });
  const [width, height] = [4, 7];
  const centre = resampleTf1(image, { ...IM2TXT_INPUT, width, height, resizedTo: side });
  assert.equal(centre.length, 3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((y + 2) * side + 3);
    assert.deepEqual(
      centre.subarray(3 * width * y, 3 * width * (y + 1)),
      whole.subarray(from, from + 3 * width),
    );
  }
});

describe('an image that is resized as Pillow does', () => {
  const input: PillowInput = {
    resampling: 'pillow',
    filter: 'nearest',
    resize: { shortestEdge: 2 },
    width: 2,
    height: 2,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'crop',
  };
  /** Each pixel says in which column and row it is. */
  function numbered(width: number, height: number) {
    const pixels = new Uint8Array(3 * width * height);
    for (let i = 0; i < width * height; i++) pixels.set([i % width, Math.floor(i / width), 9], 3 * i);
    return { pixels, width, height };
  }
  const placesIn = (pixels: Uint8Array | Float32Array) =>
    Array.from({ length: pixels.length / 3 }, (_, i) =>
      pixels[3 * i + 2] === 0 ? 'black' : `${pixels[3 * i]},${pixels[3 * i + 1]}`,
    ).join(' ');

  const cases: [
    title: string,
    size: [number, number],
    changes: Partial<PillowInput>,
    read: string,
    area: number[],
  ][] = [
    ['the centre of a wide one', [10, 4], {}, '3,1 5,1 3,3 5,3', [1 / 5, 0, 2 / 5, 1]],
    ['the centre of a tall one', [2, 5], {}, '0,1 1,1 0,2 1,2', [0, 1 / 5, 1, 2 / 5]],
    ['all of it squashed', [4, 6], { resize: { width: 2, height: 2 } }, '1,1 3,1 1,4 3,4', [0, 0, 1, 1]],
    ['the centre in its own size', [4, 3], { resize: null }, '1,0 2,0 1,1 2,1', [1 / 4, 0, 1 / 2, 2 / 3]],
    ['a small one amid black', [1, 3], { resize: null }, 'black 0,0 black 0,1', [0, 0, 1, 2 / 3]],
  ];
  for (const [title, [width, height], changes, read, [left, top, ...sides]] of cases) {
    it(`gives ${title}`, () => {
      const its = { ...input, ...changes };
      const image = networkInput(numbered(width, height), its);
      assert.equal(placesIn(image.pixels), read);
      assert.deepEqual([image.rows, image.columns, image.width, image.height], [2, 2, width, height]);
      assert.deepEqual(seenArea(its, image), { left, top, width: sides[0], height: sides[1] });
      assert.deepEqual(seenPixels(image, its), { pixels: image.pixels, range: [0, 255] });
    });
  }

  it('is rounded down on its longer side', () => {
    // 3 * 5 / 2 is 7.5.
    const { pixels } = networkInput(numbered(5, 2), {
      ...input,
      resize: { shortestEdge: 3 },
      width: 7,
      height: 3,
    });
    assert.equal(pixels.length, 63);
    assert.ok(!placesIn(pixels).includes('black'));
    const wider = networkInput(numbered(5, 2), {
      ...input,
      resize: { shortestEdge: 3 },
      width: 8,
      height: 1,
    });
    assert.match(placesIn(wider.pixels), /^black( \d,1){7}$/);
  });
});

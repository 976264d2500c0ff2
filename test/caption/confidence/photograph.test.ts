import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLength, photographFeatures } from '../../../src/caption/confidence/photograph.ts';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import { xorshift } from '../../support/random.ts';
import { seenImage } from '../../support/seen-image.ts';

const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found} instead of ${expected}`);

test('one colour is one colour, flat everywhere', () => {
  const found = photographFeatures(seenImage({ colourAt: () => [200, 30, 90] }));
  assert.equal(found.colours, 0);
  near(found.colourEntropy, 0);
  near(found.saturationDeviation, 0);
  assert.equal(found.flatShare, 1);
});

test('two halves have two colours, one bit of entropy, and one column of cells that is not flat', () => {
  const found = photographFeatures(seenImage({ colourAt: (x) => (x < 64 ? [255, 0, 0] : [255, 255, 255]) }));
  near(found.colours, Math.log(2));
  near(found.colourEntropy, Math.log(2));
  near(found.saturationDeviation, 0.5);
  near(found.flatShare, 62 / 63);
});

test('what is finer than a cell is averaged away', () => {
  const fine = photographFeatures(
    seenImage({ colourAt: (x, y) => ((x + y) % 2 ? [200, 200, 200] : [0, 0, 0]) }),
  );
  assert.deepEqual(fine, photographFeatures(seenImage({ colourAt: () => [100, 100, 100] })));
});

test('the spread of the regions is the logarithm of their mean squared distance from their mean', () => {
  // Means 2 and 0; distances 1 and 1.
  near(
    photographFeatures(
      seenImage({
        regions: [
          [1, 0],
          [3, 0],
        ],
      }),
    ).regionSpread,
    0,
  );
  assert.ok(Number.isFinite(photographFeatures(seenImage()).regionSpread));
});

test('an input in -1 to 1 gives the same as one in 0 to 255', () => {
  const side = IM2TXT_INPUT.width;
  const bytes = Uint8Array.from({ length: 3 * side ** 2 }, (_, i) => (i * i) % 256);
  const image = seenImage();
  const a = photographFeatures({
    ...image,
    pixels: bytes,
    input: { ...image.input, width: side, height: side } as typeof image.input,
  });
  const b = photographFeatures({
    ...image,
    pixels: Float64Array.from(bytes, (value) => value / 127.5 - 1) as unknown as Float32Array,
    input: { width: side, height: side, range: [-1, 1] },
  });
  for (const [name, value] of Object.entries(a)) near(b[name as keyof typeof b], value);
});

test('the length of nothing has a logarithm', () => {
  near(logLength(Float32Array.of(3, 4)), Math.log(5));
  assert.ok(Number.isFinite(logLength(new Float32Array(4))));
});

/** The same numbers pixel by pixel, as the comments of the code define them. */
function plainly(pixels: Uint8Array, width: number, height: number) {
  const [columns, rows] = [Math.min(64, width), Math.min(64, height)];
  // In cells of four pixels a side or more, every second row, and in it every second pixel, shifted from row to row.
  const every = width / columns >= 4 && height / rows >= 4 ? 2 : 1;
  const cells = Array.from({ length: columns * rows }, () => [0, 0, 0, 0]);
  const firstOf = (column: number) => {
    let x = 0;
    while (Math.floor((x * columns) / width) < column) x++;
    return x;
  };
  for (let y = 0; y < height; y += every) {
    for (let x = 0; x < width; x++) {
      const column = Math.floor((x * columns) / width);
      const inside = x - firstOf(column) - (every === 2 ? (y / 2) % 2 : 0);
      if (inside < 0 || inside % every !== 0) continue;
      const cell = cells[Math.floor((y * rows) / height) * columns + column]!;
      for (let channel = 0; channel < 3; channel++) cell[channel]! += pixels[3 * (y * width + x) + channel]!;
      cell[3]!++;
    }
  }
  const means = cells.map(([red, green, blue, count]) =>
    [red!, green!, blue!].map((sum) => sum / count! / 255),
  );
  const counts = Map.groupBy(means, (mean) =>
    mean.map((value) => Math.min(15, Math.floor(16 * value))).join(),
  );
  const shares = [...counts.values()].map((group) => group.length / means.length);
  const saturations = means.map((mean) => Math.max(...mean) - Math.min(...mean));
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const light = means.map(([red, green, blue]) => 0.299 * red! + 0.587 * green! + 0.114 * blue!);
  const flat = light.filter((value, i) => {
    if (i % columns === columns - 1 || i >= columns * (rows - 1)) return false;
    return [light[i + 1]!, light[i + columns]!].every((next) => Math.abs(next - value) < 1 / 255);
  });
  return {
    colours: Math.log(counts.size),
    colourEntropy: -shares.reduce((sum, share) => sum + share * Math.log(share), 0),
    saturationDeviation: Math.sqrt(average(saturations.map((value) => (value - average(saturations)) ** 2))),
    flatShare: flat.length / ((columns - 1) * (rows - 1)),
  };
}

for (const [width, height] of [
  [30, 20],
  [100, 70],
  [255, 256],
  [256, 256],
  [300, 515],
] as const) {
  test(`the numbers of ${width} x ${height} pixels are those of their definition`, () => {
    // Patches of colour, some of them noisy, some flat.
    const random = xorshift(width);
    const pixels = new Uint8Array(3 * width * height);
    for (let i = 0; i < pixels.length; i++) {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      const patch = (7 * Math.floor((4 * x) / width) + 3 * Math.floor((4 * y) / height)) % 11;
      pixels[i] = Math.min(255, 23 * patch + 60 * (i % 3) + (patch % 2) * random.below(60));
    }
    const input = { width, height, range: [0, 255] as const };
    const found = photographFeatures({ ...seenImage(), pixels, input });
    const { regionSpread: _spread, ...numbers } = found;
    for (const [name, value] of Object.entries(plainly(pixels, width, height)))
      near(numbers[name as keyof typeof numbers], value);
    assert.ok(found.flatShare > 0.05 && found.flatShare < 0.95, `${found.flatShare}`);
    assert.ok(found.colours > 1);
  });
}

test('the spread of regions of different numbers, and the least there is', () => {
  const spread = (...regions: number[][]) => photographFeatures(seenImage({ regions })).regionSpread;
  // Mean (2, 4, 0): squared distances 1 + 4 + 9, 1 + 4 + 9, 0, of three regions.
  near(spread([1, 2, 3], [3, 6, -3], [2, 4, 0]), Math.log(28 / 3));
  near(spread([1, 2], [1, 2]), Math.log(1e-12));
  near(logLength(new Float32Array(2)), Math.log(1e-12) / 2);
  near(logLength(Float32Array.of(-3, -4)), Math.log(5));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLength, photographFeatures } from '../../../src/caption/confidence/photograph.ts';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
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
    input: IM2TXT_INPUT,
  });
  for (const [name, value] of Object.entries(a)) near(b[name as keyof typeof b], value);
});

test('the length of nothing has a logarithm', () => {
  near(logLength(Float32Array.of(3, 4)), Math.log(5));
  assert.ok(Number.isFinite(logLength(new Float32Array(4))));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IM2TXT_INPUT, type ImageInput } from '../../../src/caption/image-input.ts';
import type { NetworkImage } from '../../../src/caption/ports.ts';
import { encoderFeeds, encoderInputs } from '../../../src/model/networks/encoder-feeds.ts';

/** Samples that count on from `first`; their photograph is twice as wide and three times as high. */
function image(rows: number, columns: number, first: number): NetworkImage {
  const pixels = Uint8Array.from({ length: rows * columns * 3 }, (_, i) => first + i);
  return { pixels, rows, columns, width: 2 * columns, height: 3 * rows };
}

test('an image that the graph resamples lies in the upper left corner of what the largest needs', () => {
  const images = [image(1, 2, 1), image(2, 1, 50), image(2, 2, 100)];
  const { pixels, sizes } = encoderFeeds(images, IM2TXT_INPUT);
  assert.deepEqual([pixels!.type, pixels!.dims], ['uint8', [3, 2, 2, 3]]);
  const nothing = [0, 0, 0];
  assert.deepEqual(
    [...(pixels!.data as Uint8Array)],
    [
      [1, 2, 3, 4, 5, 6, nothing, nothing],
      [50, 51, 52, nothing, 53, 54, 55, nothing],
      [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111],
    ].flat(2),
  );
  assert.deepEqual([sizes!.type, sizes!.dims], ['int64', [3, 2]]);
  assert.deepEqual([...(sizes!.data as BigInt64Array)], [3n, 4n, 6n, 2n, 6n, 4n]);
  assert.deepEqual(encoderInputs(IM2TXT_INPUT), {
    pixels: { dtype: 'uint8', shape: [null, null, null, 3] },
    sizes: { dtype: 'int64', shape: [null, 2] },
  });
});

test('one image is what it is, and floats stay floats', () => {
  const one = image(2, 2, 7);
  assert.equal(encoderFeeds([one], IM2TXT_INPUT).pixels!.data, one.pixels);
  const input: ImageInput = { ...IM2TXT_INPUT, width: 2, height: 1, dtype: 'float32', range: [-1, 1] };
  const halves = [0.5, -0.5].map((value) => ({
    ...image(1, 2, 0),
    pixels: new Float32Array(6).fill(value),
  }));
  const feeds = encoderFeeds(halves, input);
  assert.deepEqual(Object.keys(feeds), ['image']);
  assert.deepEqual([feeds.image!.type, feeds.image!.dims], ['float32', [2, 1, 2, 3]]);
  assert.deepEqual([...(feeds.image!.data as Float32Array)], [...Array(6).fill(0.5), ...Array(6).fill(-0.5)]);
  assert.deepEqual(encoderInputs(input), { image: { dtype: 'float32', shape: [null, 1, 2, 3] } });
});

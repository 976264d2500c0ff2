import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PillowInput } from '../../src/caption/image-input.ts';
import { networkInput } from '../../src/caption/preprocess.ts';
import { readImage } from '../../src/caption/read-image.ts';

test('while a large photograph is resized, the other events of the thread get their turns', async () => {
  const image: PillowInput = {
    resampling: 'pillow',
    filter: 'bilinear',
    resize: { width: 64, height: 64 },
    width: 64,
    height: 64,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'squash',
  };
  const [width, height] = [2000, 1500];
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 256);
  const size = { width, height, originalWidth: width, originalHeight: height };
  let released = 0;
  const decoded = { pixels, ...size, format: 'jpeg', release: () => released++ };
  let turns = 0;
  const immediate = () => {
    turns++;
    if (released === 0) setImmediate(immediate);
  };
  setImmediate(immediate);
  const { input } = await readImage(Uint8Array.of(), { decode: async () => decoded, image }, {});
  assert.ok(turns >= 4, `${turns}`);
  assert.equal(released, 1);
  assert.deepEqual(input, networkInput(decoded, image));
});

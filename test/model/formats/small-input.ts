import type { ImageInput } from '../../../src/caption/image-input.ts';

/** A small copy of the photograph, for networks that are given one. */
export const SMALL_INPUT: ImageInput = {
  resampling: 'antialiased',
  width: 224,
  height: 224,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};

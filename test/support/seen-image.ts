import type { SeenImage } from '../../src/caption/confidence/photograph.ts';
import type { AntialiasedInput } from '../../src/caption/image-input.ts';

export const SIDE = 128;

/** An image of 128 x 128 pixels and what an encoder said of its regions. @default black, one region of two zeros */
export function seenImage({
  colourAt = () => [0, 0, 0],
  regions = [[0, 0]],
}: {
  /** Red, green and blue of a pixel, 0 to 255. */
  colourAt?: (x: number, y: number) => readonly number[];
  regions?: readonly (readonly number[])[];
} = {}): SeenImage {
  const pixels = Array.from({ length: SIDE ** 2 }, (_, i) => colourAt(i % SIDE, Math.floor(i / SIDE))).flat();
  const input: AntialiasedInput = {
    resampling: 'antialiased',
    width: SIDE,
    height: SIDE,
    dtype: 'uint8',
    range: [0, 255],
    aspect: 'squash',
  };
  const embedding = regions[0]!.map(
    (_, i) => regions.reduce((sum, region) => sum + region[i]!, 0) / regions.length,
  );
  return {
    pixels: Uint8Array.from(pixels),
    input,
    regions: Float32Array.from(regions.flat()),
    embedding: Float32Array.from(embedding),
  };
}

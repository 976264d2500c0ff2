/** Photographs that look the same, known by a perceptual hash: signs of the lowest frequencies of a small grey copy. */
import type { AntialiasedInput } from '../../caption/image-input.ts';
import { decodeImage, type ReadOptions } from '../../model/image.ts';

/** What the hash is computed of: decoding shrinks to that, so that even large photographs hash quickly. */
const SIDE = 32;
const THUMBNAIL: AntialiasedInput = {
  resampling: 'antialiased',
  width: SIDE,
  height: SIDE,
  dtype: 'uint8',
  range: [0, 255],
  aspect: 'squash',
};

/**
 * Bits of 64 that may differ between two pictures of the same. Copies in another format, quality or size, or with 1 %
 * cut off at each side, differ in no more, but for one sample in twelve when it is cut; different photographs mostly differ in several times as many
 * (`test/cli/caption/many-duplicates.test.ts` prints both).
 */
export const MAX_DISTANCE = 8;

/** A picture whose levels, 0 to 255, lie closer together has no frequencies but noise: no two of them are alike. */
const FLAT_LEVELS = 16;

/** 64 bits in two numbers. */
export type Look = readonly [number, number];

/**
 * @returns `null` for a picture that is flat
 * @throws as `decodeImage`
 */
export async function lookOf(bytes: Uint8Array, options?: ReadOptions): Promise<Look | null> {
  const { pixels, width, height } = await decodeImage(bytes, THUMBNAIL, options);
  if (isFlat(pixels)) return null;
  // It loads sharp, which other commands do without.
  const { default: module } = await import('sharp-phash');
  // Its types promise a `default` that a CommonJS module has not.
  const phash = module as unknown as typeof module.default;
  const bits = await phash(Buffer.from(pixels), { raw: { width, height, channels: 3 } });
  return [Number.parseInt(bits.slice(0, 32), 2), Number.parseInt(bits.slice(32), 2)];
}

function isFlat(rgb: Uint8Array): boolean {
  return [0, 1, 2].every((channel) => {
    const levels = rgb.filter((_, i) => i % 3 === channel);
    return Math.max(...levels) - Math.min(...levels) < FLAT_LEVELS;
  });
}

/** Bits that differ, 0 to 64. */
export function distance(a: Look, b: Look): number {
  return bitsSet(a[0] ^ b[0]) + bitsSet(a[1] ^ b[1]);
}

/** Of 32, by adding up neighbours (Hacker's Delight, figure 5-2). */
function bitsSet(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** An image with captions of its own, which others may share. */
export interface Original {
  image: string;
  look: Look;
  /** False when it could not be captioned after all. */
  captioned: Promise<boolean>;
}

export interface Originals {
  /** The one that looks most like it, if one looks the same. */
  like(look: Look): Original | undefined;
  add(original: Original): void;
}

/** Compares with every original: with ten thousand of them that takes a hundredth of the time of a caption. */
export function createOriginals(): Originals {
  const originals: Original[] = [];
  return {
    like(look) {
      let nearest: Original | undefined;
      let limit = MAX_DISTANCE;
      for (const original of originals) {
        const bits = distance(look, original.look);
        if (bits > limit || (bits === limit && nearest !== undefined)) continue;
        limit = bits;
        nearest = original;
      }
      return nearest;
    },
    add: (original) => originals.push(original),
  };
}

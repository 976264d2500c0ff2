/** How large an image of each kind may be in a function of some memory, by its header alone. */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { pixelLimit } from '../../../src/model/formats/pixel-limit.ts';
import { defaultDecodeMemory } from '../../../src/model/memory/decode-memory.ts';
import { decodeNeed } from '../../../src/model/memory/need.ts';

/** MB of Lambda's memory setting. */
export const MEMORIES = [512, 768, 1024, 1769, 3008] as const;

/** Kinds whose decoders keep the image, or more, and one that does not. */
export const KINDS: Record<string, (image: Sharp) => Sharp> = {
  JPEG: (image) => image.jpeg(),
  'JPEG, progressive': (image) => image.jpeg({ progressive: true }),
  'the same, no subsampling': (image) => image.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  'PNG, TIFF': (image) => image.png(),
  'PNG, interlaced': (image) => image.png({ progressive: true }),
  'WebP, lossless': (image) => image.webp({ effort: 0, lossless: true }),
  GIF: (image) => image.gif({ effort: 1 }),
  AVIF: (image) => image.avif({ effort: 0 }),
  'AVIF, 10 or 12 bits': (image) => image.avif({ effort: 0, bitdepth: 12 }),
};

const MEGAPIXEL = 1e6;
/** What the default bundle sees. */
const RESIZE = { width: 224, height: 224 };
/** Longest side of a WebP. */
const WEBP_SIDE = 16_383;

/** Of one colour, 4:3: nothing compresses better, and few decoders care. */
export function imageOf(kind: string, megapixels: number): Promise<Buffer> {
  const background = { r: 90, g: 120, b: 60 };
  const blank = sharp({
    create: { ...sizeOf(megapixels), channels: 3, background },
    limitInputPixels: false,
  });
  return KINDS[kind]!(blank).toBuffer();
}

/**
 * Megapixels of the largest whole number that a function takes, up to the limit of the kind.
 * @param memory of the function, MB
 */
export async function largestOf(kind: string, memory: number, directory: string): Promise<number> {
  const bytes = await imageOf(kind, 0.12);
  const metadata = await sharp(bytes).metadata();
  const budget = defaultDecodeMemory({ directory, limit: memory * 2 ** 20 });
  const isTaken = (megapixels: number) =>
    decodeNeed({ ...metadata, ...sizeOf(megapixels) } as Metadata, bytes, {
      resize: RESIZE,
      scaled: false,
    }) <= budget;
  let most = pixelLimit(metadata, { shrunk: true, scaled: false }) / MEGAPIXEL;
  if (metadata.format === 'webp') most = Math.min(most, Math.floor((WEBP_SIDE ** 2 * 3) / 4 / MEGAPIXEL));
  for (let megapixels = most; megapixels > 0; megapixels--) if (isTaken(megapixels)) return megapixels;
  return 0;
}

function sizeOf(megapixels: number) {
  const height = Math.floor(Math.sqrt((megapixels * MEGAPIXEL * 3) / 4));
  return { width: Math.floor((height * 4) / 3), height };
}

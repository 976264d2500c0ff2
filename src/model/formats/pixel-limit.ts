/** How large an image may be, by what decoding it takes (`npx node bench/decode.ts` prints the memory). */
import type { Metadata } from 'sharp';

/**
 * Files that shrink while they are read: the 200 megapixels of some phones, and long panoramas. They take memory for
 * what is left, and a second.
 */
const MAX_SHRUNK_PIXELS = 256_000_000;
/**
 * Files that are decoded whole before they shrink, or that the bundle wants whole: the largest cameras have 102
 * megapixels, and take 3 to 9 bytes for each.
 */
const MAX_WHOLE_PIXELS = 128_000_000;
/** AVIF takes 18 bytes a pixel, samples that have to be scaled up to 15. */
const MAX_COSTLY_PIXELS = 50_000_000;

/**
 * Largest image of this kind where nobody says another limit, in pixels.
 * @param shrunk whether only a small copy is wanted
 * @param scaled whether its samples are scaled to their range (`levels.ts`)
 */
export function pixelLimit(
  { format, isProgressive }: Pick<Metadata, 'format' | 'isProgressive'>,
  { shrunk, scaled }: { shrunk: boolean; scaled: boolean },
): number {
  if (format === 'heif' || scaled) return MAX_COSTLY_PIXELS;
  const shrinks = format === 'webp' || (format === 'jpeg' && !isProgressive);
  return shrunk && shrinks ? MAX_SHRUNK_PIXELS : MAX_WHOLE_PIXELS;
}

/** How large an image may be, by what decoding it takes (`npx node bench/decode.ts` prints the memory). */
import type { Metadata } from 'sharp';
import { MAX_COSTLY_PIXELS, MAX_SHRUNK_PIXELS, MAX_WHOLE_PIXELS } from '../../caption/image-input.ts';

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

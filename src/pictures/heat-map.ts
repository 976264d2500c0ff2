/** Heat maps as pictures: what a word leaned on, laid over the photograph. */
import type { Explanation } from '../caption/result.ts';
import { readPicture } from '../model/image.ts';
import { sharp } from '../model/native/native-parts.ts';
import { heatCells, placeOfCells, UNHEEDED } from './heat.ts';

/** Wide enough to recognise what is shown; a whole photograph a word would fill a disk. */
const MAX_SIDE = 640;

/**
 * The photograph under the veil of each word, as the page shows it.
 * @param bytes the image file that was captioned
 * @returns PNG files, one a word of the explanation
 */
export async function heatMaps(bytes: Uint8Array, explanation: Explanation): Promise<Buffer[]> {
  const fit = { width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true } as const;
  // It was captioned, so it is small enough.
  const { pixels, width, height } = await readPicture(bytes, fit, { maxPixels: Number.POSITIVE_INFINITY });
  return Promise.all(
    explanation.words.map(async ({ importance }) => {
      const input = await veil(importance, explanation, width, height);
      return sharp()(pixels, { raw: { width, height, channels: 3 } })
        .composite([{ input }])
        .png()
        .toBuffer();
    }),
  );
}

/** One word's cells where they lie, dark around them: as large as the photograph. */
async function veil(
  importance: readonly number[],
  explanation: Explanation,
  width: number,
  height: number,
): Promise<Buffer> {
  const { rows, columns } = explanation;
  const place = placeOfCells(explanation, width, height);
  return sharp()(heatCells(importance), { raw: { width: columns, height: rows, channels: 4 } })
    .resize({ width: place.width, height: place.height, fit: 'fill', kernel: 'cubic' })
    .extend({
      left: place.left,
      top: place.top,
      right: width - place.left - place.width,
      bottom: height - place.top - place.height,
      background: UNHEEDED,
    })
    .png()
    .toBuffer();
}

/** Heat maps as pictures: what a word leaned on, laid over the photograph. */
import sharp from 'sharp';
import type { Explanation } from '../caption/result.ts';
import { openImage } from '../model/image.ts';

/** Wide enough to recognise what is shown; a whole photograph a word would fill a disk. */
const MAX_SIDE = 640;
/** Amber, which stands out from skin, grass, sky and water. */
const COLOUR = { r: 255, g: 140, b: 0 };
/** Share of the colour where a word leaned on the image most. */
const STRONGEST = 0.75;
/** The photograph is dimmed, so that also bright parts show the heat. */
const DIMMED = 0.6;

/**
 * The photograph with the cells that made each word likelier in colour, the strongest cell of each word alike.
 * @param bytes the image file that was captioned
 * @returns PNG files, one a word of the explanation
 */
export async function heatMaps(bytes: Uint8Array, explanation: Explanation): Promise<Buffer[]> {
  const fit = { fit: 'inside', withoutEnlargement: true } as const;
  const { data, info } = await openImage(bytes)
    .resize(MAX_SIDE, MAX_SIDE, fit)
    .toColourspace('srgb')
    .removeAlpha()
    .modulate({ brightness: DIMMED })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return Promise.all(
    explanation.words.map(async ({ importance }) => {
      const heat = await layer(importance, explanation, width, height);
      return sharp(data, { raw: { width, height, channels } }).composite([heat]).png().toBuffer();
    }),
  );
}

/** One word's cells as a layer: of one colour, opaque where the word is likelier for the cell. */
async function layer(
  importance: readonly number[],
  { rows, columns, area }: Explanation,
  width: number,
  height: number,
) {
  const strongest = Math.max(...importance, Number.MIN_VALUE);
  const alpha = importance.map((value) => Math.round((Math.max(0, value) / strongest) * STRONGEST * 255));
  const size = {
    width: Math.max(1, Math.round(area.width * width)),
    height: Math.max(1, Math.round(area.height * height)),
  };
  const mask = await sharp(Uint8Array.from(alpha), { raw: { width: columns, height: rows, channels: 1 } })
    .resize({ ...size, fit: 'fill', kernel: 'cubic' })
    .extractChannel(0)
    .raw()
    .toBuffer();
  const input = await sharp({ create: { ...size, channels: 3, background: COLOUR } })
    .joinChannel(mask, { raw: { ...size, channels: 1 } })
    .png()
    .toBuffer();
  return { input, left: Math.round(area.left * width), top: Math.round(area.top * height) };
}

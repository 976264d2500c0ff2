/**
 * What a word leaned on as a veil over the photograph: dark where the word did not look, amber where it did, told apart
 * by brightness alone on every picture. For PNG files and for the page alike, so without anything that only Node or only
 * browsers have.
 */
import type { Explanation } from '../caption/result.ts';

interface Paint {
  r: number;
  g: number;
  b: number;
  /** 0 to 1. */
  alpha: number;
}

/** Where a word did not look, and all that the network did not see. */
export const UNHEEDED: Paint = { r: 8, g: 11, b: 20, alpha: 0.58 };
/** Where a word looked most: amber stands out from skin, grass, sky and water. */
const HEEDED: Paint = { r: 255, g: 150, b: 20, alpha: 0.62 };

/**
 * One pixel a cell: the likelier the word is for the cell, the less dark and the more amber; the strongest cell of each
 * word alike.
 * @param importance of each cell; below 0 counts as 0
 * @returns RGBA, row after row
 */
export function heatCells(importance: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * importance.length);
  const strongest = Math.max(...importance, Number.MIN_VALUE);
  importance.forEach((value, cell) => {
    pixels.set(veilOf(Math.max(0, value) / strongest), 4 * cell);
  });
  return pixels;
}

/** Amber over darkness, which gives way to it. @param strength 0 to 1 */
function veilOf(strength: number): number[] {
  const amber = HEEDED.alpha * strength;
  const dark = UNHEEDED.alpha * (1 - strength) * (1 - amber);
  const alpha = amber + dark;
  const mixed = (['r', 'g', 'b'] as const).map(
    (channel) => (HEEDED[channel] * amber + UNHEEDED[channel] * dark) / alpha,
  );
  return [...mixed, 255 * alpha];
}

/** Where the cells lie on a picture of this size, in whole pixels, at least one each way. */
export function placeOfCells({ area }: Pick<Explanation, 'area'>, width: number, height: number) {
  const left = Math.min(width - 1, Math.round(area.left * width));
  const top = Math.min(height - 1, Math.round(area.top * height));
  return {
    left,
    top,
    width: Math.min(width - left, Math.max(1, Math.round(area.width * width))),
    height: Math.min(height - top, Math.max(1, Math.round(area.height * height))),
  };
}

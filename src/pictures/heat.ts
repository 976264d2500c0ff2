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
/** What a word all but stands or falls with: amber stands out from skin, grass, sky and water. */
const HEEDED: Paint = { r: 255, g: 150, b: 20, alpha: 0.62 };

/** A cell without which a word is less likely by less than this, as a share, tells nothing: in pictures and in words. */
const TELLING = 0.01;
/** From this share on a cell is as amber as can be. */
const FULL = 0.5;
/** How strongly a cell glows that just tells something: enough to be seen. */
const FAINTEST = 0.15;

/** By how much less likely a word is without a cell, 0 to 1; 0 where that is too little to tell anything. */
export function tellingShare(importance: number): number {
  const share = 1 - Math.exp(-importance);
  return share < TELLING ? 0 : share;
}

/** The same scale for all words and photographs, in steps of proportion: most words lean on one place by a few percent. */
function strengthOf(importance: number): number {
  const share = tellingShare(importance);
  if (share === 0) return 0;
  return Math.min(1, FAINTEST + ((1 - FAINTEST) * Math.log(share / TELLING)) / Math.log(FULL / TELLING));
}

/**
 * One pixel a cell: the likelier the word is for the cell, the less dark and the more amber.
 * @param importance of each cell; below 0 counts as 0
 * @returns RGBA, row after row
 */
export function heatCells(importance: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * importance.length);
  importance.forEach((value, cell) => {
    pixels.set(veilOf(strengthOf(value)), 4 * cell);
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

/** Where a word looked: painted, and told. */
import type { Explanation } from '../../../caption/result.ts';
import { make } from './document.ts';
import { percent } from './text.ts';

/** A cell that makes a word less than this much likelier, as a share, tells nothing. */
const TELLING = 0.01;
const PLACES = [
  ['upper left', 'top', 'upper right'],
  ['left', 'middle', 'right'],
  ['lower left', 'bottom', 'lower right'],
] as const;

/** Darkness over the whole picture, and amber light in it where the word looked: as strong as its strongest cell. */
export function paintHeat(
  heat: HTMLCanvasElement,
  { rows, columns, area }: Explanation,
  importance: readonly number[],
): void {
  const context = heat.getContext('2d')!;
  const colours = getComputedStyle(heat);
  context.fillStyle = colours.getPropertyValue('--unheeded');
  context.fillRect(0, 0, heat.width, heat.height);
  context.imageSmoothingQuality = 'high';
  const place = [
    area.left * heat.width,
    area.top * heat.height,
    area.width * heat.width,
    area.height * heat.height,
  ] as const;
  const cells = cellPicture(rows, columns, importance);
  context.globalCompositeOperation = 'destination-out';
  context.drawImage(cells, ...place);
  const light = cells.getContext('2d')!;
  light.globalCompositeOperation = 'source-in';
  light.fillStyle = colours.getPropertyValue('--heeded');
  light.fillRect(0, 0, columns, rows);
  context.globalCompositeOperation = 'source-over';
  context.drawImage(cells, ...place);
}

/** One pixel a cell, the more opaque the likelier the word is for the cell. */
function cellPicture(rows: number, columns: number, importance: readonly number[]): HTMLCanvasElement {
  const cells = make('canvas');
  cells.width = columns;
  cells.height = rows;
  const context = cells.getContext('2d')!;
  const pixels = context.createImageData(columns, rows);
  const strongest = Math.max(...importance, Number.MIN_VALUE);
  importance.forEach((value, cell) => {
    pixels.data[4 * cell + 3] = Math.round((255 * Math.max(0, value)) / strongest);
  });
  context.putImageData(pixels, 0, 0);
  return cells;
}

/** “leans most on the upper left: 5% less likely without it” */
export function leaning({ rows, columns, area, words }: Explanation, at: number): string {
  const { importance } = words[at]!;
  const strongest = Math.max(...importance);
  const share = 1 - Math.exp(-strongest);
  if (share < TELLING) return 'hardly leans on any one place';
  const cell = importance.indexOf(strongest);
  const across = area.left + (((cell % columns) + 0.5) / columns) * area.width;
  const down = area.top + ((Math.floor(cell / columns) + 0.5) / rows) * area.height;
  const place = PLACES[thirdOf(down)]![thirdOf(across)]!;
  return `leans most on the ${place}: ${percent(share)} less likely without it`;
}

function thirdOf(share: number): number {
  return Math.min(2, Math.floor(share * 3));
}

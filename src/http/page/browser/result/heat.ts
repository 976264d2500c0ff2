/** Where a word looked: as a picture, and in words. */
import type { Explanation } from '../../../../caption/result.ts';
import { heatCells, placeOfCells, tellingShare, UNHEEDED } from '../../../../pictures/heat.ts';
import { make } from '../shared/document.ts';
import { percent } from '../shared/text.ts';

const PLACES = [
  ['upper left', 'top', 'upper right'],
  ['left', 'middle', 'right'],
  ['lower left', 'bottom', 'lower right'],
] as const;

/** Veils the whole picture, and lays the cells of the word where they lie on it. */
export function paintHeat(
  heat: HTMLCanvasElement,
  explanation: Explanation,
  importance: readonly number[],
): void {
  const context = heat.getContext('2d')!;
  const { r, g, b, alpha } = UNHEEDED;
  context.fillStyle = `rgb(${r} ${g} ${b} / ${alpha})`;
  context.fillRect(0, 0, heat.width, heat.height);
  const { left, top, width, height } = placeOfCells(explanation, heat.width, heat.height);
  context.clearRect(left, top, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(cellPicture(explanation, importance), left, top, width, height);
}

function cellPicture({ rows, columns }: Explanation, importance: readonly number[]): HTMLCanvasElement {
  const cells = make('canvas');
  cells.width = columns;
  cells.height = rows;
  cells.getContext('2d')!.putImageData(new ImageData(heatCells(importance), columns, rows), 0, 0);
  return cells;
}

/** “leans most on the upper left: 5% less likely without it” */
export function leaning({ rows, columns, area, words }: Explanation, at: number): string {
  const { importance } = words[at]!;
  const strongest = Math.max(...importance);
  const share = tellingShare(strongest);
  if (share === 0) return 'hardly leans on any one place';
  const cell = importance.indexOf(strongest);
  const across = area.left + (((cell % columns) + 0.5) / columns) * area.width;
  const down = area.top + ((Math.floor(cell / columns) + 0.5) / rows) * area.height;
  const place = PLACES[thirdOf(down)]![thirdOf(across)]!;
  return `leans most on the ${place}: ${percent(share)} less likely without it`;
}

function thirdOf(share: number): number {
  return Math.min(2, Math.floor(share * 3));
}

import { type Cell, csvRow } from '../../csv.ts';
import { printable } from '../../printable.ts';

/** A table whose columns are named by the keys; nothing in it is acted upon by a terminal that shows it. */
export function csvTable<T>(columns: Record<string, (item: T) => Cell>) {
  const shown = (cell: Cell) => (typeof cell === 'string' ? printable(cell) : cell);
  return {
    header: csvRow(Object.keys(columns)),
    row: (item: T, isShown: boolean = process.stdout.isTTY): string =>
      csvRow(Object.values(columns).map((cell) => (isShown ? shown(cell(item)) : cell(item)))),
  };
}

import { type Cell, csvRow } from '../../csv.ts';
import { printable } from '../../printable.ts';

/** A table whose columns are named by the keys; on a terminal nothing in it is acted upon. */
export function csvTable<T>(columns: Record<string, (item: T) => Cell>) {
  const shown = (cell: Cell) => (process.stdout.isTTY && typeof cell === 'string' ? printable(cell) : cell);
  return {
    header: csvRow(Object.keys(columns)),
    row: (item: T): string => csvRow(Object.values(columns).map((cell) => shown(cell(item)))),
  };
}

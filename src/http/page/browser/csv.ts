import { type Cell, csvRow } from '../../../csv.ts';

/** Without it Excel does not read UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

export function csvOf(rows: readonly (readonly Cell[])[]): string {
  return BYTE_ORDER_MARK + rows.map(csvRow).join('');
}

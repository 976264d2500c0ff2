/** RFC 4180, for spreadsheets. */

/** Spreadsheets take what begins so for a formula (OWASP, CSV Injection); full-width forms too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** Without it Excel does not read UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

export type Cell = string | number | undefined;

export function csvOf(rows: readonly (readonly Cell[])[]): string {
  return BYTE_ORDER_MARK + rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

/** Text that could be a formula gets an apostrophe before it, which makes it text. */
function quoted(cell: Cell = ''): string {
  const text = typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

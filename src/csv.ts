/** Tables for programs and spreadsheets, RFC 4180: lines ended by CRLF. */

/** Spreadsheets take what begins so for a formula (OWASP, CSV Injection); full-width forms too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

export type Cell = string | number | undefined;

export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

/** Text that could be a formula gets an apostrophe before it, which makes it text. */
function cellText(cell: Cell = ''): string {
  const text = typeof cell === 'string' && FORMULA.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

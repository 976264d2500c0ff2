/** RFC 4180: lines ended by CRLF, quotes around what has a comma, a quote or a line end in it. */
export type Cell = string | number | undefined;

export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

function quoted(cell: Cell = ''): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

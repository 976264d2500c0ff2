/** RFC 4180: lines ended by CRLF, quotes around what has a comma, a quote or a line end in it. */
type Cell = string | number | undefined;

function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/** A table whose columns are named by the keys. */
export function csvTable<T>(columns: Record<string, (item: T) => Cell>) {
  return {
    header: csvRow(Object.keys(columns)),
    row: (item: T): string => csvRow(Object.values(columns).map((cell) => cell(item))),
  };
}

function quoted(cell: Cell = ''): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

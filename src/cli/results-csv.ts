/** Result documents as a table: RFC 4180, lines ended by CRLF. */
import type { ResultDocument } from '../s3/results.ts';

type Cell = string | number | undefined;

const COLUMNS: Record<string, (document: ResultDocument) => Cell> = {
  bucket: ({ source }) => source.bucket,
  key: ({ source }) => source.key,
  versionId: ({ source }) => source.versionId,
  status: ({ status }) => status,
  caption: (document) => best(document)?.text,
  probability: (document) => best(document)?.probability,
  code: (document) => (document.status === 'failed' ? document.error.code : undefined),
  message: (document) => (document.status === 'failed' ? document.error.message : undefined),
  model: ({ model }) => model.name,
  modelHash: ({ model }) => model.hash,
  writtenAt: ({ writtenAt }) => writtenAt,
};

export const CSV_HEADER = line(Object.keys(COLUMNS));

/** The best caption, or why there is none. */
export function csvLine(document: ResultDocument): string {
  return line(Object.values(COLUMNS).map((cell) => cell(document)));
}

function best(document: ResultDocument) {
  return document.status === 'captioned' ? document.result.captions[0] : undefined;
}

function line(cells: Cell[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/** Commas, quotes and line ends are allowed in the keys of S3. */
function quoted(cell: Cell = ''): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Alternative texts as a table. */
import type { ImageLine } from './alt-images.ts';
import { type Cell, csvRow } from './csv.ts';

const COLUMNS: Record<string, (line: ImageLine) => Cell> = {
  image: ({ image }) => image,
  alt: ({ alt }) => alt,
  probability: ({ probability }) => probability,
  caption: ({ caption }) => caption,
  confidence: ({ confidence }) => confidence,
  code: ({ error }) => error?.code,
  message: ({ error }) => error?.message,
};

export const ALT_CSV_HEADER = csvRow(Object.keys(COLUMNS));

export function altCsvLine(line: ImageLine): string {
  return csvRow(Object.values(COLUMNS).map((cell) => cell(line)));
}

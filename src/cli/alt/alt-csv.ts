/** Alternative texts as a table. */

import { csvTable } from '../shared/csv.ts';
import type { ImageLine } from './alt-line.ts';

export const ALT_CSV = csvTable<ImageLine>({
  image: ({ image }) => image,
  alt: ({ alt }) => alt,
  probability: ({ probability }) => probability,
  caption: ({ caption }) => caption,
  confidence: ({ confidence }) => confidence,
  code: ({ error }) => error?.code,
  message: ({ error }) => error?.message,
});

/** Result documents as a table. */
import type { ResultDocument } from '../../s3/results.ts';
import { csvTable } from '../shared/csv.ts';

export const RESULTS_CSV = csvTable<ResultDocument>({
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
});

/** The best caption, or why there is none. */
export function best(document: ResultDocument) {
  return document.status === 'captioned' ? document.result.captions[0] : undefined;
}

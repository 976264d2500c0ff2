import { once } from 'node:events';
import * as z from 'zod';
import { regionOf } from '../../aws/region.ts';
import { requestFailureOf } from '../../aws/request-failures.ts';
import { createS3Client } from '../../aws/s3-client.ts';
import { type ListedObject, listObjects } from '../../bucket-run/list.ts';
import { printableJson } from '../../printable.ts';
import { isListKey } from '../../s3/result-key.ts';
import { type ResultDocument, readResult } from '../../s3/results.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED } from '../shared/exit.ts';
import { inOrder } from '../shared/run-images.ts';
import { listenForStop } from '../shared/stop.ts';
import { RESULTS_CSV } from './results-csv.ts';

export interface ResultsFlags {
  bucket: string;
  prefix: string;
  format: 'jsonl' | 'csv';
  failed?: boolean;
}

/** Requests at the same time; S3 answers each in tens of milliseconds. */
const READS = 16;

type Outcome = { key: string } & ({ document: ResultDocument } | { error: unknown });

/**
 * Documents as they come, in the order of their keys.
 * @returns exit code
 * @throws InvalidRequest, UpstreamUnavailable
 */
export async function printResults({
  bucket,
  prefix,
  format,
  failed = false,
}: ResultsFlags): Promise<number> {
  const stop = listenForStop();
  const s3 = createS3Client();
  await regionOf(s3);
  const read = ({ key }: ListedObject): Promise<Outcome> =>
    readResult(s3, { bucket, key }).then(
      (document) => ({ key, document }),
      (error: unknown) => ({ key, error }),
    );
  let status = EXIT_OK;
  if (format === 'csv') await write(RESULTS_CSV.header);
  for await (const outcome of inOrder(documentsOf(listObjects(s3, { bucket, prefix })), READS, read)) {
    if (stop.status !== null) return stop.status;
    if ('error' in outcome) {
      status = Math.max(status, statusOf(outcome));
      continue;
    }
    if (failed && outcome.document.status !== 'failed') continue;
    await write(
      format === 'csv' ? RESULTS_CSV.row(outcome.document) : `${printableJson(outcome.document)}\n`,
    );
  }
  return status;
}

/** Lists of batches lie under the prefix as well. */
async function* documentsOf(pages: AsyncIterable<ListedObject[]>): AsyncGenerator<ListedObject> {
  for await (const page of pages) yield* page.filter(({ key }) => !isListKey(key));
}

/** What is no result leaves the others to be read; anything else ends the program. */
function statusOf({ key, error }: { key: string; error: unknown }): number {
  const damaged = error instanceof SyntaxError || error instanceof z.ZodError;
  if (!damaged) throw requestFailureOf(error, `reading ${key}`);
  complain(key, 'is no result document');
  return EXIT_SOME_IMAGE_FAILED;
}

/** Waits for a reader who is slower than S3, or memory would fill. */
async function write(text: string): Promise<void> {
  // `watchOutput` hears of failures too, and ends the run.
  if (!process.stdout.write(text)) await once(process.stdout, 'drain').catch(() => undefined);
}

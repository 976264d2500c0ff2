import { once } from 'node:events';
import * as z from 'zod';
import { regionOf } from '../../aws/region.ts';
import { requestFailureOf } from '../../aws/request-failures.ts';
import { createS3Client } from '../../aws/s3-client.ts';
import { type ListedObject, listObjects } from '../../bucket-run/list.ts';
import { InvalidRequest } from '../../errors.ts';
import { putFile } from '../../files/write-file.ts';
import { printableJson } from '../../printable.ts';
import { isListKey } from '../../s3/result-key.ts';
import { type ResultDocument, readResult } from '../../s3/results.ts';
import { complain } from '../shared/complain.ts';
import { EXIT_OK, EXIT_SOME_IMAGE_FAILED } from '../shared/exit.ts';
import { inOrder } from '../shared/run-images.ts';
import { listenForStop, type Stop } from '../shared/stop.ts';
import { RESULTS_CSV } from './results-csv.ts';

export interface ResultsFlags {
  bucket: string;
  prefix: string;
  format: 'jsonl' | 'csv' | 'parquet';
  /** A file. @default standard output */
  out?: string;
  failed?: boolean;
}

/** Requests at the same time; S3 answers each in tens of milliseconds. */
const READS = 16;

type Outcome = { key: string } & ({ document: ResultDocument } | { error: unknown });

/** What a run reads, and how it went so far. */
interface Run {
  status: number;
  stop: Stop;
}

/** Thrown where documents would come, so that no file is made of those before. */
class Stopped extends Error {}

/**
 * Documents as they come, in the order of their keys.
 * @returns exit code
 * @throws InvalidRequest, UpstreamUnavailable, OutputFailed
 */
export async function printResults({ format, out, ...wanted }: ResultsFlags): Promise<number> {
  if (format === 'parquet' && out === undefined && process.stdout.isTTY) {
    throw new InvalidRequest(
      'parquet is no text for a terminal: name a file with --out, or redirect the output',
    );
  }
  const run: Run = { status: EXIT_OK, stop: listenForStop() };
  const isShown = out === undefined && process.stdout.isTTY;
  const pieces = await piecesOf(resultsOf(wanted, run), format, isShown);
  try {
    if (out !== undefined) await putFile(out, pieces);
    else for await (const piece of pieces) await write(piece);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  return run.stop.status ?? run.status;
}

async function piecesOf(
  documents: AsyncIterable<ResultDocument>,
  format: ResultsFlags['format'],
  isShown: boolean,
): Promise<AsyncIterable<string | Uint8Array>> {
  if (format === 'jsonl') return textOf(documents, '', (document) => `${printableJson(document)}\n`);
  if (format === 'csv') {
    return textOf(documents, RESULTS_CSV.header, (document) => RESULTS_CSV.row(document, isShown));
  }
  // No other format needs its library.
  const { parquetOf } = await import('./results-parquet.ts');
  return parquetOf(documents);
}

async function* textOf(
  documents: AsyncIterable<ResultDocument>,
  header: string,
  row: (document: ResultDocument) => string,
): AsyncGenerator<string> {
  if (header !== '') yield header;
  for await (const document of documents) yield row(document);
}

/** @throws Stopped */
async function* resultsOf(
  { bucket, prefix, failed = false }: Omit<ResultsFlags, 'format' | 'out'>,
  run: Run,
): AsyncGenerator<ResultDocument> {
  const s3 = createS3Client();
  await regionOf(s3);
  const read = ({ key }: ListedObject): Promise<Outcome> =>
    readResult(s3, { bucket, key }, run.stop.signal).then(
      (document) => ({ key, document }),
      (error: unknown) => ({ key, error }),
    );
  const outcomes = inOrder(documentsOf(listObjects(s3, { bucket, prefix })), READS, read);
  try {
    for await (const outcome of untilStopped(outcomes, run.stop)) {
      if ('error' in outcome) run.status = Math.max(run.status, statusOf(outcome));
      else if (!failed || outcome.document.status === 'failed') yield outcome.document;
    }
  } finally {
    // What is still being read would keep the program from its end.
    s3.destroy();
  }
}

/** Does not wait for what S3 has not answered yet. @throws Stopped */
async function* untilStopped<T>(items: AsyncIterable<T>, { signal }: Stop): AsyncGenerator<T> {
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Stopped()), { once: true });
  });
  const iterator = items[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await Promise.race([iterator.next(), stopped]);
    if (done) return;
    yield value;
  }
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
async function write(piece: string | Uint8Array): Promise<void> {
  // `watchOutput` hears of failures too, and ends the run.
  if (!process.stdout.write(piece)) await once(process.stdout, 'drain').catch(() => undefined);
}

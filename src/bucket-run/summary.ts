/**
 * What became of a run over a bucket, summed up from what its batches left in S3.
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
 */
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { serviceFailureOf } from '../aws/object-failures.ts';
import { costOf, runCostSchema } from './cost.ts';

export const summaryInputSchema = z.strictObject({
  /** Where Step Functions wrote the list of the files; its names. */
  manifest: z.object({ Bucket: z.string().min(1), Key: z.string().min(1) }),
  /** Of the function that captioned, MB. */
  memory: z.number().positive(),
  architecture: z.enum(['x86_64', 'arm64']),
  /** ARN of the execution and name of its bucket, for those who are told of its end. */
  execution: z.string().min(1).optional(),
  bucket: z.string().min(1).optional(),
});
export type SummaryInput = z.output<typeof summaryInputSchema>;

export const runSummarySchema = z.object({
  images: z.object({
    captioned: z.int(),
    /** By the images' own faults, which were recorded, and those that S3 refused, which a later run tries again. */
    failed: z.int(),
    /** Whose result was there before. */
    skipped: z.int(),
    /** Of batches that failed. Some may have been captioned: the next run skips those and does the others. */
    unfinished: z.int(),
  }),
  batches: z.object({ succeeded: z.int(), failed: z.int() }),
  /** Of batches that failed: how many, by the name of the error. */
  errors: z.record(z.string(), z.int()),
  /** Of the functions of batches that succeeded, the waiting between retries included. */
  milliseconds: z.number(),
  /** Of batches that succeeded; at most, since waiting costs no function. */
  cost: runCostSchema,
});
export type RunSummary = z.output<typeof runSummarySchema>;

const manifestSchema = z.object({
  ResultFiles: z.record(z.string(), z.array(z.object({ Key: z.string() }))),
});
const SUCCEEDED = 'SUCCEEDED';

const batchSchema = z.object({
  captioned: z.int(),
  failed: z.int(),
  skipped: z.int(),
  milliseconds: z.number(),
});

/** A child workflow that failed, as Step Functions describes it; its input as text. */
const failureSchema = z.object({
  Error: z.string().default('unknown'),
  Input: z
    .string()
    .transform((json) => z.object({ Items: z.array(z.unknown()) }).parse(JSON.parse(json)).Items.length),
});

/** @throws UpstreamUnavailable */
export async function summarizeRun(
  s3: S3Client,
  { manifest, memory, architecture }: Pick<SummaryInput, 'manifest' | 'memory' | 'architecture'>,
): Promise<RunSummary> {
  const bucket = manifest.Bucket;
  const { ResultFiles } = manifestSchema.parse(JSON.parse(await textOf(s3, bucket, manifest.Key)));
  const images = { captioned: 0, failed: 0, skipped: 0, unfinished: 0 };
  const batches = { succeeded: 0, failed: 0 };
  const errors: Record<string, number> = {};
  let milliseconds = 0;
  for (const [status, files] of Object.entries(ResultFiles)) {
    for await (const line of linesOf(s3, bucket, files)) {
      if (status === SUCCEEDED) {
        const batch = batchSchema.parse(line);
        batches.succeeded += 1;
        images.captioned += batch.captioned;
        images.failed += batch.failed;
        images.skipped += batch.skipped;
        milliseconds += batch.milliseconds;
      } else {
        const failure = failureSchema.parse(line);
        batches.failed += 1;
        images.unfinished += failure.Input;
        errors[failure.Error] = (errors[failure.Error] ?? 0) + 1;
      }
    }
  }
  const processed = images.captioned + images.failed;
  const { skipped } = images;
  const work = { processed, skipped, batches: batches.succeeded, milliseconds, memory, architecture };
  return { images, batches, errors, milliseconds, cost: costOf(work) };
}

/** The objects of files of JSON Lines; never a whole file in memory. */
async function* linesOf(s3: S3Client, bucket: string, files: { Key: string }[]): AsyncGenerator<unknown> {
  for (const { Key } of files) {
    let rest = '';
    for await (const text of textChunksOf(s3, bucket, Key)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
    if (rest !== '') yield JSON.parse(rest);
  }
}

async function textOf(s3: S3Client, bucket: string, key: string): Promise<string> {
  let whole = '';
  for await (const text of textChunksOf(s3, bucket, key)) whole += text;
  return whole;
}

async function* textChunksOf(s3: S3Client, bucket: string, key: string): AsyncGenerator<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    // In Node the body of an answer is always a stream of Node's.
    yield* (Body as Readable).setEncoding('utf8') as AsyncIterable<string>;
  } catch (error) {
    throw serviceFailureOf(error, { bucket, key });
  }
}

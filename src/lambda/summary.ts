/** The last step of a run over a bucket: what the batches left in S3, summed up. Needs no model. */
import { createS3Client } from '../aws/s3-client.ts';
import { type RunSummary, summarizeRun, summaryInputSchema } from '../bucket-run/summary.ts';
import { InvalidRequest, problemsIn } from '../errors.ts';
import { startAnnouncing } from './announcing.ts';
import { createLogger } from './log.ts';

const s3 = createS3Client();
const logger = createLogger();
const announcer = await startAnnouncing(process.env);

export async function handler(event: unknown): Promise<RunSummary> {
  const input = summaryInputSchema.safeParse(event);
  if (!input.success) throw new InvalidRequest(problemsIn(input.error, 'event'));
  const summary = await summarizeRun(s3, input.data);
  logger.info('a run ended', { ...summary });
  const { execution, bucket } = input.data;
  await announcer?.run({ execution, bucket, ...summary });
  return summary;
}

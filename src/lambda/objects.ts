/** Captioning of S3 objects as queue and workflow do it: the core of src/s3 with this function's reports around it. */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { createS3Client } from '../aws/s3-client.ts';
import {
  captionObject,
  type ObjectCaptioner,
  type ObjectOutcome,
  type ObjectRequest,
} from '../s3/caption-object.ts';
import { type FollowUpParts, type FollowUps, followUp } from '../s3/follow-up.ts';
import { type Announcer, startAnnouncing } from './announcing.ts';
import { METRICS, type ObjectSettings, readObjectSettings } from './env.ts';
import { countCaptions, countFailure } from './failures.ts';
import { type FunctionRuntime, startRuntime } from './runtime.ts';

export interface ObjectRuntime extends FunctionRuntime {
  settings: ObjectSettings;
  s3: ObjectCaptioner['s3'];
  /** `null` where the deployment tells nobody. */
  announcer: Announcer | null;
}

/** In place of telling of every outcome at once. */
export interface Telling extends Pick<FollowUps, 'announce'>, Pick<FollowUpParts, 'since'> {}

/** @throws Error naming every environment variable that is missing or wrong */
export async function startObjectRuntime(env: NodeJS.ProcessEnv): Promise<ObjectRuntime> {
  const runtime = await startRuntime(readObjectSettings(env));
  const s3 = runtime.tracing.capture(createS3Client());
  return { ...runtime, s3, announcer: await startAnnouncing(env, runtime.tracing) };
}

/**
 * Captions one object, logs one line and counts; of a folder it does neither. Then it tags the object and tells of it, if
 * the deployment wants that.
 * @throws InvalidRequest, ObjectRefused, DeadlineExceeded, UpstreamUnavailable, ModelUnusable
 */
export async function captionAndReport(
  request: ObjectRequest,
  runtime: ObjectRuntime,
  deadline: number,
  { announce = runtime.announcer?.image, since = 0 }: Telling = {},
): Promise<ObjectOutcome> {
  const { captioner, settings, s3, logger, metrics } = runtime;
  const { caption, model } = await captioner;
  const outcome = await captionObject(request, { ...settings, s3, caption, model }, { deadline });
  const { document, status, location } = outcome;
  if (status === 'passed over') return outcome;
  const { bucket, key, versionId } = request;
  const facts = { source: { bucket, key, versionId }, result: location };
  if (document === undefined) {
    metrics.addMetric(METRICS.skipped, MetricUnit.Count, 1);
    logger.info('done before', { ...facts, status });
  } else if (document.status === 'captioned') {
    countCaptions(document.result.timings, metrics);
    logger.info('captioned', { ...facts, timings: document.result.timings });
  } else {
    countFailure(document.error.code, metrics);
    logger.info('recorded a failure', { ...facts, code: document.error.code });
  }
  const followUps = { tagObjects: settings.tagObjects, announce };
  const tagging = await followUp(outcome, { s3, followUps, since }, { deadline });
  if (tagging === 'no room') logger.warn('not tagged', facts);
  return outcome;
}

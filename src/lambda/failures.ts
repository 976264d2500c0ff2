/** How functions report what happened: one log line and the metrics of each image or message. */
import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { STAGES, type Timings } from '../caption/result.ts';
import { CaptionError, type ErrorReport, reportOf } from '../errors.ts';
import { FAILURE_CODE, METRICS } from './env.ts';

export interface Reporters {
  logger: Logger;
  metrics: Metrics;
}

/** What an operator has to do about a failure: nothing, watch, or act. */
const LEVELS = {
  InvalidRequest: 'warn',
  UnsupportedImage: 'info',
  ImageTooLarge: 'info',
  ImageNotFound: 'info',
  ObjectRefused: 'error',
  Overloaded: 'warn',
  DeadlineExceeded: 'warn',
  CaptionerHung: 'error',
  UpstreamUnavailable: 'warn',
  ModelUnusable: 'error',
  InternalError: 'error',
} as const satisfies Record<ErrorReport['code'], 'info' | 'warn' | 'error'>;

/** A failure's name in metrics and logs. */
function codeOf(error: unknown): ErrorReport['code'] {
  return reportOf(error).code;
}

/** @param facts what the line says beside the failure; never content of an image or a message */
export function reportFailure(error: unknown, facts: Record<string, unknown>, reporters: Reporters): void {
  const code = codeOf(error);
  countFailure(code, reporters.metrics);
  // The stack of a failure on purpose says nothing; that of a bug is all there is.
  const detail = error instanceof CaptionError ? { reason: error.message } : { error };
  reporters.logger[LEVELS[code]]('failed', { ...facts, code, ...detail });
}

/** @param code of an error, or of an HTTP problem */
export function countFailure(code: string, metrics: Metrics): void {
  metrics.singleMetric().addDimension(FAILURE_CODE, code).addMetric(METRICS.failures, MetricUnit.Count, 1);
}

/** @param images captioned in these times together */
export function countCaptions(timings: Timings, metrics: Metrics, images = 1): void {
  metrics.addMetric(METRICS.captions, MetricUnit.Count, images);
  for (const stage of STAGES) {
    metrics.addMetric(METRICS[stage], MetricUnit.Milliseconds, timings[stage]);
  }
}

/** What all functions share: made once an environment, during its start, and one frame around every invocation. */
import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { type LoadedCaptioner, loadCaptioner } from '../model/load.ts';
import { createDecodeMemory } from '../model/memory/decode-memory.ts';
import type { FunctionSettings } from './env.ts';
import { createLogger } from './log.ts';
import { startTracing, type Tracing } from './tracing.ts';

/**
 * Kept back at the end of an invocation: for the longest stage that cannot be interrupted (one run of the encoder, a
 * second with the largest bundles), for writing a result and for the answer. Give functions a timeout well above.
 */
const DEADLINE_MARGIN_MS = 3_000;

export interface FunctionRuntime {
  settings: FunctionSettings;
  logger: Logger;
  metrics: Metrics;
  tracing: Tracing;
  /** One for the whole life of the environment; rejects with ModelUnusable. */
  captioner: Promise<LoadedCaptioner>;
}

/**
 * Returns when the model is ready or known to be unusable: the start of an environment has a whole processor, whatever
 * the function's memory, and stands still between start and first invocation.
 */
export async function startRuntime<S extends FunctionSettings>(
  settings: S,
): Promise<FunctionRuntime & { settings: S }> {
  const { modelDirectory: directory, threads, maxPixels, decodeMemory, memory: limit } = settings;
  const captioner = loadCaptioner(directory, {
    threads,
    ...(maxPixels !== undefined && { maxPixels }),
    takeMemory: createDecodeMemory({ directory, decodeMemory, limit }),
  });
  const { serviceName, metricsNamespace: namespace, logLevel } = settings;
  const logger = createLogger({ serviceName, logLevel });
  const metrics = new Metrics({ serviceName, namespace });
  const tracing = await startTracing(settings.tracing, serviceName);
  await captioner
    .then(({ ready }) => ready)
    // Thrown by every invocation instead: an environment that fails to start is started again and again.
    .catch((error: unknown) => logger.critical('the model is unusable', { error }));
  return { settings, logger, metrics, tracing, captioner };
}

/** When to stop captioning, in milliseconds since the epoch. */
export function deadlineOf(context: Pick<Context, 'getRemainingTimeInMillis'>): number {
  return Date.now() + context.getRemainingTimeInMillis() - DEADLINE_MARGIN_MS;
}

/** Logger, metrics and trace of one invocation around `run`. */
export async function inInvocation<R>(
  { logger, metrics, tracing }: FunctionRuntime,
  context: Context,
  correlationId: string,
  run: () => Promise<R>,
): Promise<R> {
  logger.addContext(context);
  logger.setCorrelationId(correlationId);
  metrics.captureColdStartMetric(context.functionName);
  try {
    return await tracing.trace(context.functionName, run);
  } finally {
    // Without any, Powertools warns in plain text amid the JSON.
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    logger.resetKeys();
  }
}

/** Composition root: settings become a server that listens. */
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { planCaptions } from '../caption/plan.ts';
import { createApp } from '../http/app.ts';
import {
  type AllowedOrigin,
  allowOrigins,
  allowThisMachine,
  crossOriginHeaders,
  isLoopback,
} from '../http/cross-origin.ts';
import { modelCardOf } from '../http/model-card.ts';
import type { AppParts, Uploads } from '../http/parts.ts';
import { routeAt } from '../http/report.ts';
import { type Bundle, plannedModel, readBundle } from '../model/bundle.ts';
import { createDecodeMemory } from '../model/memory/decode-memory.ts';
import { type CaptionerPool, createPool, type PoolOptions } from '../model/pool.ts';
import type { FollowUps } from '../s3/follow-up.ts';
import type { ReportLine } from './access-log.ts';
import { reportOfRefusal } from './access-log.ts';

import { LEAST_IN_WINDOW, WINDOW_MS } from './bodies.ts';
import { createEdge, type Edge, MAX_HEADER_BYTES } from './http-server.ts';
import { listen } from './listen.ts';
import { createMetrics, type ServerInfo, type ServerMetrics } from './metrics.ts';
import { createMetricsServer, METRICS_PATH } from './metrics-server.ts';

import type { ConsumerReport, QueueConsumer } from './queue-consumer.ts';
import { refusalOf } from './refusal.ts';
import type { ServerSettings } from './settings.ts';

export interface ServerParts {
  /** Directory of the bundle. */
  model: string;
  settings: ServerSettings;
  /** @default nothing */
  report?: (line: ReportLine | ConsumerReport) => void;
  /** Called once when no worker is left and none can be started. @default nothing */
  onLost?: (cause: Error) => void;
  /** How workers run. @default as the pool says */
  workers?: Pick<PoolOptions, 'hangMs' | 'module'>;
}

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  /** Where metrics are, if they have a port of their own. */
  metricsUrl?: string;
  /** Takes no new requests, answers those at work as long as `stopTimeout` allows, and frees everything. */
  stop(): Promise<void>;
}

/**
 * Loads the model into every worker, captions a photograph once, then listens.
 * @throws ModelUnusable; InvalidRequest when it cannot listen there
 */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { settings, report = () => undefined } = parts;
  const bundle = await readBundle(parts.model);
  const pool = startPool(bundle, parts);
  let edge: Edge | null = null;
  let metricsServer: Server | null = null;
  try {
    const metrics = createMetrics(await infoOf(bundle, settings), () => ({
      load: pool.load,
      waitingLimit: settings.queue,
      workers: settings.workers,
      requests: edge?.atWork ?? 0,
    }));
    const refused = (line: ReportLine) => {
      metrics.refused(line);
      report(line);
    };
    const ofApp: AppParts = {
      ...(await appParts(bundle, pool, metrics, parts)),
      isRefused: ({ env }) => edge?.hasRefused((env as HttpBindings).outgoing) ?? false,
    };
    const app = createApp(ofApp);
    await pool.ready;
    // So that the first request finds every cache warm, and /health an answer however busy the workers are.
    await app.request('/health');
    edge = createEdge(settings, {
      listener: getRequestListener(app.fetch, { errorHandler: () => answerMalformed(refused) }),
      isFull: () => pool.full,
      headersFor: (origin) => crossOriginHeaders(ofApp.allowedOrigin, origin),
      onRefusal: (refusal, asked) =>
        refused(reportOfRefusal(refusal, asked && { method: asked.method, route: routeAt(app, asked.path) })),
    });
    const { host, port, metricsPort } = settings;
    if (metricsPort !== undefined) metricsServer = createMetricsServer(metrics, settings);
    const metricsOrigin =
      metricsServer && (await listen(metricsServer, { host, port: metricsPort!, flag: '--metrics-port' }));
    const { server } = edge;
    const url = await listen(server, { host, port, flag: '--port' });
    const consumer = await startConsumer(bundle, pool, metrics, parts);
    return {
      url,
      ...(metricsOrigin !== null && { metricsUrl: `${metricsOrigin}${METRICS_PATH}` }),
      stop: async () => {
        await Promise.all([drain(edge!, settings.stopTimeout), consumer?.stop()]);
        await Promise.all([pool.close(), close(metricsServer)]);
      },
    };
  } catch (error) {
    await Promise.all([pool.close(), close(metricsServer)]);
    throw error;
  }
}

function startPool(
  { manifest: { image } }: Bundle,
  { model: directory, settings, onLost, workers }: ServerParts,
): CaptionerPool {
  const { threads, executionProvider, maxPixels, decodeMemory, batch, queue: queueLength } = settings;
  const takeMemory = createDecodeMemory({ directory, workers: settings.workers, batch, decodeMemory });
  return createPool(
    settings.workers,
    { directory, image, threads, executionProvider, maxPixels },
    { ...workers, batch, queueLength, takeMemory, ...(onLost && { onLost }) },
  );
}

/** The package's own file lies two folders up in the sources, in the package and in the container. */
async function infoOf(
  { manifest, hash }: Bundle,
  { executionProvider }: ServerSettings,
): Promise<ServerInfo> {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string };
  return { version, model: manifest.name, model_hash: hash, execution_provider: executionProvider };
}

async function appParts(
  bundle: Bundle,
  pool: CaptionerPool,
  metrics: ServerMetrics,
  parts: ServerParts,
): Promise<AppParts> {
  const { settings, report } = parts;
  const allowedOrigin = allowedOriginOf(settings);
  return {
    caption: metrics.counting('http', pool.caption),
    together: pool.batch,
    model: modelCardOf(bundle),
    plan: (options = {}, beside) => planCaptions(options, plannedModel(bundle), beside),
    maxBodyBytes: settings.maxBody,
    ...(settings.maxImages !== undefined && { maxImages: settings.maxImages }),
    deadlineOf: () => Date.now() + settings.answerTimeout,
    limits: {
      headerBytes: MAX_HEADER_BYTES,
      requestTimeout: settings.requestTimeout,
      slowestBody: { bytes: LEAST_IN_WINDOW, milliseconds: WINDOW_MS },
      uploadBytes: settings.maxObjectBytes,
      ...(settings.maxPixels !== undefined && { pixels: settings.maxPixels }),
    },
    ...(settings.allowedBuckets.length > 0 && { readS3: await createReader(settings) }),
    ...(settings.uploadsBucket !== undefined && { uploads: await createServerUploads(bundle, settings) }),
    ...(allowedOrigin && { allowedOrigin }),
    ...(settings.metricsPort === undefined && { metrics: metrics.read }),
    report: (line) => {
      metrics.answered(line);
      report?.(line);
    },
  };
}

function allowedOriginOf({ corsOrigin, host }: ServerSettings): AllowedOrigin | undefined {
  if (corsOrigin !== undefined) return allowOrigins(corsOrigin);
  return isLoopback(host) ? allowThisMachine : undefined;
}

/** @returns `null` where the settings name no queue */
async function startConsumer(
  { manifest, hash }: Bundle,
  { caption, inFlight }: CaptionerPool,
  metrics: ServerMetrics,
  { settings, report }: ServerParts,
): Promise<QueueConsumer | null> {
  const { queueUrl, resultsBucket, resultsPrefix, allowedBuckets, maxObjectBytes } = settings;
  if (queueUrl === undefined || resultsBucket === undefined) return null;
  const [{ createSqsClient, startQueueConsumer }, { createS3Client }] = await Promise.all([
    import('./queue-consumer.ts'),
    import('../aws/s3-client.ts'),
  ]);
  return startQueueConsumer({
    sqs: createSqsClient(),
    queueUrl,
    messages: inFlight,
    s3: createS3Client(),
    caption: metrics.counting('queue', caption),
    model: { name: manifest.name, hash },
    allowedBuckets,
    results: { bucket: resultsBucket, prefix: resultsPrefix },
    maxObjectBytes,
    followUps: {
      tagObjects: settings.tagObjects ? allowedBuckets : [],
      announce: await createAnnounce(settings),
    },
    report: (line) => {
      metrics.consumed(line);
      report?.(line);
    },
  });
}

/** @returns `undefined` where the settings name no bus */
async function createAnnounce({ eventBus: bus, deployment }: ServerSettings): Promise<FollowUps['announce']> {
  if (bus === undefined) return undefined;
  const { createAnnouncer } = await import('../events/announcer.ts');
  return createAnnouncer({ bus, deployment }).image;
}

/** The AWS SDK is loaded only by servers that use S3: it takes memory, and doubles the time to start. */
async function createReader({
  allowedBuckets,
  maxBody,
}: ServerSettings): Promise<NonNullable<AppParts['readS3']>> {
  const [{ createImageReader }, { createS3Client }] = await Promise.all([
    import('../s3/access.ts'),
    import('../aws/s3-client.ts'),
  ]);
  return createImageReader(createS3Client(), { allowedBuckets, maxBytes: maxBody });
}

async function createServerUploads({ hash }: Bundle, settings: ServerSettings): Promise<Uploads> {
  const { uploadsBucket, uploadsPrefix, resultsBucket, resultsPrefix, maxObjectBytes } = settings;
  const [{ createUploads, createSigningClient }, { createS3Client }] = await Promise.all([
    import('../s3/uploads.ts'),
    import('../aws/s3-client.ts'),
  ]);
  return createUploads({
    s3: createS3Client(),
    signer: createSigningClient(),
    // The settings have both where they have uploads.
    uploads: { bucket: uploadsBucket!, prefix: uploadsPrefix },
    results: { bucket: resultsBucket!, prefix: resultsPrefix },
    modelHash: hash,
    maxObjectBytes,
  });
}

/** The adapter's own refusals: no host, an address that is none. The app answers all else. */
function answerMalformed(report: (line: ReportLine) => void): Response {
  const refusal = refusalOf('MalformedRequest', { detail: 'the request has no valid host or path' });
  report(reportOfRefusal(refusal));
  return new Response(refusal.body, { status: refusal.status, headers: refusal.headers });
}

async function close(server: Server | null): Promise<void> {
  if (server === null) return;
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
}

function drain({ server, drain: begin }: Edge, stopTimeout: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(limit);
      server.close(() => resolve());
      server.closeAllConnections();
    };
    const limit = setTimeout(end, stopTimeout);
    begin(end);
  });
}

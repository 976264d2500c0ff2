/** Composition root: settings become a server that listens. */
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { planCaptions } from '../caption/plan.ts';
import { InvalidRequest } from '../errors.ts';
import { createApp } from '../http/app.ts';
import { modelCardOf } from '../http/model-card.ts';
import type { AppParts, Uploads } from '../http/parts.ts';
import { type Bundle, plannedModel, readBundle } from '../model/bundle.ts';
import { type CaptionerPool, createPool, type PoolOptions } from '../model/pool.ts';
import type { ReportLine } from './access-log.ts';
import { reportOfRefusal } from './access-log.ts';
import { createEdge, type Edge, MAX_HEADER_BYTES } from './http-server.ts';
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
  const pool = startPool(parts);
  try {
    const app = createApp(await appParts(bundle, pool, parts));
    await pool.ready;
    // So that the first request finds every cache warm, and /health an answer however busy the workers are.
    await app.request('/health');
    const edge = createEdge(settings, {
      listener: getRequestListener(app.fetch, { errorHandler: () => answerMalformed(report) }),
      isFull: () => pool.full,
      onRefusal: (refusal, method) => report(reportOfRefusal(refusal, method)),
    });
    const url = await listen(edge, settings);
    const consumer = await startConsumer(bundle, pool, parts);
    return {
      url,
      stop: async () => {
        await Promise.all([drain(edge, settings.stopTimeout), consumer?.stop()]);
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function startPool({ model: directory, settings, onLost, workers }: ServerParts): CaptionerPool {
  const { threads, executionProvider, queue: queueLength } = settings;
  return createPool(
    settings.workers,
    { directory, options: { threads, executionProvider } },
    { ...workers, queueLength, ...(onLost && { onLost }) },
  );
}

async function appParts(bundle: Bundle, pool: CaptionerPool, parts: ServerParts): Promise<AppParts> {
  const { settings, report } = parts;
  return {
    caption: pool.caption,
    model: modelCardOf(bundle),
    plan: (options = {}) => planCaptions(options, plannedModel(bundle)),
    maxBodyBytes: settings.maxBodyBytes,
    deadlineOf: () => Date.now() + settings.answerTimeout,
    limits: {
      headerBytes: MAX_HEADER_BYTES,
      requestTimeout: settings.requestTimeout,
      uploadBytes: settings.maxObjectBytes,
    },
    ...(settings.allowedBuckets.length > 0 && { readS3: await createReader(settings) }),
    ...(settings.uploadsBucket !== undefined && { uploads: await createServerUploads(bundle, settings) }),
    ...(report && { report }),
  };
}

/** @returns `null` where the settings name no queue */
async function startConsumer(
  { manifest, hash }: Bundle,
  { caption }: CaptionerPool,
  { settings, report }: ServerParts,
): Promise<QueueConsumer | null> {
  const { queueUrl, resultsBucket, resultsPrefix, allowedBuckets, maxObjectBytes, workers } = settings;
  if (queueUrl === undefined || resultsBucket === undefined) return null;
  const [{ createSqsClient, startQueueConsumer }, { createS3Client }] = await Promise.all([
    import('./queue-consumer.ts'),
    import('../aws/s3-client.ts'),
  ]);
  return startQueueConsumer({
    sqs: createSqsClient(),
    queueUrl,
    messages: workers,
    s3: createS3Client(),
    caption,
    model: { name: manifest.name, hash },
    allowedBuckets,
    results: { bucket: resultsBucket, prefix: resultsPrefix },
    maxObjectBytes,
    ...(report && { report }),
  });
}

/** The AWS SDK is loaded only by servers that use S3: it takes memory, and doubles the time to start. */
async function createReader({
  allowedBuckets,
  maxBodyBytes,
}: ServerSettings): Promise<NonNullable<AppParts['readS3']>> {
  const [{ createImageReader }, { createS3Client }] = await Promise.all([
    import('../s3/access.ts'),
    import('../aws/s3-client.ts'),
  ]);
  return createImageReader(createS3Client(), { allowedBuckets, maxBytes: maxBodyBytes });
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
  const refusal = refusalOf('MalformedRequest', 'the request has no valid host or path');
  report(reportOfRefusal(refusal));
  return new Response(refusal.body, { status: refusal.status, headers: refusal.headers });
}

/** Why listening fails, in the flags' names. */
const LISTEN_PROBLEMS: Record<string, (settings: ServerSettings) => string> = {
  EADDRINUSE: ({ port }) =>
    `--port ${port}: another program listens there; name another port, or 0 for any free one`,
  EACCES: ({ port }) => `--port ${port}: not allowed to listen there; ports from 1024 need no rights`,
  EADDRNOTAVAIL: ({ host }) => `--host ${host}: no address of this machine`,
  ENOTFOUND: ({ host }) => `--host ${host}: no such host`,
};

function listen({ server }: Edge, settings: ServerSettings): Promise<string> {
  const { host, port } = settings;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem = LISTEN_PROBLEMS[error.code ?? ''];
      reject(problem === undefined ? error : new InvalidRequest(problem(settings), { cause: error }));
    });
    server.listen(port, host, () => resolve(urlOf(server.address() as AddressInfo)));
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
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

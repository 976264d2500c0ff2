/**
 * What Prometheus scrapes. Each label has few values, all of them names of this program: what clients invent, and anything
 * of an image, stays out.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Captioner } from '../caption/captioner.ts';
import { STAGES } from '../caption/result.ts';
import { reportOf } from '../errors.ts';
import { ClientLeft } from '../http/failures.ts';
import type { MetricsText } from '../http/parts.ts';
import type { PoolLoad } from '../model/pool.ts';
import type { ReportLine } from './access-log.ts';
import type { ConsumerReport } from './queue-consumer.ts';

/** From a health check that is remembered to the default `--answer-timeout`. */
const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From the preprocessing of a small model to the search of the slowest image that is not given up. */
const STAGE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Those that anything here answers; Node reads some thirty more. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);

/** What does not change as long as the server runs. */
export interface ServerInfo {
  version: string;
  model: string;
  /** SHA-256 of the manifest. */
  model_hash: string;
  execution_provider: string;
}

/** Asked for at every scrape. */
export interface ServerState {
  /** Images of HTTP and of the queue. */
  load: PoolLoad;
  /** Images that may wait. */
  waitingLimit: number;
  /** That the server was told to have. */
  workers: number;
  /** Requests that have come and are not answered yet. */
  requests: number;
}

/** Where images come from. */
type Source = 'http' | 'queue';

export interface ServerMetrics {
  /** A request that the app answered. */
  answered(line: ReportLine): void;
  /** A request that the app never saw. */
  refused(line: ReportLine): void;
  /** A message of the queue, or a request to SQS that failed. */
  consumed(line: ConsumerReport): void;
  /** The same, counted and timed. */
  counting(source: Source, caption: Captioner['caption']): Captioner['caption'];
  read(): Promise<MetricsText>;
}

export function createMetrics(info: ServerInfo, state: () => ServerState): ServerMetrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  addGauges(registers, info, state);

  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by what they were answered; route is other where there is none',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From a request’s headers to its answer, uploads included',
    labelNames: ['method', 'route', 'status_class'],
    buckets: REQUEST_SECONDS,
    registers,
  });
  const problems = new Counter({
    name: 'http_problems_total',
    help: 'Requests that were refused or failed, by the code of their problem document',
    labelNames: ['code'],
    registers,
  });
  const captioned = new Counter({
    name: 'show_and_tell_images_captioned_total',
    help: 'Images captioned; that of the health check at the start is one of http',
    labelNames: ['source'],
    registers,
  });
  const failed = new Counter({
    name: 'show_and_tell_images_failed_total',
    help: 'Images without captions, also those of a form whose others have some',
    labelNames: ['source', 'code'],
    registers,
  });
  const stages = new Histogram({
    name: 'show_and_tell_stage_duration_seconds',
    help: 'Of an image that was captioned: its stages, and all of it',
    labelNames: ['stage'],
    buckets: STAGE_SECONDS,
    registers,
  });
  const messages = new Counter({
    name: 'show_and_tell_queue_messages_total',
    help: 'Messages of SQS: done, or left for another attempt; failed are requests to SQS',
    labelNames: ['outcome'],
    registers,
  });

  const refused = ({ method = 'other', route, status, code }: ReportLine): void => {
    requests.inc({ method: methodLabel(method), route, status });
    if (code !== undefined) problems.inc({ code });
  };
  return {
    refused,
    answered: (line) => {
      refused(line);
      const { method = 'other', route, status, milliseconds } = line;
      const labels = { method: methodLabel(method), route, status_class: `${Math.floor(status / 100)}xx` };
      durations.observe(labels, milliseconds / 1000);
    },
    consumed: ({ queue }) => messages.inc({ outcome: queue }),
    counting: (source, caption) => async (bytes, plan, call) => {
      try {
        const result = await caption(bytes, plan, call);
        captioned.inc({ source });
        for (const stage of STAGES) stages.observe({ stage }, result.timings[stage] / 1000);
        return result;
      } catch (error) {
        failed.inc({ source, code: error instanceof ClientLeft ? error.name : reportOf(error).code });
        throw error;
      }
    },
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

function methodLabel(method: string): string {
  return METHODS.has(method) ? method : 'other';
}

function addGauges(registers: Registry[], info: ServerInfo, state: () => ServerState): void {
  const told = new Gauge({
    name: 'show_and_tell_info',
    help: 'Which program and which model run; always 1',
    labelNames: Object.keys(info),
    registers,
  });
  told.set({ ...info }, 1);
  const gauges: [name: string, help: string, value: (state: ServerState) => number][] = [
    ['http_requests_in_progress', 'Requests that are not answered yet', ({ requests }) => requests],
    ['show_and_tell_images_waiting', 'Images that wait for a worker', ({ load }) => load.waiting],
    ['show_and_tell_images_waiting_limit', '--queue: more are refused', ({ waitingLimit }) => waitingLimit],
    ['show_and_tell_images_pending', 'Images that wait or are at work', ({ load }) => load.pending],
    ['show_and_tell_workers_configured', '--workers', ({ workers }) => workers],
    ['show_and_tell_workers_alive', 'Workers that have loaded the model', ({ load }) => load.alive],
    ['show_and_tell_workers_busy', 'Workers that caption an image', ({ load }) => load.busy],
  ];
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(state()));
      },
    });
  }
}

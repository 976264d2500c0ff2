/** The server under load, beside the same number of workers without HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { readBundle } from '../src/model/bundle.ts';
import { loadCaptioner } from '../src/model/load.ts';
import { createPool } from '../src/model/pool.ts';
import { type ServerProcess, startServer } from './served.ts';
import { processorMilliseconds } from './shared/proc.ts';
import { median, percentile } from './shared/statistics.ts';

/** Images at work for each worker: one in hand, one waiting, so that no worker ever waits for the client. */
const IN_FLIGHT_PER_WORKER = 2;
/** Requests a second of the overload, in multiples of what the server answers. */
const OVERLOAD = 4;
const WARM_OVERLOAD_SECONDS = 3;
/** autocannon sends a second's requests at its beginning; several of them, in turns, come close to an even rate. */
const TURNS = 8;
/** Connections of the overload for each worker: more than the queue holds. */
const OVERLOAD_CONNECTIONS_PER_WORKER = 80;
const ROUND_SECONDS = 10;
/** How often /health is asked meanwhile. */
const HEALTH_EVERY_MS = 100;

export interface LoadOptions {
  directory: string;
  workers: number;
  /** Under HTTP at capacity; the rounds without HTTP take as long again, the overload a third of it. */
  seconds: number;
}

export interface LoadReport {
  /** Images a second, medians of the rounds. */
  pool: number;
  served: number;
  /** Median of the ratios of neighbouring rounds. */
  servedToPool: number;
  /** Milliseconds of an answer at capacity. */
  p50: number;
  p99: number;
  /** Processor milliseconds an image: the workers alone, the server, the client that loads it. */
  poolProcessor: number;
  serverProcessor: number;
  clientProcessor: number;
  /** Answers other than the right caption (or, in the overload, 503), at capacity and in the overload. */
  wrong: number;
  overload: {
    /** Images captioned a second, beside those at capacity. */
    servedToCapacity: number;
    refused: number;
    p99Served: number;
    p50Refused: number;
    p99Refused: number;
    slowest: number;
  };
  /** Milliseconds of answers of /health while the workers were busy, the overload included. */
  p99Health: number;
  slowestHealth: number;
  /** Of the server after the first round, at the end, and the growth between as a share. */
  settledMiB: number;
  endMiB: number;
  growth: number;
}

export interface Photograph {
  bytes: Buffer;
  /** How an answer with the right captions begins. */
  answer: string;
}

export async function underLoad(images: readonly Buffer[], options: LoadOptions): Promise<LoadReport> {
  const { directory, workers, seconds } = options;
  const photographs = await captionAlone(images, directory);
  const { image } = (await readBundle(directory)).manifest;
  const pool = createPool(workers, { directory, image, threads: 1 });
  const server = await startServer({ directory, workers });
  const health = watchHealth(server.url);
  const rounds = [];
  let settledMiB = 0;
  try {
    await poolRound(pool.caption, images, workers, 1);
    const { rate } = await httpRound(server, photographs, workers, 1);
    // Full batches take their memory once.
    await overload(server, photographs, workers, OVERLOAD * rate, WARM_OVERLOAD_SECONDS);
    const each = Math.min(ROUND_SECONDS, seconds);
    for (let done = 0; done < seconds; done += each) {
      const alone = await poolRound(pool.caption, images, workers, each);
      rounds.push({ alone, http: await httpRound(server, photographs, workers, each) });
      settledMiB ||= server.memory().rssMiB;
    }
    await pool.close();
    const served = median(rounds.map(({ http }) => http.rate));
    const over = await overload(server, photographs, workers, OVERLOAD * served, Math.ceil(seconds / 3));
    const endMiB = server.memory().rssMiB;
    const healthTimes = await health.stop();
    const latencies = rounds.flatMap(({ http }) => http.served);
    return {
      pool: median(rounds.map(({ alone }) => alone.rate)),
      served,
      servedToPool: median(rounds.map(({ alone, http }) => http.rate / alone.rate)),
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      poolProcessor: median(rounds.map(({ alone }) => alone.processor)),
      serverProcessor: median(rounds.map(({ http }) => http.server)),
      clientProcessor: median(rounds.map(({ http }) => http.client)),
      wrong: over.wrong + rounds.reduce((sum, { http }) => sum + http.wrong + http.refused.length, 0),
      overload: {
        servedToCapacity: over.rate / served,
        refused: over.refused.length,
        p99Served: percentile(over.served, 0.99),
        p50Refused: percentile(over.refused, 0.5),
        p99Refused: percentile(over.refused, 0.99),
        slowest: Math.max(...over.served, ...over.refused),
      },
      p99Health: percentile(healthTimes, 0.99),
      slowestHealth: Math.max(...healthTimes),
      settledMiB,
      endMiB,
      growth: endMiB / settledMiB - 1,
    };
  } finally {
    await server.stop();
  }
}

/** What one captioner says without any server: an answer over HTTP has to begin with these very numbers. */
export async function captionAlone(images: readonly Buffer[], directory: string): Promise<Photograph[]> {
  const alone = await loadCaptioner(directory, { threads: 1 });
  const photographs: Photograph[] = [];
  for (const bytes of images) {
    const { captions } = await alone.caption(bytes);
    photographs.push({ bytes, answer: JSON.stringify({ captions }).slice(0, -1) });
  }
  await alone.close();
  return photographs;
}

type Caption = (image: Uint8Array) => Promise<unknown>;

async function poolRound(caption: Caption, images: readonly Buffer[], workers: number, seconds: number) {
  const before = processorMilliseconds(process.pid);
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const drain = async () => {
    while (performance.now() < end) {
      await caption(images[done % images.length]!);
      done++;
    }
  };
  await Promise.all(Array.from({ length: workers * IN_FLIGHT_PER_WORKER }, drain));
  return {
    rate: (done / (performance.now() - start)) * 1000,
    processor: (processorMilliseconds(process.pid) - before) / done,
  };
}

async function httpRound(
  server: ServerProcess,
  photographs: readonly Photograph[],
  workers: number,
  seconds: number,
) {
  const before = { server: server.processorMilliseconds(), client: processorMilliseconds(process.pid) };
  const seen = await shoot(server.url, photographs, {
    connections: workers * IN_FLIGHT_PER_WORKER,
    duration: seconds,
  });
  const images = seen.served.length;
  return {
    ...seen,
    server: (server.processorMilliseconds() - before.server) / images,
    client: (processorMilliseconds(process.pid) - before.client) / images,
  };
}

async function overload(
  server: ServerProcess,
  photographs: readonly Photograph[],
  workers: number,
  rate: number,
  seconds: number,
) {
  // autocannon keeps a copy of every body for every connection: two photographs are enough.
  const few = photographs.toSorted((a, b) => a.bytes.length - b.bytes.length).slice(0, 2);
  const load = {
    connections: Math.ceil((workers * OVERLOAD_CONNECTIONS_PER_WORKER) / TURNS),
    overallRate: Math.ceil(rate / TURNS),
    duration: seconds,
  };
  const turns = await Promise.all(
    Array.from({ length: TURNS }, async (_, turn) => {
      await sleep((turn * 1000) / TURNS);
      return shoot(server.url, few, load);
    }),
  );
  return {
    rate: turns.reduce((sum, turn) => sum + turn.rate, 0),
    served: turns.flatMap((turn) => turn.served),
    refused: turns.flatMap((turn) => turn.refused),
    wrong: turns.reduce((sum, turn) => sum + turn.wrong, 0),
  };
}

export interface Seen {
  /** Right captions a second. */
  rate: number;
  /** Milliseconds of each answer with captions, and of each 503. */
  served: number[];
  refused: number[];
  /** Wrong captions, other statuses, lost connections, no answer within 10 s. */
  wrong: number;
}

export async function shoot(
  url: string,
  photographs: readonly Photograph[],
  load: Pick<autocannon.Options, 'connections' | 'duration' | 'overallRate'>,
): Promise<Seen> {
  const seen: Seen = { rate: 0, served: [], refused: [], wrong: 0 };
  const start = performance.now();
  let last = start;
  const requests = photographs.map(({ bytes, answer }) => ({
    method: 'POST' as const,
    path: '/captions',
    headers: { 'content-type': 'image/jpeg' },
    body: bytes,
    onResponse: (status: number, body: string) => {
      if (status !== 503 && !(status === 200 && body.startsWith(answer))) seen.wrong++;
    },
  }));
  const { errors } = await autocannon({
    url,
    ...load,
    requests,
    setupClient: (client) => {
      client.on('response', (status: number, _bytes: number, milliseconds: number) => {
        if (status === 200) {
          seen.served.push(milliseconds);
          last = performance.now();
        } else if (status === 503) seen.refused.push(milliseconds);
      });
    },
  });
  seen.wrong += errors;
  seen.rate = (seen.served.length / (last - start)) * 1000;
  return seen;
}

function watchHealth(url: string) {
  let going = true;
  const times: number[] = [];
  const watching = (async () => {
    while (going) {
      const start = performance.now();
      const { status } = await fetch(`${url}/health`);
      if (status !== 200) throw new Error(`/health answers ${status}`);
      times.push(performance.now() - start);
      await sleep(HEALTH_EVERY_MS);
    }
  })();
  return {
    stop: async () => {
      going = false;
      await watching;
      return times;
    },
  };
}

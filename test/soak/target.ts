/** The server as a process of its own, and what the system and its metrics say of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { memoryOf } from '../../bench/shared/proc.ts';
import type { ServerSettingsInput } from '../../src/server/settings.ts';
import { readScrape, type Scrape, sampleOf } from '../support/prometheus.ts';

const SERVER = fileURLToPath(new URL('./server.ts', import.meta.url));
/** Until nothing is at work any more: a hung worker is given up in less. */
const SETTLE_MS = 30_000;
/** Twenty times what it takes. */
const COLLECTING_MS = 2_000;
/**
 * As `serve` starts itself (`src/cli/start/give-back.js`), but with one arena: glibc makes up to eight for each processor as
 * threads meet in it, each of which keeps what lies between its blocks, so that a server's memory rises for an hour without
 * any leak.
 */
const ALLOCATOR = { MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '1' };

export interface Held {
  rssMiB: number;
  descriptors: number;
  threads: number;
}

export interface Target {
  port: number;
  /** `POST /captions` in the access log, by status. */
  logged: Map<string, number>;
  /** Lines on standard error that are none of the access log. */
  strange: string[];
  scrape(): Promise<Scrape>;
  /** Until it has nothing to do. @throws Error when that does not come */
  atRest(workers: number): Promise<void>;
  /** What it holds when its heap has been collected. */
  collected(): Promise<Held>;
  stop(): void;
  /** Exit status, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

export async function startTarget(settings: ServerSettingsInput): Promise<Target> {
  const child = spawn(process.execPath, [SERVER, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ALLOCATOR },
  });
  const pid = child.pid!;
  const logged = new Map<string, number>();
  const strange: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    const { method, route, status } = line.startsWith('{') ? JSON.parse(line) : {};
    if (status === undefined) strange.push(line);
    if (method === 'POST' && route === '/captions') {
      logged.set(String(status), (logged.get(String(status)) ?? 0) + 1);
    }
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal!));
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const [line] = (await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    ended.then((how) => {
      throw new Error(`the server ended: ${how}; ${strange.join('\n')}`);
    }),
  ])) as [string];
  const url = line.trim();
  const scrape = async () => readScrape(await (await fetch(`${url}/metrics`)).text());
  const isAtRest = (now: Scrape, workers: number) =>
    sampleOf(now, 'http_requests_in_progress') === 1 &&
    sampleOf(now, 'show_and_tell_images_pending') === 0 &&
    sampleOf(now, 'show_and_tell_workers_alive') === workers;
  return {
    port: Number(new URL(url).port),
    logged,
    strange,
    scrape,
    async atRest(workers) {
      for (const end = performance.now() + SETTLE_MS; !isAtRest(await scrape(), workers); await sleep(100)) {
        if (performance.now() > end) throw new Error('the server does not come to rest');
      }
    },
    async collected() {
      child.kill('SIGUSR2');
      await sleep(COLLECTING_MS);
      return {
        rssMiB: memoryOf(pid).rssMiB,
        descriptors: readdirSync(`/proc/${pid}/fd`).length,
        threads: readdirSync(`/proc/${pid}/task`).length,
      };
    },
    stop: () => child.kill('SIGTERM'),
    ended,
  };
}

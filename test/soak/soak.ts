/**
 * A real server under everything that clients do, for a long time: `npm run soak`, ten minutes; `-- --minutes 3 --seed 7
 * --workers 2 --clients 12`. Says what was done and what is wrong, and ends with status 1 where anything is. Linux only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { xorshift } from '../support/random.ts';
import { books } from './books.ts';
import { kill, talk } from './clients.ts';
import { makeImages } from './images.ts';
import { dial } from './line.ts';
import { fault, startTally } from './tally.ts';
import { type Held, startTarget, type Target } from './target.ts';

/** Of the time, until memory has the level that it keeps; at most as long as that takes. */
const WARM_UP_SHARE = 0.25;
const LONGEST_WARM_UP_MS = 120_000;
/** Between warm-up and end, both times with new workers and a collected heap. */
const GROWTH_MIB = 64;
/** Connections of clients that are closing, and of /metrics. */
const SPARE_DESCRIPTORS = 4;
/** Threads of libvips, which come with large images and go when there are none: between 14 and 20 in all were seen. */
const SPARE_THREADS = 8;
/** Requests whose server is told to stop while it has them. */
const AT_WORK = 8;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '3' },
    clients: { type: 'string', default: '12' },
  },
});
const [minutes, seed, workers, clients] = [values.minutes, values.seed, values.workers, values.clients].map(
  Number,
) as [number, number, number, number];
/** Who is slow is soon cut off; answers have time, on a machine that others use as well. */
const settings = { port: 0, workers, headersTimeout: 2_000, requestTimeout: 6_000, answerTimeout: 45_000 };

const tally = startTally();
const images = await makeImages(xorshift(seed));
const target = await startTarget(settings);
const say = (text: string) => process.stdout.write(`${text}\n`);
say(`seed ${seed}, ${minutes} minutes, ${workers} workers, ${clients} clients at a time`);

const total = minutes * 60_000;
const warmUp = Math.min(LONGEST_WARM_UP_MS, total * WARM_UP_SHARE);
await load(warmUp, seed);
const before = await renewed(seed);
tell('warm', before);
await load(total - warmUp, seed + clients);
const after = await renewed(seed);
tell('end', after);
hold('MiB', after.rssMiB - before.rssMiB, GROWTH_MIB);
hold('descriptors', after.descriptors - before.descriptors, SPARE_DESCRIPTORS);
hold('threads', after.threads - before.threads, SPARE_THREADS);

for (const line of books(tally, target.logged, await target.scrape())) say(line);
await stopAtWork(target);
await stopAtWork(await startTarget(settings));

for (const text of tally.faults) say(`FAULT ${text}`);
say(tally.faults.length === 0 ? 'nothing was lost' : `${tally.faults.length} faults`);
process.exitCode = tally.faults.length === 0 ? 0 : 1;

/** As many clients as there may be, one after the other in each place. */
async function load(milliseconds: number, firstSeed: number): Promise<void> {
  const end = performance.now() + milliseconds;
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const random = xorshift(7919 * (firstSeed + i) + 1);
      while (performance.now() < end) await talk({ port: target.port, images, random, tally });
    }),
  );
}

/**
 * What is left without the garbage of the workers' heaps, which differs by a hundred megabytes from one moment to another:
 * all are replaced at once.
 */
async function renewed(seed: number): Promise<Held> {
  await target.atRest(workers);
  const of = { port: target.port, images, random: xorshift(seed), tally };
  await Promise.all(Array.from({ length: workers }, () => kill(of, 'crash')));
  await target.atRest(workers);
  return target.collected();
}

function tell(when: string, { rssMiB, descriptors, threads }: Held): void {
  say(`${when}: ${rssMiB.toFixed(0)} MiB, ${descriptors} descriptors, ${threads} threads`);
}

function hold(what: string, growth: number, bound: number): void {
  if (growth > bound)
    fault(tally, `${growth.toFixed(0)} ${what} more than after the warm-up, above ${bound}`);
}

/** What the server has when it is told to stop is answered, whatever comes later is refused, and it ends by itself. */
async function stopAtWork(server: Target): Promise<void> {
  const { bytes, type, captions } = images.good[0]!;
  const head = `POST /captions HTTP/1.1\r\nHost: soak\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  const lines = await Promise.all(Array.from({ length: AT_WORK }, () => dial(server.port)));
  for (const { socket } of lines) socket.write(Buffer.concat([Buffer.from(head), bytes]));
  await sleep(20);
  server.stop();
  for (const { answer, surplus } of lines) {
    const { status, body } = await answer().catch((error: unknown) => ({ status: 0, body: String(error) }));
    const isRight = status === 503 || (status === 200 && body.includes(captions!));
    if (!isRight) fault(tally, `while it stops: ${status} ${body.slice(0, 200)}`);
    if ((await surplus()) > 0) fault(tally, 'while it stops: more than one answer');
  }
  const how = await server.ended;
  if (how !== 0) fault(tally, `the server ended with ${how}`);
  for (const line of server.strange) fault(tally, `on standard error: ${line}`);
}

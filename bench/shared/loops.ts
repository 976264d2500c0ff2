/** Two ways to load whatever answers. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks for the n-th answer. */
export type Ask = (n: number) => Promise<unknown>;

export interface Answered {
  /** Answers a second. */
  rate: number;
  /** Milliseconds of each answer. */
  latencies: number[];
}

/**
 * As many questions at a time as are in flight, each asked when another is answered: how much can be answered. The rate is that
 * of whole turns of all in flight, after the first one and before the last: with several answers at once, and workers that
 * end at different times, parts of a turn would count for too little.
 */
export async function closedLoop(
  ask: Ask,
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<Answered> {
  const end = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  /** When all in flight were answered once more. */
  const turns: number[] = [];
  let asked = 0;
  const goesOn = () => performance.now() < end || turns.length < 2;
  const drain = async () => {
    while (goesOn()) {
      const start = performance.now();
      await ask(asked++);
      const now = performance.now();
      const fed = goesOn();
      latencies.push(now - start);
      if (fed && latencies.length % inFlight === 0) turns.push(now);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, drain));
  return { rate: ((turns.length - 1) * inFlight * 1000) / (turns.at(-1)! - turns[0]!), latencies };
}

/**
 * Asks when it is time to, however many questions wait for their answers: how long users wait. Ends with the last answer.
 * @param arrivals milliseconds from now, ascending
 * @returns milliseconds of each answer, from the time at which it should have been asked for
 */
export async function openLoop(ask: Ask, arrivals: readonly number[]): Promise<number[]> {
  const start = performance.now();
  const answers: Promise<number>[] = [];
  for (const [n, arrival] of arrivals.entries()) {
    const due = start + arrival;
    // A timer counts whole milliseconds, from the one in which it was set.
    while (performance.now() < due) await sleep(Math.max(1, due - performance.now()));
    const answer = ask(n).then(() => performance.now() - due);
    // It is said by `Promise.all`, after the last arrival.
    answer.catch(() => undefined);
    answers.push(answer);
  }
  return Promise.all(answers);
}

/**
 * Arrivals of people who know nothing of each other: a Poisson process.
 * @param seed the same arrivals for the same number; at another rate the same ones, stretched
 * @returns milliseconds from the start, ascending
 */
export function poissonArrivals(perSecond: number, seconds: number, seed: number): number[] {
  const random = mulberry32(seed);
  const gap = () => (-Math.log(1 - random()) * 1000) / perSecond;
  const arrivals: number[] = [];
  for (let at = gap(); at < seconds * 1000; at += gap()) arrivals.push(at);
  return arrivals;
}

/** From 0 on, below 1. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

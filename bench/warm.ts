/** Where the time of a warm caption goes. */

import type { NativeParts } from '../src/caption/ports.ts';
import { loadCaptioner } from '../src/model/load.ts';
import { median, medians } from './shared/statistics.ts';

/** Milliseconds an image, medians over all images and rounds. */
export interface WarmStages {
  threads: number;
  decode: number;
  preprocess: number;
  encode: number;
  search: number;
  /** All of it; more than the stages' sum by what lies between them. */
  total: number;
  /** Share of `total` that is neither sharp nor session.run. */
  ownShare: number;
  /** search / encode. */
  searchToEncode: number;
  /** search / total. */
  searchShare: number;
}

/** The settings take turns, round after round, so that a slow moment of the machine meets all of them. */
export async function warmStages(
  settings: readonly { directory: string; threads: number }[],
  images: readonly Uint8Array[],
  rounds: number,
): Promise<WarmStages[]> {
  const runners = await Promise.all(settings.map((s) => startRunner(s.directory, s.threads)));
  for (const runner of runners) for (const image of images) await runner.run(image);
  const rows = runners.map((): Omit<WarmStages, 'threads'>[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, runner] of runners.entries()) {
      // The first image after a change of model finds the caches cold, as no program with one model does.
      await runner.run(images[0]!);
      for (const image of images) rows[i]!.push(await runner.run(image));
    }
  }
  return runners.map(({ threads }, i) => ({ threads, ...medians(rows[i]!) }));
}

async function startRunner(directory: string, threads: number) {
  let native = 0;
  const captioner = await loadCaptioner(directory, { threads, observe: timed((ms) => (native += ms)) });
  await captioner.ready;
  const run = async (image: Uint8Array): Promise<Omit<WarmStages, 'threads'>> => {
    native = 0;
    const { timings } = await captioner.caption(image);
    return {
      ...timings,
      ownShare: (timings.total - native) / timings.total,
      searchToEncode: timings.search / timings.encode,
      searchShare: timings.search / timings.total,
    };
  };
  return { threads, run };
}

/** Adds up the time inside sharp and session.run. */
function timed(add: (milliseconds: number) => void): (parts: NativeParts) => NativeParts {
  const wrap =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const start = performance.now();
      try {
        return await run(...args);
      } finally {
        add(performance.now() - start);
      }
    };
  return (parts) => ({
    decode: wrap(parts.decode),
    encode: wrap(parts.encode),
    start: wrap(parts.start),
    step: wrap(parts.step),
  });
}

/** Images a second through `caption`, `inFlight` at a time. */
export async function throughput(
  caption: (image: Uint8Array) => Promise<unknown>,
  images: readonly Uint8Array[],
  inFlight: number,
  rounds: number,
): Promise<number> {
  await Promise.all(Array.from({ length: inFlight }, () => caption(images[0]!)));
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const queue = [...images];
    const start = performance.now();
    const drain = async () => {
      for (let image = queue.pop(); image !== undefined; image = queue.pop()) await caption(image);
    };
    await Promise.all(Array.from({ length: inFlight }, drain));
    rates.push((images.length / (performance.now() - start)) * 1000);
  }
  return median(rates);
}

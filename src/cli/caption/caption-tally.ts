import type { Outcome } from './caption-output.ts';

export interface Tally {
  count(outcome: Outcome): void;
  /** For a progress bar: `2 failed, 40 skipped, 61/s`. */
  note(): string;
  /** For the end: `120 captioned, 2 failed, 40 done before, 3 duplicates`. */
  summary(): string;
}

/** Counts what became of the images. */
export function startTally(): Tally {
  const start = performance.now();
  const counts: Record<Outcome['kind'], number> = { captioned: 0, duplicate: 0, failed: 0, done: 0 };
  return {
    count: ({ kind }) => {
      counts[kind]++;
    },
    note: () => {
      const skipped = counts.done + counts.duplicate;
      const seconds = (performance.now() - start) / 1000;
      const rate = ((counts.captioned + counts.failed) / seconds).toFixed(0);
      return `${counts.failed} failed, ${skipped} skipped, ${rate}/s`;
    },
    summary: () =>
      `${counts.captioned} captioned, ${counts.failed} failed, ${counts.done} done before, ` +
      `${counts.duplicate} ${counts.duplicate === 1 ? 'duplicate' : 'duplicates'}`,
  };
}

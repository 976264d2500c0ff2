import cliProgress from 'cli-progress';

export interface Progress {
  /** One more unit is done; `note` says more of all so far, `3 failed, 62/s`. */
  tick(note?: string): void;
  /** This many of so many are done. */
  set(done: number, total: number): void;
  /** Takes the bar away while a line is written; it comes back with the next tick. */
  hide(): void;
  stop(): void;
}

const NONE: Progress = { tick() {}, set() {}, hide() {}, stop() {} };

/**
 * A bar on standard error when that is a terminal and there is more than one unit; nothing otherwise.
 * @param total `null` while it is not known: `set` says it later
 */
export function startProgress(total: number | null, unit: string): Progress {
  if (!process.stderr.isTTY || (total !== null && total < 2)) return NONE;
  const bar = new cliProgress.SingleBar(
    {
      format: `{bar} {value}/{total} ${unit}{note}, {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total ?? 0, 0, { note: '' });
  return {
    tick: (note) => bar.increment(1, note === undefined ? {} : { note: `, ${note}` }),
    set: (done, of) => {
      bar.setTotal(of);
      bar.update(done);
    },
    hide: () => process.stderr.write('\r\u001b[K'),
    stop: () => bar.stop(),
  };
}

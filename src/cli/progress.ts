import cliProgress from 'cli-progress';

export interface Progress {
  /** One more unit is done. */
  tick(): void;
  /** Takes the bar away while a line is written; it comes back with the next tick. */
  hide(): void;
  stop(): void;
}

const NONE: Progress = { tick() {}, hide() {}, stop() {} };

/** A bar on standard error when that is a terminal and there is more than one unit; nothing otherwise. */
export function startProgress(total: number, unit: string): Progress {
  if (!process.stderr.isTTY || total < 2) return NONE;
  const bar = new cliProgress.SingleBar(
    {
      format: `{bar} {value}/{total} ${unit}, {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    tick: () => bar.increment(),
    hide: () => process.stderr.write('\r\u001b[K'),
    stop: () => bar.stop(),
  };
}

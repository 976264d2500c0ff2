/** SIGINT (Ctrl-C), SIGTERM and SIGHUP: a command ends after what it is at. */
import { STATUS_OF, STOP_SIGNALS } from '../start/ending.js';

/** Within this a second one is the same: terminals, npm and process managers send theirs to launcher and program alike. */
const SAME_SIGNAL_MS = 500;
/** From a signal to the end of a command that does not come to it; `docker stop` waits for 10 s. */
const LONGEST_END_MS = 5_000;

export interface Stop {
  /** The exit status that the signal asks for; `null` until one has come. */
  readonly status: number | null;
  /** Aborted by the signal. */
  readonly signal: AbortSignal;
}

/**
 * From now on the first signal asks the command to end. A second one ends the process at once (`ending.js`), and so does the
 * first one when its time is up.
 * @param longestMs that time, in milliseconds
 */
export function listenForStop(longestMs = LONGEST_END_MS): Stop {
  const abort = new AbortController();
  let status: number | null = null;
  const leaveAlone = () => {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (status !== null) return;
    status = STATUS_OF[signal as keyof typeof STATUS_OF];
    setTimeout(leaveAlone, SAME_SIGNAL_MS).unref();
    setTimeout(() => {
      leaveAlone();
      process.emit(signal, signal);
    }, longestMs).unref();
    // Ends a read that waits for an image.
    process.stdin.destroy();
    abort.abort();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  return {
    get status() {
      return status;
    },
    signal: abort.signal,
  };
}

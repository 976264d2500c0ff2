/** Ends by signals, in process 1 from the launcher's first line on: the kernel drops those that it has no handler for. */

/** Exit statuses, 128 and the signal's number, as shells report them. */
export const STATUS_OF = Object.freeze({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 });

/** As `Object.keys` has it, with its type. */
export const STOP_SIGNALS = /** @type {(keyof typeof STATUS_OF)[]} */ (Object.keys(STATUS_OF));

/** Each signal ends the process at once, as long as nobody else listens to it. */
export function endOnSignals() {
  for (const signal of STOP_SIGNALS) {
    const end = () => {
      if (process.listenerCount(signal) === 1) endAtOnce(signal, end);
    };
    process.on(signal, end);
  }
}

/**
 * Not by `process.exit`, which waits for threads that read and decode, and makes onnxruntime abort amid a run.
 * @param {keyof typeof STATUS_OF} signal
 * @param {() => void} listener
 */
function endAtOnce(signal, listener) {
  const status = STATUS_OF[signal];
  // Whatever is removed at the end.
  process.emit('exit', status);
  if (process.pid !== 1) {
    process.off(signal, listener);
    process.kill(process.pid, signal);
  } else if (process.execve !== undefined) {
    // No signal that it has no handler for ends process 1; another program in its place does.
    process.execve(process.execPath, [process.execPath, '--eval', `process.exit(${status})`]);
  } else {
    process.exit(status);
  }
}

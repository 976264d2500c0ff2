/** Standard output and standard error that cannot be written: a full disk, a reader that is gone. */
import { OutputFailed } from '../../errors.ts';
import { EXIT_OK, EXIT_OUTPUT_FAILED } from './exit.ts';

/** The status once one of them is lost; later failures say nothing new. */
let lost: number | undefined;
let isNeeded = true;

/** Ends the command when one of them is lost. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `show-and-tell … | head` closes the pipe early; that is no error.
    onLost(error.code === 'EPIPE' ? EXIT_OK : EXIT_OUTPUT_FAILED, new OutputFailed('standard output', error));
  });
  process.stderr.on('error', () => onLost(EXIT_OUTPUT_FAILED));
  // The streams fail at their own time, also after the command has returned.
  process.on('exit', () => {
    if (lost !== undefined && isNeeded) process.exitCode = lost;
  });
}

/** For a server, which has more to do than to say so. */
export function goOnWithoutOutput(): void {
  isNeeded = false;
}

function onLost(status: number, said?: OutputFailed): void {
  if (lost !== undefined) return;
  lost = status;
  if (said && status !== EXIT_OK) process.stderr.write(`show-and-tell: ${said.message}\n`);
  if (!isNeeded) return;
  // Ends as by a signal: a command with threads has to end them itself. The launcher's own listener would end at once.
  if (process.listenerCount('SIGTERM') > 1) process.emit('SIGTERM', 'SIGTERM');
  else process.exit(status);
}

import { DeadlineExceeded } from '../errors.ts';

/** What can end a call before it is answered. */
export interface CallLimits {
  deadline?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * @param deadline milliseconds since the epoch; none never passes
 * @throws DeadlineExceeded once it has passed; the reason of `signal` once that is aborted
 */
export function checkDeadline({ deadline, signal }: CallLimits): void {
  signal?.throwIfAborted();
  if (deadline !== undefined && Date.now() >= deadline) {
    throw new DeadlineExceeded('no time is left for this image; try again later or allow more time');
  }
}

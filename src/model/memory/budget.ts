/** Memory for decoding, shared by all images that decode at the same time: first come, first served. */
import { type CallLimits, checkDeadline } from '../../caption/deadline.ts';
import { DeadlineExceeded, ImageTooLarge } from '../../errors.ts';
import { untilAborted } from '../waiting/abort.ts';
import { atDeadline } from '../waiting/timer.ts';

/**
 * Waits for a share of the memory.
 *
 * @param need bytes
 * @returns gives the share back; may be called again, to no effect
 * @throws ImageTooLarge at once for more than there is in all; DeadlineExceeded; the reason of the signal
 */
export type TakeMemory = (need: number, limits?: CallLimits) => Promise<() => void>;

interface Waiting {
  need: number;
  grant(release: () => void): void;
}

/** @param bytes that may be taken at the same time */
export function createBudget(bytes: number): TakeMemory {
  const waiting: Waiting[] = [];
  let free = bytes;

  /** The first in the line is never passed by: smaller ones would keep it waiting for ever. */
  const serve = (): void => {
    while (waiting.length > 0 && waiting[0]!.need <= free) {
      const { need, grant } = waiting.shift()!;
      free -= need;
      grant(releaseOf(need));
    }
  };

  const releaseOf = (need: number) => {
    let held = need;
    return () => {
      free += held;
      held = 0;
      serve();
    };
  };

  const leave = (entry: Waiting): void => {
    const at = waiting.indexOf(entry);
    if (at >= 0) waiting.splice(at, 1);
    // The next ones may fit where this one did not.
    serve();
  };

  const wait = (need: number, { deadline, signal }: CallLimits): Promise<() => void> => {
    let timer: ReturnType<typeof atDeadline>;
    return untilAborted<() => void>(signal, (resolve, reject) => {
      const entry = { need, grant: resolve };
      timer = atDeadline(deadline, () => {
        leave(entry);
        reject(new DeadlineExceeded('the deadline passed while the image waited for memory to decode in'));
      });
      waiting.push(entry);
      serve();
      return () => leave(entry);
    }).finally(() => clearTimeout(timer));
  };

  return async (need, limits = {}) => {
    if (need > bytes) throw tooLarge(need, bytes);
    checkDeadline(limits);
    return wait(need, limits);
  };
}

function tooLarge(need: number, bytes: number): ImageTooLarge {
  const mebibytes = (n: number) => `${Math.ceil(n / 2 ** 20)} MiB`;
  return new ImageTooLarge(
    `decoding the image takes about ${mebibytes(need)} of memory, more than the ${mebibytes(bytes)} that are there for it; make it smaller, or raise decodeMemory (--decode-memory)`,
  );
}

/** What one worker thread takes of the pool's memory for decoding: it asks by messages, the pool's thread grants. */
import { type ErrorReport, errorOf, reportOf } from '../../errors.ts';
import type { TakeMemory } from './budget.ts';

/** From the thread: wants a share, in bytes and with the deadline of its image; or gives it back. */
export type MemoryRequest = { take: number; need: number; deadline: number | undefined } | { free: number };

/** To the thread, about the share of that number. */
export type MemoryAnswer = { granted: number } | { refused: number; error: ErrorReport };

/** In the pool's thread. */
export interface ThreadShares {
  onRequest(request: MemoryRequest): void;
  /** Nobody wants the image any more that waits for memory, if one does. */
  withdraw(reason: Error): void;
  /** The thread has ended: what it held is free, what it waits for is not wanted. */
  end(): void;
}

/**
 * @param send to the thread
 * @param onWaiting called with `true` when the thread begins to wait for memory, with `false` when it goes on
 */
export function createThreadShares(
  take: TakeMemory,
  send: (answer: MemoryAnswer) => void,
  onWaiting: (waiting: boolean) => void,
): ThreadShares {
  const held = new Map<number, () => void>();
  let waiting = new AbortController();
  let asked = 0;
  let ended = false;

  const answer = (message: MemoryAnswer): void => {
    if (--asked === 0) onWaiting(false);
    send(message);
  };

  const ask = async (id: number, need: number, deadline: number | undefined): Promise<void> => {
    if (++asked === 1) onWaiting(true);
    try {
      const release = await take(need, { deadline, signal: waiting.signal });
      if (ended) release();
      else {
        held.set(id, release);
        answer({ granted: id });
      }
    } catch (error) {
      if (!ended) answer({ refused: id, error: reportOf(error) });
    }
  };

  const withdraw = (reason: Error): void => {
    waiting.abort(reason);
    waiting = new AbortController();
  };

  return {
    onRequest(request) {
      if ('take' in request) void ask(request.take, request.need, request.deadline);
      else {
        held.get(request.free)?.();
        held.delete(request.free);
      }
    },
    withdraw,
    end() {
      ended = true;
      withdraw(new Error('the captioner’s thread has ended'));
      for (const release of held.values()) release();
      held.clear();
    },
  };
}

/** In the worker's thread. */
export interface SharesOfPool {
  take: TakeMemory;
  onAnswer(answer: MemoryAnswer): void;
}

/** @param send to the pool, in whose thread the deadline is kept */
export function createSharesOfPool(send: (request: MemoryRequest) => void): SharesOfPool {
  const asked = new Map<number, { resolve: (release: () => void) => void; reject: (error: Error) => void }>();
  let last = 0;
  return {
    take: (need, { deadline } = {}) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        asked.set(id, { resolve, reject });
        send({ take: id, need, deadline });
      }),
    onAnswer(answer) {
      const id = 'granted' in answer ? answer.granted : answer.refused;
      const { resolve, reject } = asked.get(id)!;
      asked.delete(id);
      if ('granted' in answer) resolve(() => send({ free: id }));
      else reject(errorOf(answer.error));
    },
  };
}

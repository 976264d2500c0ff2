/** The worker threads of a pool: started, watched while they have images, and replaced when they crash or hang. */
import type { CaptionResult } from '../caption/result.ts';
import { CaptionerHung, errorOf, ModelUnusable } from '../errors.ts';
import { type CaptionerThread, lossOf, startThread, type ThreadParts } from './captioner-thread.ts';
import type { WorkerAnswer, WorkerJob, WorkerMessage } from './worker-messages.ts';

/** Threads in a row that end before they have loaded: what keeps them from starting will not go away. */
const MAX_FAILED_STARTS = 3;
/** Before a thread is started again after a failed start, times the failures so far: memory may be free by then. */
const RESTART_DELAY_MS = 500;

export interface CrewParts extends ThreadParts {
  workers: number;
  /** Milliseconds after which a batch is given up, `CaptionerHung`, and its thread replaced. */
  hangMs: number;
  /** A thread has loaded its model, and is free; later it is when its batch has been answered. */
  onReady(): void;
  /** No thread is left, and none will be started. */
  onLost(cause: Error): void;
}

/** What became of one image of a batch. */
export type CrewAnswer = { result: CaptionResult } | { error: Error };

export interface Crew {
  /** Settles when every thread has loaded its model, or one never will. */
  ready: Promise<void>;
  /** Threads that have loaded their model, and of those the ones without a batch. */
  readonly alive: number;
  readonly idle: number;
  /** Threads that have a batch. */
  readonly busy: number;
  /**
   * Hands a batch to an idle thread, of which there must be one.
   * @throws CaptionerHung or Overloaded when its thread was lost, and what failed in a network
   */
  run(batch: readonly WorkerJob[]): Promise<CrewAnswer[]>;
  /** Ends the threads as soon as each has finished what it is at. */
  close(): Promise<void>;
}

interface Batch {
  resolve(answers: CrewAnswer[]): void;
  reject(error: Error): void;
}

interface Member {
  thread: CaptionerThread;
  loaded: boolean;
  batch: Batch | null;
  hang: NodeJS.Timeout | undefined;
}

export function startCrew(parts: CrewParts): Crew {
  const { workers, hangMs, onReady } = parts;
  const members = new Set<Member>();
  const idle: Member[] = [];
  const ready = Promise.withResolvers<void>();
  // Without a handler a rejection nobody awaits would end the process; every caption rejects with the same error.
  ready.promise.catch(() => undefined);
  let loaded = 0;
  /** Threads that hang and have not ended yet. */
  let abandoned = 0;
  let failedStarts = 0;
  /** Threads that run, start, or are to be started. */
  let hoped = workers;
  let ended = false;

  const start = (): void => {
    if (ended) return;
    const member: Member = {
      thread: startThread(parts, {
        onMessage: (message) => onMessage(member, message),
        onExit: (cause) => onEnd(member, cause),
      }),
      loaded: false,
      batch: null,
      hang: undefined,
    };
    members.add(member);
  };

  const onMessage = (member: Member, message: WorkerMessage): void => {
    if ('unusable' in message) {
      onEnd(member, errorOf(message.unusable));
      return;
    }
    if (!members.has(member)) return;
    idle.push(member);
    if ('ready' in message) {
      member.loaded = true;
      failedStarts = 0;
      if (++loaded === workers) ready.resolve();
      onReady();
    } else if ('answers' in message) settle(member)?.resolve(message.answers.map(answerOf));
    else settle(member)?.reject(errorOf(message.failed));
  };

  /** Its batch, which it has no more. */
  const settle = (member: Member): Batch | null => {
    const { batch } = member;
    clearTimeout(member.hang);
    member.batch = null;
    return batch;
  };

  const remove = (member: Member, cause: Error): boolean => {
    settle(member)?.reject(cause);
    if (idle.includes(member)) idle.splice(idle.indexOf(member), 1);
    return members.delete(member);
  };

  const onHang = (member: Member): void => {
    const gone = member.thread.abandon();
    remove(member, hung(hangMs));
    abandoned++;
    void gone.then(() => {
      abandoned--;
    });
    // At most as many hung threads as working ones run at the same time, since each keeps its memory and a processor.
    if (abandoned <= workers) start();
    else void gone.then(start);
  };

  const onEnd = (member: Member, cause: Error): void => {
    if (!remove(member, lossOf(cause)) || ended) return;
    if (member.loaded) start();
    else if (cause instanceof ModelUnusable || ++failedStarts >= MAX_FAILED_STARTS) giveUp(cause);
    else setTimeout(start, RESTART_DELAY_MS * failedStarts);
  };

  const giveUp = (cause: Error): void => {
    ready.reject(cause);
    if (--hoped > 0) return;
    ended = true;
    parts.onLost(cause);
  };

  for (let i = 0; i < workers; i++) start();

  return {
    ready: ready.promise,
    get idle() {
      return idle.length;
    },
    get busy() {
      return [...members].filter(({ batch }) => batch !== null).length;
    },
    get alive() {
      return [...members].filter((member) => member.loaded).length;
    },
    run: (batch) =>
      new Promise((resolve, reject) => {
        const member = idle.pop()!;
        member.batch = { resolve, reject };
        member.hang = setTimeout(onHang, hangMs, member);
        member.thread.run(batch);
      }),
    close: async () => {
      ended = true;
      await Promise.all([...members].map(({ thread }) => thread.stop()));
    },
  };
}

/** What an image, or a batch, failed for that took too long. */
export function hung(milliseconds: number): CaptionerHung {
  return new CaptionerHung(`the image took longer than ${milliseconds / 1000} s and was given up`);
}

function answerOf(answer: WorkerAnswer): CrewAnswer {
  return 'error' in answer ? { error: errorOf(answer.error) } : answer;
}

/**
 * Captioners in worker threads: `session.run` blocks its thread, so only threads caption at the same time. Images are decoded
 * ahead of them here, by sharp's own threads, and go to a worker together where several wait.
 */
import type { Captioner } from '../caption/captioner.ts';
import type { CaptionCall } from '../caption/describe.ts';
import type { ImageInput } from '../caption/image-input.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import { type ReadImage, readImage } from '../caption/read-image.ts';
import type { CaptionResult } from '../caption/result.ts';
import { DeadlineExceeded, Overloaded } from '../errors.ts';
import { hung, startCrew } from './crew.ts';
import { defaultBatch } from './execution-provider.ts';
import { decodeImage } from './image.ts';
import type { TakeMemory } from './memory/budget.ts';
import { createDecodeMemory } from './memory/decode-memory.ts';
import { untilAborted } from './waiting/abort.ts';
import { atDeadline } from './waiting/timer.ts';
import type { WorkerJob, WorkerSettings } from './worker-messages.ts';

/**
 * What takes longer hangs. The slowest images take 2 s for 60 words from an Inception v3, and up to 20 s to decode; the rest
 * is for machines with far more threads than processors.
 */
const HANG_MS = 60_000;
/**
 * All images of a batch wait for its end. Four of the default bundle take less, also on a busy processor. Two of im2txt's would take
 * longer on one thread, and do not pay there: four together bring 4 % more images a second, and an answer at half the load takes
 * a third longer (p99, `npm run bench -- throughput`).
 */
const BATCH_MS = 64;
/** Batches that the time of an image is an average of. */
const REMEMBERED = 8;

/** Beside this file: TypeScript in the sources, JavaScript in the published package. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export interface PoolSettings extends WorkerSettings {
  /** Of the bundle's manifest. */
  image: ImageInput;
  /** Largest image, pixels. @default by its kind */
  maxPixels?: number | undefined;
}

export interface PoolOptions {
  /**
   * Images that a worker describes at once: as many as wait when it is free, which waits for none; 1 or more.
   * @default see `defaultBatch`
   */
  batch?: number | undefined;
  /** Images that may wait for a thread; one more is rejected, `Overloaded`. @default no limit */
  queueLength?: number | undefined;
  /** Milliseconds that a batch should take at most: there are fewer images in it where they would take longer. @default 64 */
  batchMs?: number;
  /** Milliseconds after which decoding, or a batch, is given up, `CaptionerHung`. @default 60,000 */
  hangMs?: number;
  /** Called once when no thread is left and none will be started. @default nothing */
  onLost?: (cause: Error) => void;
  /** Where decoding has its memory from. @default a budget of its own: see `memory/decode-memory.ts` */
  takeMemory?: TakeMemory;
  /** What runs in each thread. @default worker.ts beside this file, or what it was built to */
  module?: URL;
}

/** What a pool has to do, and to do it with. */
export interface PoolLoad {
  /** Images that were asked for and have no answer yet. */
  pending: number;
  /** Of those, images that wait for a thread. */
  waiting: number;
  /** Images that are being decoded. */
  reading: number;
  /** Threads that have images. */
  busy: number;
  /** Threads that have loaded their model. */
  alive: number;
}

export interface CaptionerPool {
  /**
   * @throws Overloaded when the queue is full or memory runs out; DeadlineExceeded also while waiting; CaptionerHung also
   * when its thread ended amid the image; the reason of `signal` at once when that is aborted
   */
  caption: Captioner['caption'];
  /** Settles when every thread has loaded its model, or one never will. */
  ready: Promise<void>;
  /** True while another caption would be rejected for want of a place in the queue. */
  readonly full: boolean;
  readonly load: PoolLoad;
  /** Images that a thread describes at once, at most. */
  readonly batch: number;
  /** Images to ask for at the same time, so that no thread waits for work and none is refused. */
  readonly inFlight: number;
  /** Ends the threads as soon as each has finished what it is at; all jobs without an answer are rejected. */
  close(): Promise<void>;
}

/** One image from being asked for to its answer. */
interface Job {
  bytes: Uint8Array;
  plan: CaptionPlan | undefined;
  call: Omit<CaptionCall, 'signal'>;
  /** Was in a batch that failed as a whole, perhaps for another image's fault. */
  alone: boolean;
  late: ReturnType<typeof atDeadline>;
  /** Ends its decoding. */
  unwanted: AbortController;
  resolve(result: CaptionResult): void;
  reject(error: unknown): void;
}

interface Read {
  job: Job;
  image: ReadImage;
}

/**
 * Starts `workers` threads, each with its own copy of the model in memory. A thread that crashes or hangs is replaced; images
 * that were at it together with others are tried once more, each alone.
 */
export function createPool(
  workers: number,
  { image: input, maxPixels, ...settings }: PoolSettings,
  options: PoolOptions = {},
): CaptionerPool {
  const { queueLength = Number.POSITIVE_INFINITY, hangMs = HANG_MS, batchMs = BATCH_MS } = options;
  const { batch = defaultBatch(settings.executionProvider) } = options;
  const { directory } = settings;
  const { takeMemory = createDecodeMemory({ directory, workers, batch }) } = options;
  /** In the order they came. */
  const waiting = new Set<Job>();
  const reading = new Set<Job>();
  /** In the order in which they were ready. */
  const read: Read[] = [];
  /** That threads have. */
  let described = 0;
  /** Milliseconds that a thread needs for one of several. */
  let each: number | undefined;
  let end: Error | null = null;

  const finish = (job: Job): void => {
    clearTimeout(job.late);
    waiting.delete(job);
    reading.delete(job);
    const at = read.findIndex((one) => one.job === job);
    if (at >= 0) read.splice(at, 1);
  };

  const giveUp = (job: Job, reason: unknown): void => {
    finish(job);
    job.reject(reason);
    job.unwanted.abort(reason);
    goOn();
  };

  const rejectAll = (reason: Error): void => {
    end = reason;
    for (const job of [...waiting, ...reading, ...read.map((one) => one.job)]) giveUp(job, reason);
  };

  const wait = (job: Job): void => {
    const late = 'the deadline passed while the image waited for a free captioner';
    job.late = atDeadline(job.call.deadline, () => giveUp(job, new DeadlineExceeded(late)));
    waiting.add(job);
  };

  const readAhead = async (job: Job): Promise<void> => {
    waiting.delete(job);
    reading.add(job);
    const watch = () => setTimeout(() => giveUp(job, hung(hangMs)), hangMs);
    let hang = watch();
    try {
      const image = await readImage(
        job.bytes,
        {
          image: input,
          decode: (bytes, wanted, limits) =>
            decodeImage(bytes, wanted, {
              maxPixels,
              takeMemory: async (need) => {
                // To wait for memory is no hanging.
                clearTimeout(hang);
                const release = await takeMemory(need, limits);
                hang = watch();
                return release;
              },
            }),
        },
        { deadline: job.call.deadline, signal: job.unwanted.signal },
      );
      if (reading.delete(job)) read.push({ job, image });
    } catch (error) {
      giveUp(job, error);
    } finally {
      clearTimeout(hang);
    }
    goOn();
  };

  /**
   * As many as wait, shared evenly by the threads that are free. Powers of two: CUDA looks for the best algorithms when it first
   * meets a size.
   */
  const nextBatch = (): Read[] => {
    const alone = read.findIndex(({ job }) => job.alone);
    if (alone === 0) return read.splice(0, 1);
    const together = alone < 0 ? read.length : alone;
    const inTime = Math.max(1, batchMs / (each ?? 0));
    const share = Math.min(batch, inTime, Math.ceil(together / crew.idle));
    return read.splice(0, 2 ** Math.floor(Math.log2(share)));
  };

  const describe = async (images: readonly Read[]): Promise<void> => {
    for (const { job } of images) clearTimeout(job.late);
    described += images.length;
    const start = performance.now();
    try {
      const answers = await crew.run(images.map(jobOf));
      const took = (performance.now() - start) / images.length;
      each = each === undefined ? took : each + (took - each) / REMEMBERED;
      for (const [i, { job }] of images.entries()) {
        const answer = answers[i]!;
        if ('error' in answer) job.reject(answer.error);
        else job.resolve(answer.result);
      }
    } catch (error) {
      for (const { job } of images) {
        if (images.length === 1 || end !== null) job.reject(end ?? error);
        else if (!job.unwanted.signal.aborted) wait(Object.assign(job, { alone: true }));
      }
    }
    described -= images.length;
    goOn();
  };

  const goOn = (): void => {
    for (const job of waiting) {
      if (reading.size + read.length >= workers * batch) break;
      void readAhead(job);
    }
    while (crew.idle > 0 && read.length > 0) void describe(nextBatch());
  };

  const crew = startCrew({
    workers,
    settings,
    batch,
    hangMs,
    module: options.module ?? WORKER,
    onReady: () => goOn(),
    onLost: (cause) => {
      rejectAll(cause);
      options.onLost?.(cause);
    },
  });

  const ownImages = () => waiting.size + reading.size + read.length;
  /** Images that no thread has, less those that free ones will take; below 0 where these would take more. */
  const withoutThread = () => ownImages() - crew.idle;
  const isFull = () => withoutThread() >= queueLength;

  return {
    ready: crew.ready,
    get full() {
      return isFull();
    },
    get load() {
      return {
        pending: ownImages() + described,
        waiting: Math.max(0, withoutThread()),
        reading: reading.size,
        busy: crew.busy,
        alive: crew.alive,
      };
    },
    batch,
    inFlight: Math.min(2 * workers * batch, workers + queueLength),
    caption: (bytes, plan, { signal, ...call } = {}) =>
      untilAborted(signal, (resolve, reject) => {
        const job: Job = {
          ...{ bytes, plan, call, alone: false, late: undefined },
          ...{ unwanted: new AbortController(), resolve, reject },
        };
        if (end !== null) reject(end);
        else if (isFull()) {
          reject(new Overloaded(`${withoutThread()} images wait for a free captioner already`));
        } else {
          wait(job);
          goOn();
        }
        // What a thread has it finishes: that takes no longer than starting another thread.
        return () => giveUp(job, signal?.reason);
      }),
    close: async () => {
      rejectAll(end ?? new Error('the captioner pool is closed'));
      await crew.close();
    },
  };
}

function jobOf({ job: { plan, call }, image }: Read): WorkerJob {
  return { image, plan, call };
}

/** The two ways to a captioner: in this thread, or as a pool of threads. */
import { fileURLToPath } from 'node:url';
import { planCaptions } from '../caption/plan.ts';
import { InvalidRequest } from '../errors.ts';
import { plannedModel, readBundle } from '../model/bundle.ts';
import {
  defaultBatch,
  defaultWorkers,
  type ExecutionProvider,
  MAX_BATCH,
} from '../model/execution-provider.ts';
import { DEFAULT_BUNDLE, loadCaptioner as loadCore } from '../model/load.ts';
import { createDecodeMemory } from '../model/memory/decode-memory.ts';
import { createPool as createCorePool } from '../model/pool.ts';
import { type Captioner, captionerOf } from './captioner.ts';

/** What is common to both. */
export interface LoadOptions {
  /** Directory of the bundle. @default the bundle that comes with the package */
  model?: string | URL | undefined;
  /** Threads inside one run of a network, 1 or more. @default the processors, at most 4; in a pool 1 */
  threads?: number | undefined;
  /** `cuda` takes fp32 bundles, and an onnxruntime with its CUDA libraries. @default cpu */
  executionProvider?: ExecutionProvider | undefined;
  /**
   * Largest image, in pixels, 1 or more. @default 256 million for JPEG (not progressive) and WebP where the bundle wants
   * small copies, 50 million for AVIF and for TIFF with other samples than unsigned 8 or 16 bits, else 128 million
   */
  maxPixels?: number | undefined;
  /**
   * Memory that all images at work may take to decode, in bytes, 1 or more: an image waits for its share, which is
   * estimated from its header, and one that needs more is refused, `ImageTooLarge`. @default nine tenths of what the models
   * leave of the control group's limit, or of half of the machine's memory where there is none
   */
  decodeMemory?: number | undefined;
}

export interface PoolOptions extends LoadOptions {
  /** Threads that caption at the same time, each with its own copy of the model; 1 to 64. @default the processors, at most 8, with `cuda` 2; fewer where the models would take more than three quarters of the memory */
  workers?: number | undefined;
  /**
   * Images that a thread takes at once, as many as wait when it is free; 1 to 256. @default 4, with `cuda` 32
   */
  batch?: number | undefined;
  /** Images that may wait for a thread; one more is rejected, `Overloaded`. @default no limit */
  queueLength?: number | undefined;
}

/** A captioner over several threads. `ready` rejects when one of them cannot load the model. */
export interface CaptionerPool extends Captioner {
  /** True while another caption would be rejected for want of a place in the queue. */
  readonly full: boolean;
}

/** Each worker holds a model of its own; more than this is a mistyped number. */
const MAX_WORKERS = 64;
/** Of `captionAll`: enough to fill the network, few enough that memory does not depend on how many are asked for. */
const BATCH = 8;

/**
 * Loads a model that captions in this thread: its networks run between the other events of the program, each for a few
 * milliseconds. A server or a long list of images wants `createPool`.
 *
 * @returns before both networks are open; the first caption waits for them
 * @throws InvalidRequest; ModelUnusable (what is wrong with a network comes from `ready` and every caption)
 */
export async function loadCaptioner(options: LoadOptions = {}): Promise<Captioner> {
  const { directory, threads, executionProvider, maxPixels, decodeMemory } = checked(options);
  const core = await loadCore(directory, {
    threads,
    executionProvider,
    maxPixels,
    takeMemory: createDecodeMemory({ directory, decodeMemory }),
  });
  return captionerOf({
    ...core,
    defaults: core.bundle.manifest.decoding,
    captionSome: core.captionAll,
    batch: { images: BATCH, calls: 1 },
  });
}

/**
 * Starts threads that caption at the same time, each with its own copy of the model; one that crashes or hangs is
 * replaced. The threads keep the process alive until the pool is closed.
 *
 * @returns before the threads have loaded; the first captions wait for them
 * @throws InvalidRequest; ModelUnusable (what is wrong with a network comes from `ready` and every caption)
 */
export async function createPool(options: PoolOptions = {}): Promise<CaptionerPool> {
  const { directory, threads = 1, executionProvider, maxPixels, decodeMemory } = checked(options);
  const { batch = defaultBatch(executionProvider), workers = defaultWorkers(directory, executionProvider) } =
    options;
  const { queueLength } = options;
  checkCount('workers', workers, 1, MAX_WORKERS);
  checkCount('batch', batch, 1, MAX_BATCH);
  if (queueLength !== undefined) checkCount('queueLength', queueLength, 0);
  const bundle = await readBundle(directory);
  const { manifest, hash } = bundle;
  const planned = plannedModel(bundle);
  const pool = createCorePool(
    workers,
    { directory, image: manifest.image, threads, executionProvider, maxPixels },
    {
      batch,
      queueLength,
      takeMemory: createDecodeMemory({ directory, workers, batch, decodeMemory }),
    },
  );
  const captioner = captionerOf({
    ...pool,
    model: { name: manifest.name, hash },
    defaults: manifest.decoding,
    plan: (asked = {}, beside) => planCaptions(asked, planned, beside),
    captionSome: async (files, ...rest) => {
      // No more wait than the queue takes, once the threads take any.
      await pool.ready;
      return Promise.all(files.map((bytes) => pool.caption(bytes, ...rest)));
    },
    batch: { images: 1, calls: pool.inFlight },
  });
  return Object.defineProperty(captioner, 'full', {
    get: () => pool.full,
    enumerable: true,
  }) as CaptionerPool;
}

/** @throws InvalidRequest */
function checked(options: LoadOptions) {
  const { model = DEFAULT_BUNDLE, threads, executionProvider, maxPixels, decodeMemory } = options;
  if (typeof model !== 'string' && !(model instanceof URL && model.protocol === 'file:')) {
    throw new InvalidRequest('model: expected the path of a directory, or its file: URL');
  }
  if (threads !== undefined) checkCount('threads', threads, 1);
  if (maxPixels !== undefined) checkCount('maxPixels', maxPixels, 1);
  if (decodeMemory !== undefined) checkCount('decodeMemory', decodeMemory, 1);
  if (executionProvider !== undefined && !['cpu', 'cuda'].includes(executionProvider)) {
    throw new InvalidRequest('executionProvider: expected cpu or cuda');
  }
  const directory = typeof model === 'string' ? model : fileURLToPath(model);
  return { directory, threads, executionProvider, maxPixels, decodeMemory };
}

function checkCount(name: string, value: number, min: number, max?: number): void {
  if (Number.isInteger(value) && value >= min && value <= (max ?? value)) return;
  throw new InvalidRequest(
    `${name}: expected a whole number from ${min} ${max === undefined ? 'on' : `to ${max}`}`,
  );
}

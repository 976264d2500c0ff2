/** Composition root: a bundle's directory becomes a ready captioner. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Captioner, createCaptioner } from '../caption/captioner.ts';
import type { DescriberParts } from '../caption/describe.ts';
import type { NativeParts } from '../caption/ports.ts';
import { IM2TXT_ENDING, transformersEnding } from '../caption/search/ending.ts';
import { CaptionError, ModelUnusable } from '../errors.ts';
import {
  type Bundle,
  MANIFEST_FILE,
  plannedModel,
  readBundle,
  readEvidence,
  verifiedPath,
} from './bundle.ts';
import type { ExecutionProvider } from './execution-provider.ts';
import { decodeImage } from './image.ts';
import type { Manifest } from './manifest.ts';
import type { TakeMemory } from './memory/budget.ts';
import { createDecodeMemory } from './memory/decode-memory.ts';
import { isOutOfMemory, outOfMemory } from './memory/out-of-memory.ts';
import { captioner as captionerNetwork } from './networks/captioner.ts';
import type { Network } from './networks/network.ts';
import { openSession } from './networks/session.ts';
import { showAndTell } from './networks/show-and-tell.ts';

/** The bundle that comes with the program. */
export const DEFAULT_BUNDLE = fileURLToPath(new URL('../../models/everyday', import.meta.url));
/** The default bundle gains little from more. */
const MAX_DEFAULT_THREADS = 4;

/** Threads inside one run where the caller names no number. */
export function defaultThreads(): number {
  return Math.min(MAX_DEFAULT_THREADS, availableParallelism());
}

/** An INT8 step of an LSTM takes a tenth of a millisecond: waking a second thread costs more than it saves (`npm run bench`). */
const QUICK_DECODER_THREADS = 1;

function hasQuickStep({ formatVersion, precision }: Manifest): boolean {
  return formatVersion === 1 && precision === 'int8';
}

export interface LoadOptions {
  /** Threads inside one run. @default the processors at hand, at most 4 */
  threads?: number | undefined;
  /** @default cpu */
  executionProvider?: ExecutionProvider | undefined;
  /** Largest image, pixels. @default by its kind: see `formats/pixel-limit.ts` */
  maxPixels?: number | undefined;
  /** Where decoding has its memory from. @default a budget of its own: see `memory/decode-memory.ts` */
  takeMemory?: TakeMemory;
  /** Wraps the native parts, to measure or to count them. @default none */
  observe?: (parts: NativeParts) => NativeParts;
}

/** Of an INT8 graph CUDA runs the parts that it supports; the rest runs on the processor, without any warning. */
function refuseHalfAccelerated(
  { directory, manifest: { precision } }: Bundle,
  executionProvider: ExecutionProvider | undefined,
): void {
  if (executionProvider !== 'cuda' || precision !== 'int8') return;
  throw new ModelUnusable({
    file: join(directory, MANIFEST_FILE),
    expected: 'precision fp32 or fp16 for execution provider cuda',
    actual: `precision ${precision}`,
    remedy: 'Name an fp32 bundle with --model (show-and-tell import makes one), or use the cpu provider.',
  });
}

export interface LoadedCaptioner extends Captioner {
  bundle: Bundle;
  /** Settles when both graphs are open; captions may be asked for before, the image decodes meanwhile. */
  ready: Promise<void>;
  /** Gives the memory of the graphs back; for programs that load several models. No caption may be running. */
  close(): Promise<void>;
}

/**
 * Reads the manifest, the word list and the word evidence, and returns while the two graphs are still being verified and
 * opened.
 * @throws ModelUnusable; what is wrong with a graph comes from `ready` and from every caption
 */
export async function loadCaptioner(directory: string, options: LoadOptions = {}): Promise<LoadedCaptioner> {
  const bundle = await readBundle(directory);
  const { manifest } = bundle;
  refuseHalfAccelerated(bundle, options.executionProvider);
  const settings = {
    threads: options.threads ?? defaultThreads(),
    executionProvider: options.executionProvider ?? 'cpu',
  };
  const network = networkOf(manifest);
  const open = async (role: 'encoder' | 'decoder') => {
    return openSession(await verifiedPath(bundle, role), network[role], {
      ...settings,
      threads: role === 'decoder' && hasQuickStep(manifest) ? QUICK_DECODER_THREADS : settings.threads,
    });
  };
  const sessions = manifest.formatVersion === 1 ? bothAtOnce(open) : oneByOne(open);
  const evidence = readEvidence(bundle).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const encode = sessions[0].then(network.encode);
  const decoder = sessions[1].then(network.decode);
  const ready = Promise.all([encode, decoder]).then(() => undefined);
  // Every caption and `ready` reject with the error; a rejection that nobody awaits would end the process.
  ready.catch(() => undefined);

  const { maxPixels, takeMemory = createDecodeMemory({ directory }) } = options;
  const native: NativeParts = {
    decode: (bytes, input, limits) =>
      decodeImage(bytes, input, { maxPixels, takeMemory: (need) => takeMemory(need, limits) }),
    encode: async (images) => (await encode)(images),
    start: async (images, places) => (await decoder).start(images, places),
    step: async (input) => (await decoder).step(input),
  };
  const close = async () => {
    // What never opened needs no release, and its failure was said by `ready`.
    for (const session of await Promise.allSettled(sessions)) {
      if (session.status === 'fulfilled') await session.value.release();
    }
  };
  const captioner = createCaptioner({
    ...(options.observe?.(native) ?? native),
    ...plannedModel(bundle),
    image: manifest.image,
    embeddingWidth: manifest.embeddingWidth,
    ...searchOf(manifest),
    model: { name: manifest.name, hash: bundle.hash },
    calibration: { confidence: manifest.confidence, evidence: await evidence },
  });
  const { caption, captionAll, describe } = captioner;
  return {
    ...captioner,
    caption: (...args) => caption(...args).catch(sayOutOfMemory),
    captionAll: (...args) => captionAll(...args).catch(sayOutOfMemory),
    describe: (jobs) => describe(jobs).catch(sayOutOfMemory),
    bundle,
    ready,
    close,
  };
}

function networkOf(manifest: Manifest): Network {
  return manifest.formatVersion === 1 ? showAndTell(manifest) : captionerNetwork(manifest);
}

/** What the kind of network means for the search. */
function searchOf(manifest: Manifest): Pick<DescriberParts, 'ending'> {
  return manifest.formatVersion === 1
    ? { ending: IM2TXT_ENDING }
    : { ending: transformersEnding(manifest.search.earlyStopping, manifest.search.forcesEnd) };
}

type Open<Session> = (role: 'encoder' | 'decoder') => Promise<Session>;

function bothAtOnce<Session>(open: Open<Session>) {
  return [open('encoder'), open('decoder')] as const;
}

/** While it is opened a graph takes up to twice its size: large ones wait for each other. */
function oneByOne<Session>(open: Open<Session>) {
  const decoder = open('decoder');
  return [decoder.then(() => open('encoder')), decoder] as const;
}

/** What ran out in a network or in JavaScript: decoding says so itself. */
function sayOutOfMemory(error: unknown): never {
  throw isOutOfMemory(error) && !(error instanceof CaptionError) ? outOfMemory(error) : error;
}

/// <reference lib="esnext.disposable" preserve="true" />
/** What a program holds that captions images: one interface, in this thread or over several. */
import type { Captioner as Core } from '../caption/captioner.ts';
import type { CaptionPlan } from '../caption/plan.ts';
import { InvalidRequest } from '../errors.ts';
import { untilAborted } from '../model/waiting/abort.ts';
import type { DecodingOptions } from './decoding-options.ts';
import { type ImageSource, readImageSource } from './image-source.ts';
import { type CaptionRequest, splitRequest } from './request.ts';
import type { CaptionResult } from './result.ts';

/** A model that is ready to caption. `await using` closes it at the end of its block. */
export interface Captioner extends AsyncDisposable {
  /** The bundle's name, and the SHA-256 of its manifest, which names the model exactly. */
  readonly model: { name: string; hash: string };
  /** The model's own decoding options, which those of a call override. */
  readonly defaults: DecodingOptions;
  /** Settles when the networks are open. Captions may be asked for before; they wait for it. */
  readonly ready: Promise<void>;
  /**
   * Captions one image.
   * @throws InvalidRequest, UnsupportedImage, ImageTooLarge, ImageNotFound, ModelUnusable; DeadlineExceeded;
   * UpstreamUnavailable when the server of an address cannot answer now; of a pool also Overloaded and CaptionerHung;
   * the reason of `signal` once that is aborted
   */
  caption(image: ImageSource, options?: CaptionRequest): Promise<CaptionResult>;
  /**
   * Captions several images with the same options; the results stand in their order. The first image that cannot be
   * captioned fails the whole call: to go on without it, call `caption` for each.
   * @throws as `caption` does
   */
  captionAll(images: readonly ImageSource[], options?: CaptionRequest): Promise<CaptionResult[]>;
  /** Waits for the captions asked for so far, then gives the memory of the model back. Later ones are refused. */
  close(): Promise<void>;
}

/** Where a captioner's work is done. */
export interface Engine {
  model: Core['model'];
  defaults: DecodingOptions;
  ready: Promise<void>;
  plan: Core['plan'];
  caption: Core['caption'];
  /** Captions of a few images from bytes; fails as a whole. */
  captionSome(files: readonly Uint8Array[], ...rest: CallArguments): Promise<CaptionResult[]>;
  /** Images of `captionAll` that are in memory as one call of `captionSome`, and how many such calls go on at once. */
  batch: { images: number; calls: number };
  close(): Promise<void>;
}

type CallArguments = [plan: CaptionPlan, call: CallOf];
type CallOf = NonNullable<Parameters<Core['caption']>[2]>;

/** @param engine nobody else closes it */
export function captionerOf(engine: Engine): Captioner {
  const working = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;

  /** Work that `close` waits for, although the caller of an aborted call does not. */
  const run = <T>(
    request: CaptionRequest | undefined,
    work: (...args: CallArguments) => Promise<T>,
  ): Promise<T> => {
    if (closed !== null) throw new InvalidRequest('the captioner is closed');
    const { options, call } = splitRequest(request);
    const plan = engine.plan(options, call);
    return untilAborted(call.signal, (resolve, reject) => {
      const job = work(plan, call);
      working.add(job);
      void job.then(resolve, reject).finally(() => working.delete(job));
      return () => undefined;
    });
  };
  const close = (): Promise<void> => {
    closed ??= Promise.allSettled(working).then(() => engine.close());
    return closed;
  };

  return {
    model: engine.model,
    defaults: engine.defaults,
    ready: engine.ready,
    caption: async (image, request) =>
      run(request, async (plan, call) => engine.caption(await readImageSource(image, call), plan, call)),
    captionAll: async (images, request) => {
      if (!Array.isArray(images)) throw new InvalidRequest('images: expected an array');
      return run(request, (plan, call) => captionBatches(engine, images, plan, call));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** However many images there are, only those of the batches at work are in memory. */
async function captionBatches(
  { batch, captionSome }: Engine,
  images: readonly ImageSource[],
  plan: CaptionPlan,
  call: CallOf,
): Promise<CaptionResult[]> {
  /** Each batch at the place of its first image; what is between is no part of it. */
  const results: CaptionResult[][] = [];
  // One failure ends the others.
  const failure = new AbortController();
  const signal = call.signal ? AbortSignal.any([call.signal, failure.signal]) : failure.signal;
  const limited = { ...call, signal };
  const starts = Array.from(
    { length: Math.ceil(images.length / batch.images) },
    (_, i) => i * batch.images,
  ).values();
  const worker = async () => {
    for (const start of starts) {
      const sources = images.slice(start, start + batch.images);
      const files = await Promise.all(sources.map((source) => readImageSource(source, limited)));
      results[start] = await captionSome(files, plan, limited);
    }
  };
  try {
    await Promise.all(Array.from({ length: batch.calls }, worker));
  } finally {
    failure.abort();
  }
  return results.flat();
}

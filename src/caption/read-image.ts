/** From an image file to what the encoder reads of it. */
import type { CallLimits } from './deadline.ts';
import type { ImageInput } from './image-input.ts';
import type { DecodeImage, NetworkImage } from './ports.ts';
import { networkInputInTurns } from './preprocess.ts';
import type { Timings } from './result.ts';

/** An image that is ready for the networks. Plain data: it crosses to worker threads. */
export interface ReadImage {
  input: NetworkImage;
  /** The photograph as a person sees it, in pixels. */
  width: number;
  height: number;
  /** As found in the bytes, e.g. `jpeg`. */
  format: string;
  timings: Pick<Timings, 'decode' | 'preprocess'>;
}

/**
 * Each image's pixels are given back as soon as the network's are made of them: no more than one needs to be in memory whole.
 * @param limits of the wait for memory
 * @throws as `decode` does
 */
export async function readImage(
  bytes: Uint8Array,
  { decode, image }: { decode: DecodeImage; image: ImageInput },
  limits: CallLimits,
): Promise<ReadImage> {
  const start = performance.now();
  const decoded = await decode(bytes, image, limits);
  const afterDecode = performance.now();
  try {
    const input = await inTurns(networkInputInTurns(decoded, image));
    return {
      input,
      width: decoded.originalWidth,
      height: decoded.originalHeight,
      format: decoded.format,
      timings: { decode: afterDecode - start, preprocess: performance.now() - afterDecode },
    };
  } finally {
    decoded.release?.();
  }
}

/** Other events of the thread get their turns in between: a server answers meanwhile. */
async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
  for (;;) {
    const turn = work.next();
    if (turn.done) return turn.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** So that no image pays for what a graphics processor prepares. */
import { networkInput } from '../caption/preprocess.ts';
import type { LoadedCaptioner } from './load.ts';

/** Describes a grey image once in batches of 1, 2, 4, ... up to `batch`: CUDA looks for algorithms when it first meets a size. */
export async function warmUp({ bundle, describe, plan }: LoadedCaptioner, batch: number): Promise<void> {
  const { image } = bundle.manifest;
  const { width, height } = image;
  const grey = { pixels: new Uint8Array(3 * width * height).fill(128), width, height };
  const read = {
    input: networkInput(grey, image),
    width,
    height,
    format: 'raw',
    timings: { decode: 0, preprocess: 0 },
  };
  for (let images = 1; images <= batch; images *= 2) {
    const answers = await describe(
      Array.from({ length: images }, () => ({ image: read, plan: plan(), call: {} })),
    );
    for (const answer of answers) if ('error' in answer) throw answer.error;
  }
}

/** How far an INT8 bundle agrees with the fp32 one that it was made of. */
import { loadCaptioner } from '../model/load.ts';

/** How an INT8 bundle does beside the fp32 one. */
export interface Agreement {
  images: number;
  /** Images on which both say the same first. */
  sameCaption: number;
  /** Mean absolute difference of the best captions' log-probabilities. */
  logProbabilityDifference: number;
  /** Mean cosine of the image embeddings. */
  cosine: number;
  /** Which way won, in words. */
  method: string;
}

/** What a bundle says of an image, and the embedding that it says it of. */
interface Said {
  text: string;
  logProbability: number;
  embedding: Float32Array;
}

/** @param tick called after each image */
export async function captionsOf(
  directory: string,
  images: readonly Uint8Array[],
  tick: () => void,
): Promise<Said[]> {
  let embedding = new Float32Array();
  const { caption, close } = await loadCaptioner(directory, {
    observe: (parts) => ({
      ...parts,
      encode: async (images) => {
        const encoded = await parts.encode(images);
        embedding = encoded.embeddings.slice();
        return encoded;
      },
    }),
  });
  const said: Said[] = [];
  for (const image of images) {
    const best = (await caption(image)).captions[0];
    said.push({ text: best?.text ?? '', logProbability: best?.logProbability ?? 0, embedding });
    tick();
  }
  await close();
  return said;
}

export function compare(expected: readonly Said[], found: readonly Said[], method: string): Agreement {
  const mean = (of: (a: Said, b: Said) => number) =>
    expected.reduce((sum, said, i) => sum + of(said, found[i]!), 0) / expected.length;
  return {
    images: expected.length,
    sameCaption: expected.filter((e, i) => e.text === found[i]!.text).length,
    logProbabilityDifference: mean((a, b) => Math.abs(a.logProbability - b.logProbability)),
    cosine: mean((a, b) => cosine(a.embedding, b.embedding)),
    method,
  };
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

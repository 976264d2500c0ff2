/** An fp32 bundle becomes an INT8 one: quantised in several ways, judged by what it then says. */
import { networkInput } from '../caption/preprocess.ts';
import { InvalidRequest } from '../errors.ts';
import { type Bundle, readBundle, readVerified } from '../model/bundle.ts';
import { decodeImage } from '../model/image.ts';
import { defaultThreads, loadCaptioner } from '../model/load.ts';
import type { ShowAndTellManifest } from '../model/manifest.ts';
import { encoderFeeds } from '../model/networks/encoder-feeds.ts';
import { type Draft, draftBundle } from '../model/write-bundle.ts';
import { type Feeds, measureValues } from './calibrate.ts';
import { decoderGrid, quantizeDecoder } from './quantize-decoder.ts';
import { prepareEncoder, quantizeEncoder } from './quantize-encoder.ts';
import { type RangeMethod, rangesOf } from './ranges.ts';
import { sensitiveNodes } from './sensitive.ts';

/** Ways to choose ranges; which fits a network is found by trying. */
const METHODS: readonly RangeMethod[] = [
  { method: 'minmax' },
  { method: 'percentile', percent: 99.99 },
  { method: 'least-error' },
];

export interface QuantizeSettings {
  /** The fp32 bundle. */
  directory: string;
  /** Image files to measure the ranges of values on, and to compare captions. */
  images: readonly Uint8Array[];
  /** Where the INT8 bundle will stand. */
  out: string;
  name: string;
  onProgress(done: number, total: number): void;
}

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

/** One of the ways to quantise. */
interface Way {
  method: RangeMethod;
  /** Names of nodes that stay fp32. */
  keep: ReadonlySet<string>;
}

/**
 * Quantises an fp32 bundle in several ways and keeps the one that agrees best with it on the calibration images.
 * @throws InvalidRequest, ModelUnusable, and what is wrong with an image
 */
export async function quantizeBundle({
  directory,
  images,
  out,
  name,
  onProgress,
}: QuantizeSettings): Promise<{ draft: Draft; agreement: Agreement }> {
  const bundle = await readBundle(directory);
  if (bundle.manifest.precision !== 'fp32') {
    throw new InvalidRequest(`${directory}: already ${bundle.manifest.precision}; give the fp32 bundle`);
  }
  const { manifest } = bundle;
  if (manifest.formatVersion !== 1) throw new InvalidRequest(`${directory}: not yet`);
  const { files, vocabulary: words } = manifest;
  const prepared = await readVerified(directory, files.encoder).then((graph) =>
    prepareEncoder(graph.file, graph.bytes),
  );
  const decoder = await readVerified(directory, files.decoder).then((graph) =>
    quantizeDecoder(graph.file, graph.bytes, decoderGrid(words.logits)),
  );
  const vocabulary = await readVerified(directory, files.vocabulary);
  const evidence = files.evidence && (await readVerified(directory, files.evidence));
  const ways = [new Set<string>(), sensitiveNodes(prepared)].flatMap((keep) =>
    METHODS.map((method): Way => ({ method, keep })),
  );
  const draftWith = (encoder: Uint8Array) =>
    draftBundle(
      out,
      {
        encoder: [encoder],
        decoder: [decoder],
        vocabulary: [vocabulary.bytes],
        evidence: evidence && [evidence.bytes],
      },
      int8Manifest(manifest, bundle.hash, name),
    );
  let done = 0;
  const tick = () => onProgress(++done, images.length * (2 + ways.length));
  const histograms = await measureValues(prepared, feedsOf(images, bundle, tick), defaultThreads());
  const expected = await captionsOf(directory, images, tick);
  const tried: { encoder: Uint8Array; agreement: Agreement }[] = [];
  for (const way of ways) {
    const encoder = quantizeEncoder(prepared, rangesOf(histograms, way.method), way.keep);
    const draft = await draftWith(encoder);
    try {
      const agreement = compare(expected, await captionsOf(draft.directory, images, tick), way);
      tried.push({ encoder, agreement });
    } finally {
      await draft.discard();
    }
  }
  const { encoder, agreement } = bestOf(tried);
  return { draft: await draftWith(encoder), agreement };
}

async function* feedsOf(
  images: readonly Uint8Array[],
  { manifest: { image } }: Bundle,
  tick: () => void,
): AsyncGenerator<Feeds> {
  for (const bytes of images) {
    yield encoderFeeds([networkInput(await decodeImage(bytes, image), image)], image);
    tick();
  }
}

interface Said {
  text: string;
  logProbability: number;
  embedding: Float32Array;
}

async function captionsOf(
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

function compare(expected: readonly Said[], found: readonly Said[], { method, keep }: Way): Agreement {
  const mean = (of: (a: Said, b: Said) => number) =>
    expected.reduce((sum, said, i) => sum + of(said, found[i]!), 0) / expected.length;
  return {
    images: expected.length,
    sameCaption: expected.filter((e, i) => e.text === found[i]!.text).length,
    logProbabilityDifference: mean((a, b) => Math.abs(a.logProbability - b.logProbability)),
    cosine: mean((a, b) => cosine(a.embedding, b.embedding)),
    method: `ranges by ${method.method}, ${keep.size} operators left in fp32`,
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

/** Captions flip by chance: a difference of two images, or of a tenth of many, is a tie, which embeddings decide. */
function bestOf<T extends { agreement: Agreement }>(tried: readonly T[]): T {
  const most = Math.max(...tried.map(({ agreement }) => agreement.sameCaption));
  const tied = tried.filter(
    ({ agreement: { sameCaption, images } }) => sameCaption >= most - Math.max(2, images / 10),
  );
  return tied.reduce((a, b) => (b.agreement.cosine > a.agreement.cosine ? b : a));
}

/** What was measured on fp32 does not hold for INT8. */
function int8Manifest(
  manifest: ShowAndTellManifest,
  hash: string,
  name: string,
): Omit<ShowAndTellManifest, 'files'> {
  // What was measured was measured on the other weights.
  const { files: _files, metrics: _metrics, confidence: _, ...rest } = manifest;
  const origin = {
    what: `fp32 bundle ${manifest.name}, quantised`,
    source: 'show-and-tell quantize',
    license: manifest.license,
    sha256: hash,
  };
  return { ...rest, name, precision: 'int8', provenance: [...manifest.provenance, origin] };
}

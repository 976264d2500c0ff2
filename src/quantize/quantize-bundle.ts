/** An fp32 bundle becomes an INT8 one: quantised in several ways, judged by what it then says. */
import { networkInput } from '../caption/preprocess.ts';
import { InvalidRequest } from '../errors.ts';
import { readBundle, readVerified } from '../model/bundle.ts';
import { decodeImage } from '../model/image.ts';
import { defaultThreads } from '../model/load.ts';
import type { ShowAndTellManifest } from '../model/manifest.ts';
import { encoderFeeds } from '../model/networks/encoder-feeds.ts';
import { draftBundle } from '../model/write-bundle.ts';
import { type Agreement, captionsOf, compare } from './agreement.ts';
import { type Feeds, measureValues } from './calibrate.ts';
import { type BundleOf, int8Manifest, type QuantizedDraft, type QuantizeSettings } from './int8-bundle.ts';
import { quantizeCaptioner } from './quantize-captioner.ts';
import { prepareEncoder, quantizeEncoder } from './quantize-encoder.ts';
import { decoderGrid, quantizeProducts } from './quantize-products.ts';
import { type RangeMethod, rangesOf } from './ranges.ts';
import { sensitiveNodes } from './sensitive.ts';

/** Ways to choose ranges; which fits a network is found by trying. */
const METHODS: readonly RangeMethod[] = [
  { method: 'minmax' },
  { method: 'percentile', percent: 99.99 },
  { method: 'least-error' },
];

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
export async function quantizeBundle(settings: QuantizeSettings): Promise<QuantizedDraft> {
  const { directory } = settings;
  const { manifest, ...bundle } = await readBundle(directory);
  if (manifest.precision !== 'fp32') {
    throw new InvalidRequest(`${directory}: already ${manifest.precision}; give the fp32 bundle`);
  }
  return manifest.formatVersion === 1
    ? quantizeShowAndTell({ ...bundle, manifest }, settings)
    : quantizeCaptioner({ ...bundle, manifest }, settings);
}

async function quantizeShowAndTell(
  { directory, manifest, hash }: BundleOf<ShowAndTellManifest>,
  { images, out, name, onProgress }: QuantizeSettings,
): Promise<QuantizedDraft> {
  const { files, vocabulary: words } = manifest;
  const prepared = await readVerified(directory, files.encoder).then((graph) =>
    prepareEncoder(graph.file, graph.bytes),
  );
  const decoder = await readVerified(directory, files.decoder).then((graph) =>
    quantizeProducts(graph.file, graph.bytes, decoderGrid(words.logits)),
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
      int8Manifest(manifest, hash, name),
    );
  let done = 0;
  const tick = () => onProgress(++done, images.length * (2 + ways.length));
  const histograms = await measureValues(prepared, feedsOf(images, manifest, tick), defaultThreads());
  const expected = await captionsOf(directory, images, tick);
  const tried: { encoder: Uint8Array; agreement: Agreement }[] = [];
  for (const way of ways) {
    const encoder = quantizeEncoder(prepared, rangesOf(histograms, way.method), way.keep);
    const draft = await draftWith(encoder);
    try {
      const agreement = compare(expected, await captionsOf(draft.directory, images, tick), inWords(way));
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
  { image }: ShowAndTellManifest,
  tick: () => void,
): AsyncGenerator<Feeds> {
  for (const bytes of images) {
    yield encoderFeeds([networkInput(await decodeImage(bytes, image), image)], image);
    tick();
  }
}

/** Captions flip by chance: a difference of two images, or of a tenth of many, is a tie, which embeddings decide. */
function bestOf<T extends { agreement: Agreement }>(tried: readonly T[]): T {
  const most = Math.max(...tried.map(({ agreement }) => agreement.sameCaption));
  const tied = tried.filter(
    ({ agreement: { sameCaption, images } }) => sameCaption >= most - Math.max(2, images / 10),
  );
  return tied.reduce((a, b) => (b.agreement.cosine > a.agreement.cosine ? b : a));
}

/** @returns how it was done, for the report */
function inWords({ method, keep }: Way): string {
  return `ranges by ${method.method}, ${keep.size} operators left in fp32`;
}

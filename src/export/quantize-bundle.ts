/** An fp32 bundle becomes an INT8 one: quantised in several ways, judged by what it then says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { networkInput } from '../caption/preprocess.ts';
import { InvalidRequest } from '../errors.ts';
import { type Bundle, type Manifest, readBundle, verifiedPath } from '../model/bundle.ts';
import { decodeImage } from '../model/image.ts';
import { defaultThreads, loadCaptioner } from '../model/load.ts';
import { type Feeds, measureValues } from './calibrate.ts';
import { quantizeDecoder } from './quantize-decoder.ts';
import { prepareEncoder, quantizeEncoder } from './quantize-encoder.ts';
import { type RangeMethod, rangesOf } from './quantize-ranges.ts';
import { sensitiveNodes } from './quantize-sensitive.ts';
import { type Draft, draftBundle } from './write-bundle.ts';

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
  const encoderFile = await verifiedPath(bundle, 'encoder');
  const decoderFile = await verifiedPath(bundle, 'decoder');
  const prepared = prepareEncoder(encoderFile, await readFile(encoderFile));
  const decoder = quantizeDecoder(decoderFile, await readFile(decoderFile));
  const vocabulary = await readFile(join(directory, bundle.manifest.files.vocabulary.path));
  const ways = [new Set<string>(), sensitiveNodes(prepared)].flatMap((keep) =>
    METHODS.map((method): Way => ({ method, keep })),
  );
  let done = 0;
  const tick = () => onProgress(++done, images.length * (2 + ways.length));
  const histograms = await measureValues(prepared, feedsOf(images, bundle, tick), defaultThreads());
  const expected = await captionsOf(directory, images, tick);
  let best: { draft: Draft; agreement: Agreement } | null = null;
  for (const way of ways) {
    const encoder = quantizeEncoder(prepared, rangesOf(histograms, way.method), way.keep);
    const draft = await draftBundle(
      out,
      { encoder: [encoder], decoder: [decoder], vocabulary: [vocabulary] },
      int8Manifest(bundle, name),
    );
    const agreement = compare(expected, await captionsOf(draft.directory, images, tick), way);
    const better = best === null || isBetter(agreement, best.agreement);
    await (better ? best?.draft : draft)?.discard();
    if (better) best = { draft, agreement };
  }
  return best!;
}

async function* feedsOf(
  images: readonly Uint8Array[],
  { manifest: { image } }: Bundle,
  tick: () => void,
): AsyncGenerator<Feeds> {
  for (const bytes of images) {
    const pixels = networkInput(await decodeImage(bytes, image), image);
    yield { image: new Tensor(image.dtype, pixels, [1, image.height, image.width, 3]) };
    tick();
  }
}

interface Said {
  text: string;
  logProbability: number;
}

async function captionsOf(
  directory: string,
  images: readonly Uint8Array[],
  tick: () => void,
): Promise<Said[]> {
  const { caption, close } = await loadCaptioner(directory);
  const said: Said[] = [];
  for (const image of images) {
    const { captions } = await caption(image);
    said.push({ text: captions[0]?.text ?? '', logProbability: captions[0]?.logProbability ?? 0 });
    tick();
  }
  await close();
  return said;
}

function compare(expected: readonly Said[], found: readonly Said[], { method, keep }: Way): Agreement {
  const differences = expected.map((e, i) => Math.abs(e.logProbability - found[i]!.logProbability));
  return {
    images: expected.length,
    sameCaption: expected.filter((e, i) => e.text === found[i]!.text).length,
    logProbabilityDifference: differences.reduce((sum, d) => sum + d, 0) / expected.length,
    method: `ranges by ${method.method}, ${keep.size} operators left in fp32`,
  };
}

function isBetter(a: Agreement, b: Agreement): boolean {
  if (a.sameCaption !== b.sameCaption) return a.sameCaption > b.sameCaption;
  return a.logProbabilityDifference < b.logProbabilityDifference;
}

/** What was measured on fp32 does not hold for INT8. */
function int8Manifest({ manifest, hash }: Bundle, name: string): Omit<Manifest, 'files' | 'formatVersion'> {
  const { files: _files, formatVersion: _version, metrics: _metrics, ...rest } = manifest;
  const origin = {
    what: `fp32 bundle ${manifest.name}, quantised`,
    source: 'show-and-tell quantize',
    licence: manifest.licence,
    sha256: hash,
  };
  return { ...rest, name, precision: 'int8', provenance: [...manifest.provenance, origin] };
}

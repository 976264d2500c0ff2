/** Confidence of a result from what the network saw and said. */
import {
  type ConfidenceFeatures,
  type ConfidenceModel,
  confidenceFeatures,
  confidenceOf,
  type ScoredCaption,
} from './confidence/confidence.ts';
import type { SeenImage } from './confidence/photograph.ts';
import type { ImageInput } from './image-input.ts';
import type { EncodedImages } from './ports.ts';

interface Judgement {
  confidence?: number;
  needsReview?: boolean;
  features?: ConfidenceFeatures;
}

/** What the network read and said of each image of a call; views, nothing is copied. */
export function seenImages(
  pixels: Uint8Array | Float32Array,
  { embeddings, regions }: EncodedImages,
  input: ImageInput,
  images: number,
): SeenImage[] {
  return Array.from({ length: images }, (_, at) => ({
    pixels: part(pixels, at, images),
    input,
    embedding: part(embeddings, at, images),
    regions: part(regions, at, images),
  }));
}

function part<T extends Uint8Array | Float32Array>(all: T, at: number, parts: number): T {
  const length = all.length / parts;
  return all.subarray(at * length, (at + 1) * length) as T;
}

/** Judges the best caption; says nothing where the bundle was not calibrated and nobody asks for the numbers. */
export function judge(
  caption: ScoredCaption,
  image: SeenImage,
  asked: { minConfidence?: number | undefined; features?: boolean | undefined },
  calibrated: ConfidenceModel | undefined,
): Judgement {
  if (calibrated === undefined && !asked.features) return {};
  const features = confidenceFeatures(caption, image);
  const judgement: Judgement = asked.features ? { features } : {};
  if (calibrated === undefined) return judgement;
  const confidence = confidenceOf(features, calibrated);
  const needsReview = confidence < (asked.minConfidence ?? calibrated.reviewBelow);
  return { ...judgement, confidence, needsReview };
}

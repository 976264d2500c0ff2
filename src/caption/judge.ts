/** Confidence of a result from what the network saw and said. */
import {
  type ConfidenceFeatures,
  type ConfidenceModel,
  confidenceFeatures,
  confidenceOf,
  type ScoredCaption,
} from './confidence/confidence.ts';
import type { WordEvidence } from './confidence/evidence.ts';
import type { SeenImage } from './confidence/photograph.ts';
import type { ImageInput } from './image-input.ts';
import type { EncodedImages, NetworkImage } from './ports.ts';
import { seenPixels } from './preprocess.ts';

interface Judgement {
  confidence?: number;
  needsReview?: boolean;
  features?: ConfidenceFeatures;
}

/** What a bundle has to judge with. */
export interface Calibration {
  confidence?: ConfidenceModel | undefined;
  /** `null` where the bundle has none. */
  evidence: WordEvidence | null;
}

/** What the network read of an image, and said of it as one of several. */
export function seenImage(
  image: NetworkImage,
  { embeddings, regions }: EncodedImages,
  input: ImageInput,
  { at, of }: { at: number; of: number },
): SeenImage {
  const { width, height } = input;
  const { pixels, range } = seenPixels(image, input);
  return {
    pixels,
    input: { width, height, range },
    embedding: part(embeddings, at, of),
    regions: part(regions, at, of),
  };
}

/** A view. */
function part(all: Float32Array, at: number, parts: number): Float32Array {
  const length = all.length / parts;
  return all.subarray(at * length, (at + 1) * length);
}

/** Judges the best caption; says nothing where the bundle was not calibrated and nobody asks for the numbers. */
export function judge(
  caption: ScoredCaption,
  seen: () => SeenImage,
  asked: { minConfidence?: number | undefined; features?: boolean | undefined },
  { confidence: calibrated, evidence }: Calibration,
): Judgement {
  if (calibrated === undefined && !asked.features) return {};
  const features = confidenceFeatures(caption, seen(), evidence);
  const judgement: Judgement = asked.features ? { features } : {};
  if (calibrated === undefined) return judgement;
  const confidence = confidenceOf(features, calibrated);
  const needsReview = confidence < (asked.minConfidence ?? calibrated.reviewBelow);
  return { ...judgement, confidence, needsReview };
}

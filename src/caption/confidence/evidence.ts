/**
 * Which words an image speaks for, asked apart from the search: one logistic regression a word on the image embedding,
 * trained with the model on what people wrote. A decoder that was rewarded for captions is sure of nearly all of them;
 * a word that these regressions do not see makes a caption doubtful.
 *
 * Area under the curve of the default model's captions, 130 everyday photographs / Flickr8k: the decoder's own
 * numbers 0.61 / 0.68, the three below 0.76 / 0.74, both together no more.
 */
import { isFunctionWord } from './function-words.ts';

export interface WordEvidence {
  /** Row of each word. */
  rows: ReadonlyMap<string, number>;
  /** Float32 `[V]`: log-odds of each word without an image. */
  biases: Float32Array;
  /** Float32 `[V]`: what one step of a word's weights is. */
  steps: Float32Array;
  /** Int8 `[V, E]`, row by row. */
  weights: Int8Array;
}

export const EVIDENCE_FEATURES = ['evidenceLog', 'evidenceMean', 'evidenceSum'] as const;

/** Of the probabilities of a caption's content words: mean natural log, mean and sum. */
export type EvidenceFeatures = Record<(typeof EVIDENCE_FEATURES)[number], number>;

/** Added to a probability before its logarithm. */
const LEAST = 1e-4;

/** Probability, 0 to 1, that people who describe the image say the word; 0 for a word without a row. */
export function evidenceFor(word: string, embedding: Float32Array, evidence: WordEvidence): number {
  const row = evidence.rows.get(word);
  if (row === undefined) return 0;
  const width = embedding.length;
  let sum = 0;
  for (let i = 0; i < width; i++) sum += evidence.weights[row * width + i]! * embedding[i]!;
  return 1 / (1 + Math.exp(-(sum * evidence.steps[row]! + evidence.biases[row]!)));
}

export function evidenceFeatures(
  words: readonly { word: string }[],
  embedding: Float32Array,
  evidence: WordEvidence,
): EvidenceFeatures {
  const content = words.filter(({ word }) => !isFunctionWord(word));
  const found = content.map(({ word }) => evidenceFor(word, embedding, evidence));
  const count = Math.max(1, found.length);
  const evidenceSum = found.reduce((sum, value) => sum + value, 0);
  const evidenceLog = found.reduce((sum, value) => sum + Math.log(value + LEAST), 0) / count;
  return { evidenceLog, evidenceMean: evidenceSum / count, evidenceSum };
}

/**
 * Reads the file that the training writes: float32 biases, float32 steps, int8 weights row by row, little-endian.
 * @param words of each id; the file has a row for each
 * @returns `null` where the bytes are not as many as that takes
 */
export function parseEvidence(
  bytes: Uint8Array,
  words: readonly string[],
  embeddingWidth: number,
): WordEvidence | null {
  const count = words.length;
  if (bytes.length !== count * (8 + embeddingWidth)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = (from: number) =>
    Float32Array.from({ length: count }, (_, i) => view.getFloat32(from + 4 * i, true));
  return {
    rows: new Map(words.map((word, row) => [word, row])),
    biases: floats(0),
    steps: floats(4 * count),
    weights: new Int8Array(bytes.buffer, bytes.byteOffset + 8 * count, count * embeddingWidth),
  };
}

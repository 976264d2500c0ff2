/** Small decoders whose whole behaviour is known. */
import type { SearchOptions } from '../../src/caption/beam-search.ts';
import { READ_IMAGE, type Step } from '../../src/caption/ports.ts';
import { NO_CONSTRAINT } from '../../src/caption/search/constraint.ts';

/** Log-probability of each next word, by the words so far (start first). */
export type Model = (prefix: readonly number[]) => readonly number[];

/** A model that looks at the last word only: `table[last][next]`. */
export function markov(table: readonly (readonly number[])[]): Model {
  return (prefix) => table[prefix[prefix.length - 1]!]!;
}

/**
 * A `Step` over one model an image, counting its runs. An image's embedding is its model's index; the state `[B, 1]`
 * is an index into the prefixes seen, so a search that mixes up images or states is found out.
 */
export function stepOver(...models: Model[]) {
  const seen: { model: Model; prefix: number[] }[] = [];
  const counts = { runs: 0, largestBatch: 0 };
  const step: Step = async ({ words, embeddings, state, k, all: wantsAll = false }) => {
    counts.runs++;
    counts.largestBatch = Math.max(counts.largestBatch, words.length);
    const next = new Float32Array(words.length);
    const ids = new Int32Array(words.length * k);
    const logProbabilities = new Float32Array(words.length * k);
    const every: number[] = [];
    words.forEach((word, row) => {
      if (word === READ_IMAGE) {
        next[row] = seen.push({ model: models[embeddings[row]!]!, prefix: [] }) - 1;
        return;
      }
      const { model, prefix } = seen[state[row]!]!;
      next[row] = seen.push({ model, prefix: [...prefix, word] }) - 1;
      const all = model([...prefix, word]);
      every.push(...all);
      const ranked = all.map((_, id) => id).sort((a, b) => all[b]! - all[a]! || a - b);
      for (let i = 0; i < k; i++) {
        ids[row * k + i] = ranked[i]!;
        logProbabilities[row * k + i] = all[ranked[i]!]!;
      }
    });
    return { state: next, ids, logProbabilities, ...(wantsAll && { all: Float32Array.from(every) }) };
  };
  return { step, counts };
}

export const ONE_IMAGE = { embeddings: new Float32Array(1), images: 1, width: 1, stateWidth: 1 };

export function searchOptions(changes: Partial<SearchOptions> & { vocabularySize: number }): SearchOptions {
  const beamWidth = changes.beamWidth ?? 3;
  return {
    beamWidth,
    maxLength: 20,
    minLength: 0,
    lengthNormalization: 0,
    bannedIds: new Set(),
    constraint: NO_CONSTRAINT,
    count: beamWidth,
    startId: 0,
    endId: 1,
    ...changes,
  };
}

/** Small decoders whose whole behaviour is known. */
import type { SearchedImages, SearchOptions } from '../../src/caption/beam-search.ts';
import type { Decoder } from '../../src/caption/ports.ts';
import { NO_CONSTRAINT } from '../../src/caption/search/constraint.ts';
import { IM2TXT_ENDING } from '../../src/caption/search/ending.ts';
import { type Lstm, lstmDecoder, READ_IMAGE } from '../../src/model/networks/show-and-tell.ts';

/** Log-probability of each next word, by the words so far (start first). */
export type Model = (prefix: readonly number[]) => readonly number[];

/** A model that looks at the last word only: `table[last][next]`. */
export function markov(table: readonly (readonly number[])[]): Model {
  return (prefix) => table[prefix[prefix.length - 1]!]!;
}

/**
 * An LSTM, and a decoder, over one model an image, counting its runs. An image's embedding is its model's index; the state `[B, 1]`
 * is an index into the prefixes seen, so a search that mixes up images or states is found out.
 */
export function stepOver(...models: Model[]) {
  const seen: { model: Model; prefix: number[] }[] = [];
  const counts = { runs: 0, largestBatch: 0 };
  const lstm: Lstm = async ({ words, embeddings, state, k, all: wantsAll = false }) => {
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
  const decoder: Decoder = lstmDecoder(lstm, { embeddingWidth: 1, stateWidth: 1 });
  return { lstm, decoder, counts };
}

/** Images whose embeddings are these numbers. */
export function imagesOf(embeddings: readonly number[], images = embeddings.length): SearchedImages {
  const encoded = { embeddings: Float32Array.from(embeddings), regions: new Float32Array() };
  return { encoded, places: Array.from({ length: images }, (_, place) => place) };
}

export const ONE_IMAGE = imagesOf([0]);

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
    startIds: [0],
    endId: 1,
    ending: IM2TXT_ENDING,
    ...changes,
  };
}

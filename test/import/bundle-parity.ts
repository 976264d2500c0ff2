/** Holds a whole bundle to the captions that the original TensorFlow code gave for the same weights. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beamSearch, type FoundCaption } from '../../src/caption/beam-search.ts';
import type { DecodeImage, Encode, Step } from '../../src/caption/ports.ts';
import { READ_IMAGE } from '../../src/caption/ports.ts';
import { NO_CONSTRAINT } from '../../src/caption/search/constraint.ts';
import { wordsOf } from '../../src/caption/vocabulary.ts';
import { type Bundle, readBundle } from '../../src/model/bundle.ts';
import { type LoadedCaptioner, loadCaptioner } from '../../src/model/load.ts';
import { goldenImage } from './network/golden-network.ts';

/** Of log-probabilities and scores; TensorFlow's own spread is 2e-5. */
const TOLERANCE = 1e-4;

interface GoldenSearch {
  beam_size: number;
  max_caption_length: number;
  length_normalization_factor: number;
  complete: boolean;
  captions: { ids: number[]; logprob: number; score: number }[];
}

export interface GoldenSearches {
  images: {
    file: string;
    default: { initial_state: number[]; searches: GoldenSearch[] };
    accurate: { searches: GoldenSearch[] };
  }[];
}

/** Decodes as TensorFlow does with INTEGER_ACCURATE: EXIF orientation is ignored, which the product does not do. */
const decodeAsTensorflow: DecodeImage = async (bytes) => {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { pixels: data, width, height, originalWidth: width, originalHeight: height, format: info.format };
};

export interface OpenBundle {
  bundle: Bundle;
  captioner: LoadedCaptioner;
  encode: Encode;
  step: Step;
}

export async function openBundle(directory: string): Promise<OpenBundle> {
  let native: { encode: Encode; step: Step } | undefined;
  const captioner = await loadCaptioner(directory, {
    observe: (parts) => {
      native = parts;
      return { ...parts, decode: decodeAsTensorflow };
    },
  });
  return { bundle: await readBundle(directory), captioner, ...native! };
}

/** From each image file through the whole product, beam 3. */
export async function checkFromFiles(
  { bundle, captioner }: OpenBundle,
  golden: GoldenSearches,
): Promise<void> {
  for (const { file, accurate } of golden.images) {
    const { captions } = await captioner.caption(readFileSync(goldenImage(file)));
    const expected = accurate.searches[0]!.captions;
    assert.deepEqual(
      captions.map((c) => c.words.map((w) => w.word)),
      expected.map(({ ids }) => wordsOf(ids, bundle.vocabulary)),
      file,
    );
    for (const [i, c] of captions.entries()) assertClose(c.logProbability, expected[i]!.logprob, file);
  }
}

/** From TensorFlow's own LSTM states: every beam width, length and normalisation it was asked for. */
export async function checkFromStates(opened: OpenBundle, golden: GoldenSearches): Promise<void> {
  for (const { file, default: answers } of golden.images) {
    for (const search of answers.searches) {
      const what = `${file}, beam ${search.beam_size}, factor ${search.length_normalization_factor}`;
      const found = await searchFrom(opened, answers.initial_state, search);
      assert.deepEqual(
        found.map((c) => c.ids),
        search.captions.map((c) => c.ids),
        what,
      );
      for (const [i, c] of found.entries()) {
        assertClose(c.logProbability, search.captions[i]!.logprob, what);
        assertClose(c.score, search.captions[i]!.score, what);
        assert.equal(c.complete, search.complete, what);
      }
    }
  }
}

async function searchFrom(
  { bundle, step }: OpenBundle,
  initialState: readonly number[],
  search: GoldenSearch,
): Promise<FoundCaption[]> {
  const { embeddingWidth, stateWidth, vocabulary } = bundle.manifest;
  const state = Float32Array.from(initialState);
  const fromState: Step = async (input) =>
    input.words[0] === READ_IMAGE ? { ...(await step(input)), state } : step(input);
  const { captions } = await beamSearch(
    fromState,
    { embeddings: new Float32Array(embeddingWidth), images: 1, width: embeddingWidth, stateWidth },
    {
      beamWidth: search.beam_size,
      maxLength: search.max_caption_length,
      minLength: 0,
      lengthNormalization: search.length_normalization_factor,
      constraint: NO_CONSTRAINT,
      bannedIds: new Set(),
      count: search.beam_size,
      startId: vocabulary.startId,
      endId: vocabulary.endId,
      vocabularySize: vocabulary.logits,
    },
  );
  return captions[0]!;
}

function assertClose(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= TOLERANCE, `${what}: ${found} instead of ${expected}`);
}

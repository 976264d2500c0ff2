/** Holds a whole bundle to the captions that the original TensorFlow code gave for the same weights. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { beamSearch, type FoundCaption } from '../../src/caption/beam-search.ts';
import type { DecodeImage, Decoder, DecoderState, Encode, NativeParts } from '../../src/caption/ports.ts';
import { NO_CONSTRAINT } from '../../src/caption/search/constraint.ts';
import { IM2TXT_ENDING } from '../../src/caption/search/ending.ts';
import { type LoadedCaptioner, loadCaptioner } from '../../src/model/load.ts';
import { readShowAndTell } from '../support/bundles.ts';
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
  bundle: Awaited<ReturnType<typeof readShowAndTell>>;
  captioner: LoadedCaptioner;
  encode: Encode;
  decoder: Decoder;
}

export async function openBundle(directory: string): Promise<OpenBundle> {
  let native: NativeParts | undefined;
  const captioner = await loadCaptioner(directory, {
    observe: (parts) => {
      native = parts;
      return { ...parts, decode: decodeAsTensorflow };
    },
  });
  return {
    bundle: await readShowAndTell(directory),
    captioner,
    encode: native!.encode,
    decoder: native!,
  };
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
      expected.map(({ ids }) => bundle.vocabulary.words(ids).map(({ word }) => word)),
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
  { bundle, decoder }: OpenBundle,
  initialState: readonly number[],
  search: GoldenSearch,
): Promise<FoundCaption[]> {
  const { vocabulary } = bundle.manifest;
  const { captions } = await beamSearch(
    { ...decoder, start: async () => lstmState(initialState) },
    { encoded: { embeddings: new Float32Array(), regions: new Float32Array() }, places: [0] },
    {
      beamWidth: search.beam_size,
      maxLength: search.max_caption_length,
      minLength: 0,
      lengthNormalization: search.length_normalization_factor,
      constraint: NO_CONSTRAINT,
      bannedIds: new Set(),
      count: search.beam_size,
      startIds: [vocabulary.startId],
      endId: vocabulary.endId,
      ending: IM2TXT_ENDING,
      vocabularySize: vocabulary.logits,
    },
  );
  return captions[0]!;
}

/** What the decoder of Show and Tell keeps of one hypothesis. */
export function lstmState(values: readonly number[]): DecoderState {
  return { rows: 1, values: Float32Array.from(values) } as DecoderState;
}

function assertClose(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= TOLERANCE, `${what}: ${found} instead of ${expected}`);
}

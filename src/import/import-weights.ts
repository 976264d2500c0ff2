/** Foreign im2txt weights become a bundle: read, matched with their word list, written as graphs. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { IM2TXT_INPUT } from '../caption/image-input.ts';
import { SourceError } from '../errors.ts';
import { wordListText } from '../model/bundle.ts';
import type { Manifest } from '../model/manifest.ts';
import { sha256Of } from '../model/sha256.ts';
import { type Draft, draftBundle } from '../model/write-bundle.ts';
import { modelParts } from '../onnx/write.ts';
import { unreadable } from './bytes/source-file.ts';
import { fitVocabulary } from './network/check-vocabulary.ts';
import { decoderGraph } from './network/decoder-graph.ts';
import { encoderGraph } from './network/encoder-graph.ts';
import { readWeights, type WeightsSource } from './read-weights.ts';

export interface ImportSettings {
  /** File, prefix, directory or archive on this machine. */
  from: string;
  /** What to write down as the origin: the address it came from. @default the file's name */
  origin?: string;
  /** @default the word list beside or inside the source */
  vocabulary?: string | undefined;
  repairVocabulary: boolean;
  /** Where the bundle will stand. */
  out: string;
  name: string;
  license: string;
}

export interface ImportedDraft {
  draft: Draft;
  source: WeightsSource;
  vocabularyFile: string;
  /** What was mended in the word list, a sentence each. */
  mended: string[];
}

/** The tutorial's: any change is the caller's wish. */
const DECODING: Manifest['decoding'] = {
  beamWidth: 3,
  maxLength: 20,
  minLength: 0,
  lengthNormalization: 0,
  bannedWords: [],
};

/**
 * Writes the fp32 bundle of an im2txt network beside its place; publish or discard the draft.
 * @throws SourceError
 */
export async function importWeights(settings: ImportSettings): Promise<ImportedDraft> {
  const { weights, source, vocabulary: found, dispose } = await readWeights(settings.from);
  try {
    const vocabularyFile = settings.vocabulary ?? found?.file;
    if (vocabularyFile === undefined) throw noVocabulary(settings.from);
    const text = wordListText(await readVocabularyFile(vocabularyFile));
    const {
      vocabulary,
      text: list,
      mended,
    } = fitVocabulary(vocabularyFile, text, weights, settings.repairVocabulary);
    const encoder = encoderGraph(weights);
    const decoder = decoderGraph(weights);
    const files = {
      encoder: modelParts(encoder.model),
      decoder: modelParts(decoder.model),
      vocabulary: [Buffer.from(list)],
    };
    const draft = await draftBundle(settings.out, files, {
      formatVersion: 1,
      name: settings.name,
      description: `Show and Tell (im2txt) imported from ${basename(settings.origin ?? settings.from)}`,
      vocabulary: {
        size: vocabulary.words.length,
        logits: decoder.logits,
        startId: vocabulary.startId,
        endId: vocabulary.endId,
        unknownId: vocabulary.unknownId,
      },
      image: IM2TXT_INPUT,
      embeddingWidth: encoder.embeddingWidth,
      stateWidth: decoder.stateWidth,
      regions: encoder.regions,
      precision: 'fp32',
      decoding: DECODING,
      license: settings.license,
      provenance: await provenanceOf(source, settings),
    });
    return { draft, source, vocabularyFile, mended };
  } finally {
    await dispose();
  }
}

function noVocabulary(from: string): SourceError {
  return new SourceError('VocabularyMismatch', {
    file: from,
    expected: 'a word_counts.txt beside the weights or named by --vocabulary',
    actual: 'none',
    remedy: 'Weights say nothing without the word list that they were trained with.',
  });
}

async function readVocabularyFile(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
}

async function provenanceOf(
  source: WeightsSource,
  { origin, from, license }: ImportSettings,
): Promise<Manifest['provenance']> {
  return Promise.all(
    source.files.map(async (file) => ({
      what: `im2txt weights, ${source.kind}: ${basename(file)}`,
      source: origin ?? basename(from),
      license,
      sha256: await sha256Of(file),
    })),
  );
}

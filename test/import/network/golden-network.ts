/** The networks of the golden data: weights by formula, images as the network reads them. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import type { NetworkImage } from '../../../src/caption/ports.ts';
import { networkInput } from '../../../src/caption/preprocess.ts';
import { affineOf, BATCH_NORM_EPSILON, foldInto } from '../../../src/import/network/fold-batch-norm.ts';
import { CONVOLUTION_SCOPES } from '../../../src/import/network/inception-scopes.ts';
import type { FoldedConvolution, Matrix, ShowAndTellWeights } from '../../../src/import/network/weights.ts';
import { type FormulaNetwork, formulaWeights } from './formula-weights.ts';

interface Sampled {
  shape: number[];
  mean: number;
  min: number;
  max: number;
  sample: { index: number[]; value: number[] };
}

export interface GoldenStep {
  input: number;
  top_ids: number[];
  top_logprobs: number[];
  end_logprob: number;
  next: number;
  next_logprob: number;
  softmax?: number[];
  state_sample: { index: number[]; value: number[] };
}

export interface GoldenAnswers {
  preprocessed: Sampled;
  image_embedding: Sampled;
  initial_state: number[];
}

export interface GoldenImage {
  file: string;
  default: GoldenAnswers & { teacher_forced: GoldenStep[] };
  accurate: GoldenAnswers;
  layers?: Record<string, Sampled>;
}

export interface Golden extends FormulaNetwork {
  images: GoldenImage[];
}

const FIXTURES = new URL('../../fixtures/golden/', import.meta.url);

export function readGolden(path: string | URL = new URL('tiny.json', FIXTURES)): Golden {
  return JSON.parse(readFileSync(path, 'utf8')) as Golden;
}

/** An image file as im2txt's encoder reads it; EXIF orientation is ignored, as TensorFlow does. */
export async function goldenInput(file: string | URL | Uint8Array): Promise<NetworkImage> {
  const bytes = file instanceof Uint8Array ? file : readFileSync(file);
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return networkInput({ pixels: data, width: info.width, height: info.height }, IM2TXT_INPUT);
}

export const goldenImage = (file: string): URL => new URL(`images/${file}`, FIXTURES);

/** Weights by the golden data's formula, batch norms folded: without the readers of files. */
export function goldenWeights(golden: Golden): ShowAndTellWeights {
  const variables = new Map(golden.variables.map((v) => [v.name, v]));
  const values = (name: string) => formulaWeights(golden, variables.get(name)!);
  const matrix = (name: string): Matrix => {
    const [rows, columns] = variables.get(name)!.shape as [number, number];
    return { rows, columns, data: values(name) };
  };
  const folded = (scope: string): FoldedConvolution => {
    const at = `InceptionV3/${scope}`;
    const kernel = values(`${at}/weights`);
    const [beta, mean, variance] = ['beta', 'moving_mean', 'moving_variance'].map((part) =>
      values(`${at}/BatchNorm/${part}`),
    );
    const norm = { beta: beta!, mean: mean!, variance: variance!, epsilon: BATCH_NORM_EPSILON };
    const bias = foldInto(kernel, affineOf(norm));
    return { shape: variables.get(`${at}/weights`)!.shape as [number, number, number, number], kernel, bias };
  };
  return {
    convolutions: new Map(CONVOLUTION_SCOPES.map((scope) => [scope, folded(scope)])),
    imageEmbedding: matrix('image_embedding/weights'),
    wordEmbedding: matrix('seq_embedding/map'),
    lstmKernel: matrix('lstm/basic_lstm_cell/kernel'),
    lstmBias: values('lstm/basic_lstm_cell/bias'),
    logitsWeights: matrix('logits/weights'),
    logitsBiases: values('logits/biases'),
  };
}

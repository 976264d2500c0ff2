/** The shapes that im2txt's tensors must have among each other; all widths are read from the tensors. */
import { SourceError } from '../../errors.ts';
import { describe, type TensorHeader } from '../tensorflow/tensor-header.ts';
import { CONVOLUTIONS, channelsOf, FEATURES } from './inception-scopes.ts';
import { checkTensor, type Dimension } from './tensor-checks.ts';
import type { Matrix, ShowAndTellWeights } from './weights.ts';

export type DecoderPart = Exclude<keyof ShowAndTellWeights, 'convolutions'>;

/**
 * Name and shape as messages write them. E: embedding, U: LSTM units, V: softmax width. The LSTM's variables were
 * renamed in TensorFlow 1.0 and again in 1.2.
 */
export const DECODER_PARTS: Readonly<
  Record<DecoderPart, { names: readonly string[]; shape: readonly Dimension[] }>
> = {
  imageEmbedding: { names: ['image_embedding/weights'], shape: ['features', 'E'] },
  wordEmbedding: { names: ['seq_embedding/map'], shape: ['V', 'E'] },
  lstmKernel: {
    names: [
      'lstm/basic_lstm_cell/kernel',
      'lstm/basic_lstm_cell/weights',
      'lstm/BasicLSTMCell/Linear/Matrix',
    ],
    shape: ['E + U', '4 U'],
  },
  lstmBias: {
    names: ['lstm/basic_lstm_cell/bias', 'lstm/basic_lstm_cell/biases', 'lstm/BasicLSTMCell/Linear/Bias'],
    shape: ['4 U'],
  },
  logitsWeights: { names: ['logits/weights'], shape: ['U', 'V'] },
  logitsBiases: { names: ['logits/biases'], shape: ['V'] },
};

/**
 * Each tensor against those before it.
 * @param kernels by scope, all 94
 * @throws TensorMisshapen
 */
export function checkNetwork(
  file: string,
  kernels: ReadonlyMap<string, TensorHeader>,
  decoder: Readonly<Record<DecoderPart, TensorHeader>>,
): void {
  const outputs = new Map<string, number>();
  for (const { scope, height, width, input } of CONVOLUTIONS) {
    const kernel = kernels.get(scope)!;
    checkTensor(file, kernel, [height, width, channelsOf(input, outputs), 'out']);
    outputs.set(scope, kernel.shape[3]!);
  }
  checkTensor(file, decoder.imageEmbedding, [channelsOf(FEATURES, outputs), 'E']);
  const embedding = decoder.imageEmbedding.shape[1]!;
  checkTensor(file, decoder.wordEmbedding, ['V', embedding]);
  const words = decoder.wordEmbedding.shape[0]!;
  const units = unitsOf(file, decoder.lstmKernel, embedding);
  checkTensor(file, decoder.lstmBias, [4 * units]);
  checkTensor(file, decoder.logitsWeights, [units, words]);
  checkTensor(file, decoder.logitsBiases, [words]);
}

function unitsOf(file: string, kernel: TensorHeader, embedding: number): number {
  checkTensor(file, kernel, ['E + U', '4 U']);
  const units = kernel.shape[0]! - embedding;
  if (units > 0 && kernel.shape[1] === 4 * units) return units;
  throw new SourceError('TensorMisshapen', {
    file,
    expected: `${kernel.name} as float32 [${embedding} + U, 4 U]`,
    actual: describe(kernel),
  });
}

/** `data` is taken, not copied. */
export function matrix(header: TensorHeader, data: Float32Array): Matrix {
  return { rows: header.shape[0]!, columns: header.shape[1]!, data };
}

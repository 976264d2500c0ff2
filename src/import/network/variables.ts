/** im2txt's weights from a checkpoint, by the names of the variables in all three generations. */
import { SourceError } from '../../errors.ts';
import type { Checkpoint } from '../tensorflow/checkpoint.ts';
import type { TensorHeader } from '../tensorflow/tensor-header.ts';
import { affineOf, BATCH_NORM_EPSILON, foldInto } from './fold-batch-norm.ts';
import { CONVOLUTIONS } from './inception-scopes.ts';
import { checkNetwork, DECODER_PARTS, type DecoderPart, matrix } from './network-shapes.ts';
import { checkFinite, checkTensor, type Dimension, tensorMissing } from './tensor-checks.ts';
import type { FoldedConvolution, ShowAndTellWeights } from './weights.ts';

const FIRST_KERNEL = 'InceptionV3/Conv2d_1a_3x3/weights';

interface ConvolutionVariables {
  kernel: TensorHeader;
  beta: TensorHeader;
  mean: TensorHeader;
  variance: TensorHeader;
  /** im2txt has none; a retrained network may. */
  gamma: TensorHeader | null;
}

interface Variables {
  convolutions: ReadonlyMap<string, ConvolutionVariables>;
  decoder: Record<DecoderPart, TensorHeader>;
}

export interface CheckpointWeights {
  weights: ShowAndTellWeights;
  globalStep?: number;
  /** Names of tensors that the network does not need. */
  ignored: string[];
}

/** @throws TensorMissing, TensorMisshapen, SourceUnsupported, SourceDamaged */
export async function weightsOfCheckpoint(checkpoint: Checkpoint): Promise<CheckpointWeights> {
  const variables = findVariables(checkpoint);
  checkShapes(checkpoint.file, variables);
  const wanted = namesOf(variables);
  const { floats, ...rest } = await checkpoint.readAll(wanted);
  const ignored = [...checkpoint.tensors.keys()].filter((name) => !wanted.has(name));
  return { weights: assemble(checkpoint.file, variables, floats), ignored, ...rest };
}

function findVariables({ file, tensors }: Checkpoint): Variables {
  // Some programs build the model in a scope of their own; then everything has the same prefix.
  const first = [...tensors.keys()].find((name) => name.endsWith(FIRST_KERNEL));
  if (first === undefined) refuseOtherNetworks(file, tensors);
  const prefix = first?.slice(0, -FIRST_KERNEL.length) ?? '';
  const find = (names: readonly string[], shape: readonly Dimension[]): TensorHeader => {
    for (const name of names) {
      const found = tensors.get(prefix + name);
      if (found) return found;
    }
    throw tensorMissing(file, names, shape, tensors.keys());
  };
  const decoder = Object.fromEntries(
    Object.entries(DECODER_PARTS).map(([part, { names, shape }]) => [part, find(names, shape)]),
  ) as Record<DecoderPart, TensorHeader>;
  const convolutions = new Map<string, ConvolutionVariables>();
  for (const { scope, height, width } of CONVOLUTIONS) {
    const at = `InceptionV3/${scope}`;
    convolutions.set(scope, {
      kernel: find([`${at}/weights`], [height, width, 'in', 'out']),
      beta: find([`${at}/BatchNorm/beta`], ['out']),
      mean: find([`${at}/BatchNorm/moving_mean`], ['out']),
      variance: find([`${at}/BatchNorm/moving_variance`], ['out']),
      gamma: tensors.get(`${prefix}${at}/BatchNorm/gamma`) ?? null,
    });
  }
  return { convolutions, decoder };
}

/** Without the first kernel. One missing name is a damaged im2txt; nothing of the encoder and nothing of the decoder is another network. */
function refuseOtherNetworks(file: string, tensors: ReadonlyMap<string, TensorHeader>): void {
  const decoder = Object.values(DECODER_PARTS).flatMap(({ names }) => names);
  if (decoder.some((name) => tensors.has(name))) return;
  const names = [...tensors.keys()];
  if (names.some((name) => name.includes('InceptionV3/'))) return;
  throw new SourceError('SourceUnsupported', {
    file,
    expected: `im2txt's variables, such as ${FIRST_KERNEL} and ${decoder[0]}`,
    actual: `${names.length} variables of another network: ${names.slice(0, 3).join(', ')}`,
  });
}

function checkShapes(file: string, { convolutions, decoder }: Variables): void {
  checkNetwork(file, new Map([...convolutions].map(([scope, { kernel }]) => [scope, kernel])), decoder);
  for (const { kernel, beta, mean, variance, gamma } of convolutions.values()) {
    for (const vector of [beta, mean, variance, gamma]) {
      if (vector) checkTensor(file, vector, [kernel.shape[3]!]);
    }
  }
}

function namesOf({ convolutions, decoder }: Variables): Set<string> {
  const headers = Object.values(decoder);
  for (const { kernel, beta, mean, variance, gamma } of convolutions.values()) {
    headers.push(kernel, beta, mean, variance);
    if (gamma) headers.push(gamma);
  }
  return new Set(headers.map(({ name }) => name));
}

function assemble(
  file: string,
  { convolutions, decoder }: Variables,
  floats: ReadonlyMap<string, Float32Array>,
): ShowAndTellWeights {
  const take = ({ name, shape }: TensorHeader): Float32Array => {
    const values = floats.get(name);
    // Listed, so its absence among the data is no other network's sign but damage.
    if (!values) throw tensorMissing(file, [name], shape, floats.keys());
    checkFinite(file, name, values);
    return values;
  };
  const folded = new Map<string, FoldedConvolution>();
  for (const [scope, { kernel, beta, mean, variance, gamma }] of convolutions) {
    const affine = affineOf({
      beta: take(beta),
      mean: take(mean),
      variance: take(variance),
      gamma: gamma ? take(gamma) : undefined,
      epsilon: BATCH_NORM_EPSILON,
    });
    const values = take(kernel);
    const bias = foldInto(values, affine);
    checkFinite(file, `${scope} with its batch norm`, values);
    checkFinite(file, `${scope} with its batch norm`, bias);
    folded.set(scope, { shape: kernel.shape as FoldedConvolution['shape'], kernel: values, bias });
  }
  return {
    convolutions: folded,
    imageEmbedding: matrix(decoder.imageEmbedding, take(decoder.imageEmbedding)),
    wordEmbedding: matrix(decoder.wordEmbedding, take(decoder.wordEmbedding)),
    lstmKernel: matrix(decoder.lstmKernel, take(decoder.lstmKernel)),
    lstmBias: take(decoder.lstmBias),
    logitsWeights: matrix(decoder.logitsWeights, take(decoder.logitsWeights)),
    logitsBiases: take(decoder.logitsBiases),
  };
}

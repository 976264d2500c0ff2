/** im2txt's weights from a frozen graph, found by following it backwards from the tensors that programs fetch. */
import { SourceError } from '../../errors.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import { readConstant } from '../tensorflow/graph-constants.ts';
import { type ConstantTensor, type GraphNode, readGraph } from '../tensorflow/graph-def.ts';
import { walkBack } from '../tensorflow/graph-walk.ts';
import { foldInto } from './fold-batch-norm.ts';
import { findDecoder } from './graph-decoder.ts';
import { affineAfter, findConvolutions, type GraphConvolution } from './graph-encoder.ts';
import { findOutputs, isTrainingOperation, trainingGraph } from './graph-outputs.ts';
import { CONVOLUTION_SCOPES } from './inception-scopes.ts';
import { checkNetwork, matrix } from './network-shapes.ts';
import { checkFinite } from './tensor-checks.ts';
import type { FoldedConvolution, ShowAndTellWeights } from './weights.ts';

export interface GraphWeights {
  weights: ShowAndTellWeights;
  /** Names of constants that the network does not need. */
  ignored: string[];
}

/** @throws TensorMissing, TensorMisshapen, SourceUnsupported, SourceDamaged */
export async function weightsOfGraph(file: SourceFile): Promise<GraphWeights> {
  const nodes = await readGraph(file);
  const outputs = findOutputs(file.path, nodes);
  const graph = walkBack(file.path, nodes, [outputs.softmax, outputs.initialState, outputs.state]);
  for (const node of graph.users.keys()) {
    if (isTrainingOperation(node)) throw trainingGraph(file.path, node);
  }
  const found = findConvolutions(graph);
  const decoder = await findDecoder(file, graph, outputs);
  checkNetwork(file.path, new Map([...found].map(([scope, { kernel }]) => [scope, kernel])), decoder);
  refuseShared(file.path, [...[...found.values()].map(({ kernel }) => kernel), ...Object.values(decoder)]);
  const convolutions = new Map<string, FoldedConvolution>();
  for (const [scope, convolution] of found) {
    convolutions.set(scope, await fold(file, convolution, await affineAfter(file, graph, convolution)));
  }
  const read = (tensor: ConstantTensor): Promise<Float32Array> => readWeights(file, tensor);
  const weights = {
    convolutions: inOrder(convolutions),
    imageEmbedding: matrix(decoder.imageEmbedding, await read(decoder.imageEmbedding)),
    wordEmbedding: matrix(decoder.wordEmbedding, await read(decoder.wordEmbedding)),
    lstmKernel: matrix(decoder.lstmKernel, await read(decoder.lstmKernel)),
    lstmBias: await read(decoder.lstmBias),
    logitsWeights: matrix(decoder.logitsWeights, await read(decoder.logitsWeights)),
    logitsBiases: await read(decoder.logitsBiases),
  };
  return { weights, ignored: unusedConstants(nodes, graph.users) };
}

async function fold(
  file: SourceFile,
  { kernel }: GraphConvolution,
  affine: Parameters<typeof foldInto>[1],
): Promise<FoldedConvolution> {
  const values = await readWeights(file, kernel);
  const bias = foldInto(values, affine);
  checkFinite(file.path, `${kernel.name} with its batch norm`, values);
  checkFinite(file.path, `${kernel.name} with its batch norm`, bias);
  return { shape: kernel.shape as FoldedConvolution['shape'], kernel: values, bias };
}

async function readWeights(file: SourceFile, tensor: ConstantTensor): Promise<Float32Array> {
  const values = await readConstant(file, tensor);
  checkFinite(file.path, tensor.name, values);
  return values;
}

/** A constant that served as many tensors would let a small file ask for any amount of memory. */
function refuseShared(file: string, tensors: readonly ConstantTensor[]): void {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) {
      throw new SourceError('SourceUnsupported', {
        file,
        expected: `${name} used once`,
        actual: 'as two weights',
      });
    }
    seen.add(name);
  }
}

function inOrder<T>(byScope: ReadonlyMap<string, T>): Map<string, T> {
  return new Map(CONVOLUTION_SCOPES.map((scope) => [scope, byScope.get(scope)!]));
}

function unusedConstants(
  nodes: ReadonlyMap<string, GraphNode>,
  used: ReadonlyMap<GraphNode, unknown>,
): string[] {
  return [...nodes.values()].filter((node) => node.op === 'Const' && !used.has(node)).map(({ name }) => name);
}

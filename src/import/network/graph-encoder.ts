/** The 94 convolutions of a frozen graph, with whatever stands for their batch norms. */

import type { SourceFile } from '../bytes/source-file.ts';
import { evaluate } from '../tensorflow/graph-constants.ts';
import type { ConstantTensor, GraphNode } from '../tensorflow/graph-def.ts';
import { constantAt, type Graph, source, unexpected, usersOf } from '../tensorflow/graph-walk.ts';
import { affineOf, BATCH_NORM_EPSILON, type ChannelAffine } from './fold-batch-norm.ts';
import { CONVOLUTION_SCOPES } from './inception-scopes.ts';
import { tensorMissing } from './tensor-checks.ts';

/** More operations than this between a convolution and its Relu is no batch norm. */
const MAX_STEPS = 10;

export interface GraphConvolution {
  node: GraphNode;
  kernel: ConstantTensor;
}

/** By scope, all 94. @throws TensorMissing, SourceUnsupported */
export function findConvolutions(graph: Graph): Map<string, GraphConvolution> {
  const found = new Map<string, GraphConvolution>();
  const names: string[] = [];
  for (const node of graph.users.keys()) {
    if (node.op !== 'Conv2D') continue;
    const kernel = constantAt(graph, node, 1);
    if (!kernel?.value) throw unexpected(graph, node, `a constant kernel of ${node.name}`);
    const scope = scopeOf(kernel.name) ?? scopeOf(node.name);
    if (scope === null) throw unexpected(graph, node, 'convolutions named as slim names them');
    if (found.has(scope)) throw unexpected(graph, node, `one convolution ${scope}`, 'two');
    names.push(node.name);
    found.set(scope, { node, kernel: kernel.value });
  }
  for (const scope of CONVOLUTION_SCOPES) {
    const shape = ['height', 'width', 'in', 'out'];
    if (!found.has(scope)) throw tensorMissing(graph.file, [`InceptionV3/${scope}/weights`], shape, names);
  }
  return found;
}

/**
 * The scope that a name carries, whatever stands before and after: `x/InceptionV3/InceptionV3/Conv2d_1a_3x3/Conv2D`.
 * A block's branch belongs to the scope, so `Mixed_7a/Branch_0/Conv2d_1a_3x3` is not `Conv2d_1a_3x3`.
 */
function scopeOf(name: string): string | null {
  const scope = /(?:^|\/)((?:Mixed_\w+\/Branch_\d+\/)?Conv[^/]*_\d\w_\d+x\d+)(?:\/|$)/.exec(name)?.[1];
  return scope !== undefined && CONVOLUTION_SCOPES.includes(scope) ? scope : null;
}

/**
 * Follows a convolution's output to its Relu through fused or arithmetic batch norms, folded biases, or any chain of
 * multiplying and adding constants. One pair of numbers a channel comes out.
 */
export async function affineAfter(
  file: SourceFile,
  graph: Graph,
  { node, kernel }: GraphConvolution,
): Promise<ChannelAffine> {
  const channels = kernel.shape[3]!;
  let affine: ChannelAffine = {
    scale: new Float64Array(channels).fill(1),
    offset: new Float64Array(channels),
  };
  let at = node;
  for (let step = 0; step < MAX_STEPS; step++) {
    const next = onlyUser(graph, at);
    if (next.node.op === 'Relu') return affine;
    affine = await apply(file, graph, next, affine);
    at = next.node;
  }
  throw unexpected(graph, node, `a batch norm and a Relu after ${node.name}`);
}

interface User {
  node: GraphNode;
  input: number;
}

function onlyUser(graph: Graph, node: GraphNode): User {
  const users = usersOf(graph, node);
  if (users.length === 1) return users[0]!;
  // Batch norms in training mode compute mean and variance of the convolution's output.
  const actual = `${users.length} operations: ${users
    .slice(0, 3)
    .map((user) => user.node.op)
    .join(', ')}`;
  throw unexpected(graph, node, `one operation after ${node.name}, its batch norm at inference`, actual);
}

async function apply(
  file: SourceFile,
  graph: Graph,
  { node, input }: User,
  before: ChannelAffine,
): Promise<ChannelAffine> {
  const channels = before.scale.length;
  const vector = async (position: number): Promise<Float64Array> => {
    const values = await evaluate(file, source(graph, node, position), (written, user) =>
      source(graph, user, user.inputs.indexOf(written)),
    );
    if (values.length === channels) return values;
    if (values.length === 1) return new Float64Array(channels).fill(values[0]!);
    throw unexpected(graph, node, `${channels} values at ${node.name}`, `${values.length}`);
  };
  switch (node.op) {
    case 'FusedBatchNorm':
    case 'FusedBatchNormV2':
    case 'FusedBatchNormV3':
      return compose(before, await fusedBatchNorm(graph, node, vector));
    case 'BiasAdd':
    case 'Add':
    case 'AddV2':
      return compose(before, { scale: ones(channels), offset: await vector(1 - input) });
    case 'Mul':
      return compose(before, { scale: await vector(1 - input), offset: new Float64Array(channels) });
    case 'Sub':
      if (input === 0)
        return compose(before, { scale: ones(channels), offset: (await vector(1)).map((x) => -x) });
  }
  throw unexpected(graph, node, 'a batch norm or a bias after each convolution');
}

/** Inputs: x, gamma, beta, mean, variance. */
async function fusedBatchNorm(
  graph: Graph,
  node: GraphNode,
  vector: (position: number) => Promise<Float64Array>,
): Promise<ChannelAffine> {
  if (node.flags.get('is_training') === true) {
    throw unexpected(
      graph,
      node,
      'batch norms with the stored mean and variance',
      `${node.name} in training mode`,
    );
  }
  return affineOf({
    gamma: await vector(1),
    beta: await vector(2),
    mean: await vector(3),
    variance: await vector(4),
    epsilon: node.numbers.get('epsilon') ?? BATCH_NORM_EPSILON,
  });
}

function ones(channels: number): Float64Array {
  return new Float64Array(channels).fill(1);
}

/** First `before`, then `after`. */
function compose(before: ChannelAffine, after: ChannelAffine): ChannelAffine {
  return {
    scale: before.scale.map((scale, i) => scale * after.scale[i]!),
    offset: before.offset.map((offset, i) => offset * after.scale[i]! + after.offset[i]!),
  };
}

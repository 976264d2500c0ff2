/** The decoder's tensors in a frozen graph, found from its three outputs, and the LSTM's form, checked. */

import type { SourceFile } from '../bytes/source-file.ts';
import { readConstant } from '../tensorflow/graph-constants.ts';
import type { ConstantTensor, GraphNode } from '../tensorflow/graph-def.ts';
import { constantAt, type Graph, parseInput, source, unexpected, usersOf } from '../tensorflow/graph-walk.ts';
import type { Outputs } from './graph-outputs.ts';
import type { DecoderPart } from './network-shapes.ts';

const ADDITIONS = ['BiasAdd', 'Add', 'AddV2'];
/** Operations that only change a tensor's rank. */
const RESHAPES = ['Squeeze', 'Reshape', 'ExpandDims'];
/** The first input that is joined: Concat has its axis before it, ConcatV2 behind all. */
const FIRST_JOINED: ReadonlyMap<string, number> = new Map([
  ['Concat', 1],
  ['ConcatV2', 0],
]);
/** Between an output and its matrix product lie the ten operations of an LSTM cell. */
const MAX_CELL_NODES = 100;
/** BasicLSTMCell's, added at run time. */
const FORGET_BIAS = 1;

/** @throws SourceUnsupported when the graph is put together in another way */
export async function findDecoder(
  file: SourceFile,
  graph: Graph,
  outputs: Outputs,
): Promise<Record<DecoderPart, ConstantTensor>> {
  const logits = biased(graph, source(graph, softmaxOf(graph, outputs.softmax), 0));
  const step = findCell(graph, outputs.state);
  const start = findCell(graph, outputs.initialState);
  if (start.kernel.name !== step.kernel.name || start.bias.name !== step.bias.name) {
    throw unexpected(graph, start.product, 'one LSTM for the image and the words', 'two');
  }
  await checkGates(file, graph, step);
  await checkGates(file, graph, start);
  return {
    imageEmbedding: productOf(graph, start.input).weights,
    wordEmbedding: lookedUp(graph, step.input),
    lstmKernel: step.kernel,
    lstmBias: step.bias,
    logitsWeights: logits.kernel,
    logitsBiases: logits.bias,
  };
}

interface Biased {
  kernel: ConstantTensor;
  bias: ConstantTensor;
  product: GraphNode;
  /** The addition of the bias. */
  sum: GraphNode;
}

interface Cell extends Biased {
  /** x of concat(x, h). */
  input: GraphNode;
}

function softmaxOf(graph: Graph, output: GraphNode): GraphNode {
  const node = output.op === 'Identity' ? source(graph, output, 0) : output;
  if (node.op === 'Softmax') return node;
  throw unexpected(graph, node, `a Softmax at ${output.name}`);
}

/** `x @ W + b`: from the addition. */
function biased(graph: Graph, sum: GraphNode): Biased {
  if (!ADDITIONS.includes(sum.op)) throw unexpected(graph, sum, 'a bias added to a matrix product');
  for (const [product, addend] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const bias = constantAt(graph, sum, addend);
    const node = source(graph, sum, product);
    if (!bias?.value || node.op !== 'MatMul') continue;
    return { kernel: productOf(graph, node).weights, bias: bias.value, product: node, sum };
  }
  throw unexpected(graph, sum, `a matrix product and a constant at ${sum.name}`);
}

/** `x @ W`, W a constant: from the product, through what only changes ranks. */
function productOf(graph: Graph, from: GraphNode): { weights: ConstantTensor; product: GraphNode } {
  const node = unshaped(graph, from);
  const weights = node.op === 'MatMul' ? constantAt(graph, node, 1) : null;
  if (!weights?.value) throw unexpected(graph, node, 'a product with a constant matrix');
  if (node.flags.get('transpose_a') === true || node.flags.get('transpose_b') === true) {
    throw unexpected(graph, node, 'a product without transposition', `${node.name} with one`);
  }
  return { weights: weights.value, product: node };
}

function unshaped(graph: Graph, from: GraphNode): GraphNode {
  let node = from;
  for (let step = 0; RESHAPES.includes(node.op) && step < MAX_CELL_NODES; step++)
    node = source(graph, node, 0);
  return node;
}

/** The LSTM cell whose state is `output`: the nearest matrix product before it. */
function findCell(graph: Graph, output: GraphNode): Cell {
  const seen = new Set([output]);
  for (const node of seen) {
    if (node.op === 'MatMul') return cellAt(graph, node);
    if (seen.size > MAX_CELL_NODES) break;
    for (const written of node.inputs) {
      const next = graph.nodes.get(parseInput(written).name);
      if (next) seen.add(next);
    }
  }
  throw unexpected(graph, output, `an LSTM before ${output.name}`);
}

function cellAt(graph: Graph, product: GraphNode): Cell {
  const sum = usersOf(graph, product)[0]?.node;
  if (!sum) throw unexpected(graph, product, 'an LSTM');
  const concat = source(graph, product, 0);
  const first = FIRST_JOINED.get(concat.op);
  if (first === undefined) throw unexpected(graph, concat, 'an LSTM that multiplies concat(x, h)');
  return { ...biased(graph, sum), input: source(graph, concat, first) };
}

/** `Gather(table, ids)`. */
function lookedUp(graph: Graph, from: GraphNode): ConstantTensor {
  const node = unshaped(graph, from);
  const table = node.op === 'Gather' || node.op === 'GatherV2' ? constantAt(graph, node, 0) : null;
  if (table?.value) return table.value;
  throw unexpected(graph, node, "a look-up in the words' embedding before the LSTM");
}

/** Gates i, j, f, o: sigmoid, tanh, sigmoid of f + 1, sigmoid. Other cells have the same shapes and other results. */
async function checkGates(file: SourceFile, graph: Graph, { sum }: Cell): Promise<void> {
  const split = usersOf(graph, sum)[0]?.node;
  if (split?.op !== 'Split') throw unexpected(graph, split ?? sum, 'a Split into four gates');
  const after = new Map(usersOf(graph, split).map(({ output, node }) => [output, node]));
  for (const [gate, ops] of [
    [0, ['Sigmoid']],
    [1, ['Tanh']],
    [2, ['Add', 'AddV2']],
    [3, ['Sigmoid']],
  ] as const) {
    const node = after.get(gate);
    if (node && (ops as readonly string[]).includes(node.op)) continue;
    throw unexpected(graph, node ?? split, `${ops[0]} after gate ${gate} of i, j, f, o`);
  }
  await checkForgetBias(file, graph, after.get(2)!);
}

async function checkForgetBias(file: SourceFile, graph: Graph, addition: GraphNode): Promise<void> {
  const constant = constantAt(graph, addition, 1) ?? constantAt(graph, addition, 0);
  const values = constant?.value ? await readConstant(file, constant.value) : [];
  if (values.length === 1 && values[0] === FORGET_BIAS) return;
  throw unexpected(
    graph,
    addition,
    `a forget bias of ${FORGET_BIAS}`,
    `${values[0] ?? 'none'} at ${addition.name}`,
  );
}

/** Numbers of a frozen graph: constants, and the little arithmetic that batch norms do with them. */
import { SourceError } from '../../errors.ts';
import { damaged } from '../bytes/damaged.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import type { ConstantTensor, GraphNode } from './graph-def.ts';
import { describe, elementsOf, FLOAT } from './tensor-header.ts';

/**
 * The widest vector that may be written as one repeated value (a gamma of ones) or as none (zeros); softmax layers have
 * 12,000. Without a bound a few bytes could ask for gigabytes.
 */
const MAX_REPEATED = 65_536;
/** Nodes visited for one expression; arithmetic batch norms have 20. A chain of `x + x` doubles with every node. */
const MAX_VISITS = 500;

/**
 * The numbers of a constant, read straight from the file.
 * @throws TensorMisshapen (not float32), SourceDamaged (fewer numbers than the shape wants)
 */
export async function readConstant(file: SourceFile, tensor: ConstantTensor): Promise<Float32Array> {
  const elements = elementsOf(tensor.shape);
  const place = tensor.content ?? tensor.floats ?? { offset: 0, length: 0 };
  if (tensor.dtype !== FLOAT) {
    throw new SourceError('TensorMisshapen', {
      file: file.path,
      expected: `${tensor.name} as float32`,
      actual: describe(tensor),
    });
  }
  const all = elements !== null && place.length === elements * 4;
  if (elements === null || (!all && !mayRepeat(tensor, elements))) {
    throw damaged(
      file.path,
      place.length > 0 ? place.offset : undefined,
      `the numbers of ${tensor.name}, ${describe(tensor)}`,
      place.length > 0 ? `${place.length} bytes` : 'none, its constant is empty',
    );
  }
  const values = new Float32Array(elements);
  await file.readInto(new Uint8Array(values.buffer, 0, place.length), place.offset);
  const given = place.length / 4;
  if (!all && given > 0) values.fill(values[given - 1]!, given);
  return values;
}

/** Only vectors and scalars may leave numbers out: a matrix without is one that was emptied. */
function mayRepeat(tensor: ConstantTensor, elements: number): boolean {
  const vector = tensor.shape.filter((size) => size !== 1).length <= 1;
  const given = tensor.content ? Number.NaN : (tensor.floats?.length ?? 0) / 4;
  return vector && elements <= MAX_REPEATED && Number.isInteger(given) && given <= elements;
}

/** What evaluating needs of the graph: the node behind an input. */
export type NodeOf = (input: string, user: GraphNode) => GraphNode;

/**
 * The values, one or one a channel, of an expression of constants.
 * @throws SourceUnsupported when it is none
 */
export async function evaluate(
  file: SourceFile,
  node: GraphNode,
  nodeOf: NodeOf,
  visits = { left: MAX_VISITS },
): Promise<Float64Array> {
  if (visits.left-- === 0)
    throw notConstant(file, node, `an expression of more than ${MAX_VISITS} operations`);
  const operand = (i: number): Promise<Float64Array> =>
    evaluate(file, nodeOf(node.inputs[i] ?? '', node), nodeOf, visits);
  if (node.op === 'Const' && node.value) {
    const elements = elementsOf(node.value.shape);
    if (elements === null || elements > MAX_REPEATED) throw notConstant(file, node, describe(node.value));
    return Float64Array.from(await readConstant(file, node.value));
  }
  if (node.op === 'Identity' || node.op === 'Reshape') return operand(0);
  if (node.op === 'Rsqrt') return (await operand(0)).map((x) => 1 / Math.sqrt(x));
  const binary = BINARY.get(node.op);
  if (!binary) throw notConstant(file, node, `the operation ${node.op}`);
  return broadcast(file, node, binary, await operand(0), await operand(1));
}

type Binary = (a: number, b: number) => number;

const BINARY: ReadonlyMap<string, Binary> = new Map([
  ['Add', (a, b) => a + b],
  ['AddV2', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
]);

function broadcast(
  file: SourceFile,
  node: GraphNode,
  operation: Binary,
  a: Float64Array,
  b: Float64Array,
): Float64Array {
  if (a.length === b.length) return a.map((x, i) => operation(x, b[i]!));
  if (b.length === 1) return a.map((x) => operation(x, b[0]!));
  if (a.length === 1) return b.map((y) => operation(a[0]!, y));
  throw notConstant(file, node, `vectors of ${a.length} and ${b.length}`);
}

function notConstant(file: SourceFile, node: GraphNode, actual: string): SourceError {
  return new SourceError('SourceUnsupported', {
    file: file.path,
    offset: node.offset,
    expected: `constants and their sums and products at ${node.name}`,
    actual,
  });
}

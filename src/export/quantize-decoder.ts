/** An fp32 decoder step as an INT8 one. */
import {
  floatsOf,
  GraphBuilder,
  integers,
  type OnnxModel,
  type OnnxNode,
  scalar,
  tensorOf,
} from './onnx-graph.ts';
import { encodeModel } from './onnx-proto.ts';
import { decodeModel } from './onnx-read.ts';
import { quantizeWeights } from './quantize-numbers.ts';

/**
 * Weights become bytes; the state and all that lies between the products stay float.
 *
 * Every product of a matrix with constant weights is computed in integers. The other factor is cut into steps of its
 * own row's largest number / 8127 and written with two digits to base 128, so that a caption never depends on what
 * else is in its batch, nothing has to be calibrated, and only the weights are rounded noticeably. The digits double
 * the rows, which costs little: a step of three hypotheses waits for the weights to come from memory.
 *
 * A digit has 7 bits, so weights may have all 8: 128 * 127 * 2 = 32,512 fits the 16 bits in which processors without
 * VNNI add two products (see `quantize-numbers.ts`).
 *
 * @param file only for messages
 * @param fp32Model a graph that keeps the decoder's contract; what it multiplies are MatMul nodes with constants
 *   `[K, N]`, what it looks up is Gather of a constant `[V, E]`
 * @returns bytes of an ONNX file with the same inputs and outputs
 * @throws ModelUnusable
 */
export function quantizeDecoder(file: string, fp32Model: Uint8Array): Uint8Array {
  const source = decodeModel(file, fp32Model);
  const g = new GraphBuilder();
  g.constant('digit_base', scalar(DIGIT_BASE));
  g.constant('one', scalar(1));
  g.constant('digit_zero', tensorOf(Uint8Array.of(DIGIT_ZERO), []));
  g.constant('largest_number', scalar(LARGEST_NUMBER));
  // A row of zeros has no size of its own.
  g.constant('smallest_row', scalar(1e-9));
  g.constant('row_axis', integers(1));
  for (const node of source.nodes) append(g, source, node);
  const used = new Set(g.nodes.flatMap((node) => node.inputs));
  const constants = [...source.constants, ...g.constants].filter(([name]) => used.has(name));
  return encodeModel({ ...source, nodes: g.nodes, constants: new Map(constants) });
}

const DIGIT_BASE = 128;
/** Byte of the digit 0; digits go from -64 to 64. */
const DIGIT_ZERO = 64;
/** 63 * 128 + 63: rounded to two digits, neither leaves its range. */
const LARGEST_NUMBER = 8127;
/** `TensorProto.FLOAT`. */
const FLOAT = 1;

function append(g: GraphBuilder, { constants }: OnnxModel, node: OnnxNode): void {
  const isMatrix = (name: string | undefined) => {
    const tensor = constants.get(name ?? '');
    return tensor?.type === 'float32' && tensor.dims.length === 2;
  };
  if (node.op === 'MatMul' && isMatrix(node.inputs[1])) product(g, constants, node);
  else if (node.op === 'Gather' && isMatrix(node.inputs[0])) lookUp(g, constants, node);
  else g.nodes.push(node);
}

type Constants = OnnxModel['constants'];

/** Rows of a table, each stored as bytes and its scale. */
function lookUp(g: GraphBuilder, constants: Constants, { inputs, outputs }: OnnxNode): void {
  const [tableName, ids] = inputs as [string, string];
  const { dims, ...table } = constants.get(tableName)!;
  const name = outputs[0]!;
  const { bytes, scales } = quantizeWeights(floatsOf({ dims, ...table }), dims, 0, 'none');
  g.constant(`${tableName}/integers`, tensorOf(bytes, dims));
  g.constant(`${tableName}/scales`, tensorOf(scales, [scales.length, 1]));
  g.node('Gather', [`${tableName}/integers`, ids], `${name}/integers`, { axis: 0 });
  g.node('Gather', [`${tableName}/scales`, ids], `${name}/scale`, { axis: 0 });
  g.node('Cast', [`${name}/integers`], `${name}/floats`, { to: FLOAT });
  g.node('Mul', [`${name}/floats`, `${name}/scale`], name);
}

/** `x @ weights`, x `[B, K]`, with one scale a column of the weights. */
function product(g: GraphBuilder, constants: Constants, { inputs, outputs }: OnnxNode): void {
  const [x, weightName] = inputs as [string, string];
  const weights = constants.get(weightName)!;
  const name = outputs[0]!;
  const { bytes, scales } = quantizeWeights(floatsOf(weights), weights.dims, 1, 'none');
  g.constant(`${weightName}/integers`, tensorOf(bytes, weights.dims));
  g.constant(`${weightName}/scales`, tensorOf(scales));
  const step = digitsOf(g, x, name);
  g.node('MatMulInteger', [`${name}/digits`, `${weightName}/integers`, 'digit_zero'], `${name}/integers`);
  g.node('Cast', [`${name}/integers`], `${name}/floats`, { to: FLOAT });
  g.node('Split', [`${name}/floats`], [`${name}/high`, `${name}/low`], { axis: 0, num_outputs: 2 });
  g.node('Mul', [`${name}/high`, 'digit_base'], `${name}/raised`);
  g.node('Add', [`${name}/raised`, `${name}/low`], `${name}/sum`);
  g.node('Mul', [`${name}/sum`, step], `${name}/columns`);
  g.node('Mul', [`${name}/columns`, `${weightName}/scales`], name);
}

/**
 * `${name}/digits`, uint8 `[2B, K]`: the rows' high digits, then their low ones.
 * @returns the size of one step in each row, `[B, 1]`
 */
function digitsOf(g: GraphBuilder, x: string, name: string): string {
  g.node('Abs', [x], `${name}/sizes`);
  g.node('ReduceMax', [`${name}/sizes`, 'row_axis'], `${name}/largest`, { keepdims: 1 });
  g.node('Max', [`${name}/largest`, 'smallest_row'], `${name}/range`);
  const step = g.node('Div', [`${name}/range`, 'largest_number'], `${name}/step`);
  g.node('Div', [x, step], `${name}/number`);
  g.node('QuantizeLinear', [`${name}/number`, 'digit_base', 'digit_zero'], `${name}/high_digit`);
  g.node('DequantizeLinear', [`${name}/high_digit`, 'digit_base', 'digit_zero'], `${name}/high_number`);
  g.node('Sub', [`${name}/number`, `${name}/high_number`], `${name}/low_number`);
  g.node('QuantizeLinear', [`${name}/low_number`, 'one', 'digit_zero'], `${name}/low_digit`);
  g.node('Concat', [`${name}/high_digit`, `${name}/low_digit`], `${name}/digits`, { axis: 0 });
  return step;
}

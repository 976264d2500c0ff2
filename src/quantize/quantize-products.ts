/** Products with constant matrices in INT8, without calibration: for decoders, and for encoders made of attention. */
import {
  consumersOf,
  floatsOf,
  GraphBuilder,
  integers,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  scalar,
  tensorOf,
} from '../onnx/graph.ts';
import { decodeModel } from '../onnx/read.ts';
import { DATA_TYPES } from '../onnx/schema.ts';
import { encodeModel } from '../onnx/write.ts';
import { quantizeWeights } from './numbers.ts';
import { isPlainGemm } from './plan.ts';

/**
 * How the numbers that meet the weights are written. `bytes`: each row in steps of its largest number / 127. `digits`:
 * in steps of its largest number / 8127, with two digits to base 128, so that only the weights are rounded noticeably;
 * the digits double the rows, and a step takes a third longer.
 */
export type ProductGrid = 'bytes' | 'digits';

/**
 * Softmax widths from here on get digits. Beside the encoders that such decoders come with, the longer step costs a
 * fiftieth of a caption. Measured, mean difference of a word's log-probability to fp32: 0.024 with bytes and 0.017 with
 * digits for im2txt's 12,000 words. The default model (2,925 words) scores the same with both, and its search takes a
 * fifth less time with bytes.
 */
const DIGITS_FROM_WORDS = 4096;

/** The grid that suits the decoder of a Show and Tell. */
export function decoderGrid(logits: number): ProductGrid {
  return logits >= DIGITS_FROM_WORDS ? 'digits' : 'bytes';
}

/**
 * Weights become bytes; all that lies between the products stays float.
 *
 * Every product of a matrix with constant weights is computed in integers. Each row of the other factor has steps of
 * its own, so that a caption never depends on what else is in its batch, and nothing has to be calibrated.
 *
 * Neither grid can leave the 16 bits in which processors without VNNI add two products (see `numbers.ts`):
 * digits have 7 bits, so their weights may have all 8 (128 * 127 * 2 = 32,512); beside bytes the weights are bounded as
 * pairs.
 *
 * @param file only for messages
 * @param fp32Model what it multiplies are MatMul and Gemm nodes with constants `[K, N]`, what it looks up is Gather of a constant
 *   `[V, E]`
 * @returns bytes of an ONNX file with the same inputs and outputs
 * @throws ModelUnusable
 */
export function quantizeProducts(file: string, fp32Model: Uint8Array, grid: ProductGrid): Uint8Array {
  const source = decodeModel(file, fp32Model);
  const g = new GraphBuilder();
  // Under names of their own: exports call values 'one' as well.
  g.constant('int8/digit_base', scalar(DIGIT_BASE));
  g.constant('int8/one', scalar(1));
  g.constant('int8/digit_zero', tensorOf(Uint8Array.of(DIGIT_ZERO), []));
  g.constant('int8/byte_zero', tensorOf(Uint8Array.of(BYTE_ZERO), []));
  g.constant('int8/largest_number', scalar(grid === 'digits' ? LARGEST_IN_DIGITS : LARGEST_IN_BYTES));
  // A row of zeros has no size of its own.
  g.constant('int8/smallest_row', scalar(1e-9));
  g.constant('int8/row_axis', integers(-1));
  const turned = turnedMatrices(source);
  for (const node of source.nodes) append(g, { ...source, turned }, node, grid);
  const nodes = (source.opsets[''] ?? 0) < 18 ? g.nodes.map(before18) : g.nodes;
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const constants = [...source.constants, ...g.constants].filter(([name]) => used.has(name));
  return encodeModel({ ...source, nodes, constants: new Map(constants) });
}

/** As opsets before 18 have nodes that were added here: axes are an attribute, and parts are even where nothing is said. */
function before18(node: OnnxNode): OnnxNode {
  const [x = '', axis] = node.inputs;
  const { num_outputs: _, ...attributes } = node.attributes;
  return axis === 'int8/row_axis'
    ? { ...node, inputs: [x], attributes: { ...attributes, axes: [-1] } }
    : { ...node, attributes };
}

const DIGIT_BASE = 128;
/** Byte of the digit 0; digits go from -64 to 64. */
const DIGIT_ZERO = 64;
/** 63 * 128 + 63: rounded to two digits, neither leaves its range. */
const LARGEST_IN_DIGITS = 8127;
const BYTE_ZERO = 128;
/** Rounded, it stays within a byte on either side of `BYTE_ZERO`. */
const LARGEST_IN_BYTES = 127;

/**
 * Transposed constants that are only multiplied by: value to constant. A table of words that is the last layer as well is
 * stored once so.
 */
function turnedMatrices({ nodes, constants, outputs }: OnnxModel): ReadonlyMap<string, string> {
  const consumers = consumersOf(nodes);
  const isMultiplied = (value: string) =>
    !outputs.some(({ name }) => name === value) &&
    (consumers.get(value) ?? []).every(
      ({ op, inputs }) => op === 'MatMul' && inputs[1] === value && inputs[0] !== value,
    );
  return new Map(
    nodes.flatMap(({ op, inputs: [matrix = ''], outputs: [value = ''], attributes }) => {
      const tensor = constants.get(matrix);
      const isTurned = op === 'Transpose' && tensor?.type === 'float32' && tensor.dims.length === 2;
      const swaps = attributes.perm === undefined || String(attributes.perm) === '1,0';
      return isTurned && swaps && isMultiplied(value) ? [[value, matrix] as const] : [];
    }),
  );
}

function append(
  g: GraphBuilder,
  { constants, turned }: OnnxModel & { turned: ReadonlyMap<string, string> },
  node: OnnxNode,
  grid: ProductGrid,
): void {
  if (turned.has(node.outputs[0] ?? '')) return;
  const [x = '', y = ''] = node.inputs;
  const matrix = node.op === 'MatMul' ? turned.get(y) : undefined;
  if (matrix !== undefined) {
    product(g, constants, { inputs: [x, matrix], outputs: node.outputs }, grid, true);
    return;
  }
  const isMatrix = (name: string | undefined) => {
    const tensor = constants.get(name ?? '');
    return tensor?.type === 'float32' && tensor.dims.length === 2;
  };
  if (node.op === 'MatMul' && isMatrix(node.inputs[1])) product(g, constants, node, grid);
  else if (isPlainGemm(node) && isMatrix(node.inputs[1])) gemm(g, constants, node, grid);
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
  g.node('Cast', [`${name}/integers`], `${name}/floats`, { to: DATA_TYPES.float32 });
  g.node('Mul', [`${name}/floats`, `${name}/scale`], name);
}

/** A product and a bias; the matrix may be stored as `[N, K]`. */
function gemm(g: GraphBuilder, constants: Constants, node: OnnxNode, grid: ProductGrid): void {
  const [x, weights, bias] = node.inputs as [string, string, string?];
  const [name] = node.outputs as [string];
  const output = bias ? `${name}/product` : name;
  product(g, constants, { inputs: [x, weights], outputs: [output] }, grid, node.attributes.transB === 1);
  if (bias) g.node('Add', [output, bias], name);
}

/** `x @ weights`, x `[..., K]`, with one scale a column of the weights. */
function product(
  g: GraphBuilder,
  constants: Constants,
  { inputs, outputs }: Pick<OnnxNode, 'inputs' | 'outputs'>,
  grid: ProductGrid,
  isTransposed = false,
): void {
  const [x, weightName] = inputs as [string, string];
  const weights = constants.get(weightName)!;
  const { values, dims } = isTransposed
    ? transposed(weights)
    : { values: floatsOf(weights), dims: weights.dims };
  const name = outputs[0]!;
  const meeting = grid === 'digits' ? 'none' : { axis: 0 };
  // A table that is looked up as well has rows of bytes under its own name; a matrix may be met both ways.
  const stored = `${weightName}/${isTransposed ? 'transposed' : 'columns'}`;
  if (!g.constants.has(`${stored}/integers`)) {
    const { bytes, scales } = quantizeWeights(values, dims, 1, meeting);
    g.constant(`${stored}/integers`, tensorOf(bytes, dims));
    g.constant(`${stored}/scales`, tensorOf(scales));
  }
  const step = numbersOf(g, x, name);
  const sum = grid === 'digits' ? sumOfDigits(g, stored, name) : sumOfBytes(g, stored, name);
  g.node('Mul', [sum, step], `${name}/columns`);
  g.node('Mul', [`${name}/columns`, `${stored}/scales`], name);
}

/** `[K, N]` of a matrix `[N, K]`. */
function transposed(matrix: OnnxTensor): { values: Float32Array; dims: number[] } {
  const [rows, columns] = matrix.dims as [number, number];
  const from = floatsOf(matrix);
  const values = new Float32Array(from.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) values[c * rows + r] = from[r * columns + c]!;
  return { values, dims: [columns, rows] };
}

/**
 * `${name}/number`, float `[..., K]`: each row in steps of its own, none beyond `largest_number`.
 * @returns the size of one step in each row, `[..., 1]`
 */
function numbersOf(g: GraphBuilder, x: string, name: string): string {
  g.node('Abs', [x], `${name}/sizes`);
  g.node('ReduceMax', [`${name}/sizes`, 'int8/row_axis'], `${name}/largest`, { keepdims: 1 });
  g.node('Max', [`${name}/largest`, 'int8/smallest_row'], `${name}/range`);
  const step = g.node('Div', [`${name}/range`, 'int8/largest_number'], `${name}/step`);
  g.node('Div', [x, step], `${name}/number`);
  return step;
}

/** Sums of products, float `[..., N]`, of the numbers rounded to bytes. */
function sumOfBytes(g: GraphBuilder, weightName: string, name: string): string {
  g.node('QuantizeLinear', [`${name}/number`, 'int8/one', 'int8/byte_zero'], `${name}/bytes`);
  g.node('MatMulInteger', [`${name}/bytes`, `${weightName}/integers`, 'int8/byte_zero'], `${name}/integers`);
  return g.node('Cast', [`${name}/integers`], `${name}/sum`, { to: DATA_TYPES.float32 });
}

/** The same of the numbers in two digits: `[2B, ..., K]`, the rows' high digits, then their low ones. */
function sumOfDigits(g: GraphBuilder, weightName: string, name: string): string {
  g.node('QuantizeLinear', [`${name}/number`, 'int8/digit_base', 'int8/digit_zero'], `${name}/high_digit`);
  g.node(
    'DequantizeLinear',
    [`${name}/high_digit`, 'int8/digit_base', 'int8/digit_zero'],
    `${name}/high_number`,
  );
  g.node('Sub', [`${name}/number`, `${name}/high_number`], `${name}/low_number`);
  g.node('QuantizeLinear', [`${name}/low_number`, 'int8/one', 'int8/digit_zero'], `${name}/low_digit`);
  g.node('Concat', [`${name}/high_digit`, `${name}/low_digit`], `${name}/digits`, { axis: 0 });
  g.node(
    'MatMulInteger',
    [`${name}/digits`, `${weightName}/integers`, 'int8/digit_zero'],
    `${name}/integers`,
  );
  g.node('Cast', [`${name}/integers`], `${name}/floats`, { to: DATA_TYPES.float32 });
  g.node('Split', [`${name}/floats`], [`${name}/high`, `${name}/low`], { axis: 0, num_outputs: 2 });
  g.node('Mul', [`${name}/high`, 'int8/digit_base'], `${name}/raised`);
  return g.node('Add', [`${name}/raised`, `${name}/low`], `${name}/sum`);
}

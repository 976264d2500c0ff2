/** What each operator does to sizes. Operators that are not here make values of which nothing is known. */
import type { ElementType, OnnxNode } from '../../../../onnx/graph.ts';
import { broadcast, elementwise } from './elementwise.ts';
import { type Fact, fresh, integerOf, integersOf, type Rule, tensorFact, UNKNOWN } from './fact.ts';
import { LAYOUT_RULES } from './layout.ts';
import { number, type Size } from './size.ts';

const same: Rule = (_, [x]) => [{ ...(x ?? UNKNOWN), content: null }];
const retyped = (fact: Fact | undefined, type: ElementType): Fact => ({
  ...(fact ?? UNKNOWN),
  type,
  content: null,
});

/** [..., M, K] x [..., K, J]. */
function productDims(a: Fact | undefined, b: Fact | undefined): readonly Size[] | null {
  if (!a?.dims || !b?.dims || a.dims.length < 2 || b.dims.length < 2) return null;
  const batch = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2));
  return [...batch, a.dims.at(-2)!, b.dims.at(-1)!];
}

const matMul: Rule = (_, [a, b]) => [{ type: a?.type ?? null, dims: productDims(a, b), content: null }];

const gemm: Rule = (node, [a, b]) => {
  const rows = a?.dims?.[integerOf(node, 'transA', 0) === 1 ? 1 : 0];
  const columns = b?.dims?.[integerOf(node, 'transB', 0) === 1 ? 0 : 1];
  return [{ type: a?.type ?? null, dims: rows && columns ? [rows, columns] : null, content: null }];
};

const reduce: Rule = (node, [x, axesInput]) => {
  if (!x?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const rank = x.dims.length;
  const axes = integersOf(node, 'axes', axesInput)?.map((axis) => (axis < 0 ? axis + rank : axis));
  if (!axes && axesInput) return [{ ...UNKNOWN, type: x.type }];
  const keeps = integerOf(node, 'keepdims', 1) === 1;
  const dims = x.dims.flatMap((size, i) => {
    if (axes && !axes.includes(i)) return [size];
    return keeps ? [number(1)] : [];
  });
  return [{ type: x.type, dims, content: null }];
};

const constant: Rule = ({ attributes }) => {
  const { value, value_int, value_ints, value_float } = attributes;
  if (value !== undefined && typeof value === 'object' && 'tensor' in value)
    return [tensorFact(value.tensor)];
  if (typeof value_int === 'number') return [{ type: 'int64', dims: [], content: [number(value_int)] }];
  if (Array.isArray(value_ints)) {
    const content = value_ints.map((n) => number(Number(n)));
    return [{ type: 'int64', dims: [number(content.length)], content }];
  }
  if (typeof value_float === 'object' && 'float' in value_float) {
    return [{ type: 'float32', dims: [], content: [number(value_float.float)] }];
  }
  return [];
};

const RULES: Record<string, Rule> = {
  ...LAYOUT_RULES,
  Constant: constant,
  MatMul: matMul,
  MatMulInteger: (node, inputs) => [retyped(matMul(node, inputs)[0], 'int32')],
  Gemm: gemm,
  DynamicQuantizeLinear: (_, [x]) => [
    retyped(x, 'uint8'),
    { type: 'float32', dims: [], content: null },
    { type: 'uint8', dims: [], content: null },
  ],
  DequantizeLinear: (_, [x, scale]) => [retyped(x, scale?.type ?? 'float32')],
  LayerNormalization: same,
  SimplifiedLayerNormalization: same,
  Softmax: same,
  LogSoftmax: same,
  CumSum: same,
  Trilu: same,
  ScatterND: same,
  ScatterElements: same,
  ArgMax: (node, inputs) => {
    const axis = integerOf(node, 'axis', 0);
    const keepdims = integerOf(node, 'keepdims', 1);
    return [
      retyped(reduce({ ...node, attributes: { axes: [axis], keepdims } }, inputs.slice(0, 1))[0], 'int64'),
    ];
  },
  GatherElements: (_, [x, indices]) => [
    { type: x?.type ?? null, dims: indices?.dims ?? null, content: null },
  ],
  NonZero: (_, [x]) => [
    { type: 'int64', dims: x?.dims ? [number(x.dims.length), fresh()] : null, content: null },
  ],
};

for (const op of ['Mean', 'Sum', 'Max', 'Min', 'Prod', 'L2', 'SumSquare']) RULES[`Reduce${op}`] = reduce;

/** Null: nothing is known of it. */
export function ruleOf(node: OnnxNode): Rule | null {
  if (Object.hasOwn(RULES, node.op)) return RULES[node.op]!;
  return elementwise(node.op);
}

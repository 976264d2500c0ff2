/** Products with what is kept of an image: all rows of an image are one matrix, so that nothing is copied for each. */
import { type GraphBuilder, integers, type OnnxNode } from '../../../onnx/graph.ts';
import type { Fact } from './facts/fact.ts';
import { asNumber, divide, equal, number, product, type Size, symbol } from './facts/size.ts';
import { type Memory, ROWS } from './origins.ts';
import type { SizeValues } from './sizes.ts';

/** The images of a step, each of which has as many rows. */
export const IMAGES = 'images';
/** For a size that follows from the others, in the target of a reshape. */
const REST = number(-1);

interface Product {
  /** Rows of a matrix for each row of the step; not a number where the whole sequence runs each time. */
  height: Size;
  /** Matrices for each row of the step: heads. */
  heads: number;
  inner: number;
  width: number;
}

/** [rows, heads.., height, inner] x [images, heads.., inner, width]; null where the node is something else. */
export function productOf(node: OnnxNode, facts: ReadonlyMap<string, Fact>, memory: Memory): Product | null {
  if (node.op !== 'MatMul' || node.inputs[1] !== memory.value || node.inputs[0] === memory.value) return null;
  const left = facts.get(node.inputs[0]!)?.dims;
  const right = facts.get(memory.value)!.dims!;
  if (!left || left.length !== right.length || left.length < 3) return null;
  if (!left.slice(0, -2).every((size, i) => equal(size, right[i]!))) return null;
  const heads = asNumber(divide(product(right.slice(0, -2)), symbol(ROWS)) ?? REST);
  const [inner, width] = right.slice(-2).map(asNumber) as [number, number];
  return heads === null || heads < 1 ? null : { height: left.at(-2)!, heads, inner, width };
}

/** @returns the product, in the shape that `node` gives it */
export function addSharedProduct(
  g: GraphBuilder,
  sizes: SizeValues,
  { height, heads, inner, width }: Product,
  [left, kept, output]: readonly [string, string, string],
  dims: readonly Size[],
): string {
  const images = symbol(IMAGES);
  const name = (part: string) => `${output}/${part}`;
  const one = asNumber(height) === 1;
  const [h, k, j] = [heads, inner, width].map(number) as [Size, Size, Size];
  // A single row for each head saves a transposition that moves nothing.
  const apart = one ? [images, REST, h, k] : [images, REST, h, height, k];
  const swap = one ? [0, 2, 1, 3] : [0, 2, 1, 3, 4];
  const split = g.node('Reshape', [left, sizes.list(apart)], name('rows'));
  let grouped = g.node('Transpose', [split], name('heads'), { perm: swap });
  if (!one) grouped = g.node('Reshape', [grouped, sizes.list([images, h, REST, k])], name('matrix'));
  let result = g.node('MatMul', [grouped, kept], name('product'));
  if (!one) result = g.node('Reshape', [result, sizes.list([images, h, REST, height, j])], name('apart'));
  const back = g.node('Transpose', [result], name('back'), { perm: swap });
  const target = [REST, ...dims.slice(1)];
  return g.node('Reshape', [back, sizes.list(target)], output);
}

/** What is kept of each image, once for each of its rows: for operators that cannot share it. */
export function addRepeated(
  g: GraphBuilder,
  sizes: SizeValues,
  [kept, memory]: readonly [string, Memory],
  dims: readonly Size[],
): string {
  const rest = memory.dims.map(number);
  const rows = sizes.list([symbol(ROWS)]);
  const each = g.node('Div', [rows, sizes.list([symbol(IMAGES)])], `${kept}/rows`);
  const ones = g.constant(`ones(${rest.length})`, integers(...rest.map(() => 1)));
  const leading = g.constant('one', integers(1));
  const column = g.node('Reshape', [kept, sizes.list([REST, number(1), ...rest])], `${kept}/column`);
  const times = g.node('Concat', [leading, each, ones], `${kept}/times`, { axis: 0 });
  const repeated = g.node('Expand', [column, times], `${kept}/columns`);
  return g.node('Reshape', [repeated, sizes.list([REST, ...dims.slice(1)])], `${kept}/repeated`);
}

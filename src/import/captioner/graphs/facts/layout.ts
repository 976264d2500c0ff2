/** Operators that change how elements lie, or read sizes. */

import { broadcast } from './elementwise.ts';
import {
  type Fact,
  fresh,
  integerOf,
  integersOf,
  MAX_CONTENT,
  numbersOf,
  type Rule,
  UNKNOWN,
} from './fact.ts';
import {
  add,
  asNumber,
  divide,
  equal,
  multiply,
  notNegative,
  number,
  product,
  type Size,
  subtract,
} from './size.ts';

const atAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const identity: Rule = (_, [x]) => [x ?? UNKNOWN];

/** Beyond the end: "to the end". */
const END = 2 ** 31 - 1;

const shape: Rule = (node, [x]) => {
  if (!x?.dims) return [{ type: 'int64', dims: null, content: null }];
  const rank = x.dims.length;
  const start = atAxis(integerOf(node, 'start', 0), rank);
  const content = x.dims.slice(start, atAxis(integerOf(node, 'end', rank), rank));
  return [{ type: 'int64', dims: [number(content.length)], content }];
};

const gather: Rule = (node, [x, indices]) => {
  if (!x?.dims || !indices?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const axis = atAxis(integerOf(node, 'axis', 0), x.dims.length);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  const places = numbersOf(indices);
  const elements = x.dims.length === 1 ? x.content : null;
  const content = places && elements ? places.map((i) => elements[atAxis(i, elements.length)]!) : null;
  return [{ type: x.type, dims, content: content?.includes(undefined as never) ? null : content }];
};

const concat: Rule = (node, inputs) => {
  const type = inputs[0]?.type ?? null;
  const all = inputs.map((input) => input?.dims ?? null);
  const first = all.find((dims) => dims !== null);
  if (!first || all.some((dims) => dims === null)) return [{ ...UNKNOWN, type }];
  const axis = atAxis(integerOf(node, 'axis', 0), first.length);
  const dims = first.map((size, i) => {
    if (i === axis) return all.map((d) => d![i]!).reduce((a, b) => add(a, b));
    return all.map((d) => d![i]!).find((s) => asNumber(s) !== null) ?? size;
  });
  const contents = inputs.map((input) => input?.content ?? null);
  const joined =
    first.length === 1 && contents.every((content) => content !== null) ? contents.flatMap((c) => c!) : null;
  return [{ type, dims, content: joined && joined.length <= MAX_CONTENT ? joined : null }];
};

const unsqueeze: Rule = (node, [x, axesInput]) => {
  const axes = integersOf(node, 'axes', axesInput);
  if (!x?.dims || !axes) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const rank = x.dims.length + axes.length;
  const places = axes.map((axis) => atAxis(axis, rank));
  const rest = [...x.dims];
  const dims = Array.from({ length: rank }, (_, i) => (places.includes(i) ? number(1) : rest.shift()!));
  return [{ ...x, dims }];
};

const squeeze: Rule = (node, [x, axesInput]) => {
  if (!x?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const rank = x.dims.length;
  const axes = integersOf(node, 'axes', axesInput)?.map((axis) => atAxis(axis, rank));
  if (!axes && axesInput) return [{ ...UNKNOWN, type: x.type }];
  const dims = x.dims.filter((size, i) => (axes ? !axes.includes(i) : asNumber(size) !== 1));
  return [{ ...x, dims }];
};

const reshape: Rule = (node, [x, target]) => {
  const type = x?.type ?? null;
  const given = target?.content;
  if (!given) {
    const rank = target?.dims?.length === 1 ? asNumber(target.dims[0]!) : null;
    const dims = rank === null ? null : Array.from({ length: rank }, fresh);
    return [{ type, dims, content: dims?.length === 1 ? (x?.content ?? null) : null }];
  }
  const copies = integerOf(node, 'allowzero', 0) === 0;
  const dims = given.map((size, i) => (copies && asNumber(size) === 0 ? (x?.dims?.[i] ?? fresh()) : size));
  const open = dims.findIndex((size) => asNumber(size) === -1);
  if (open >= 0) {
    const others = product(dims.filter((_, i) => i !== open));
    dims[open] = (x?.dims && divide(product(x.dims), others)) ?? fresh();
  }
  return [{ type, dims, content: x?.content ?? null }];
};

const flatten: Rule = (node, [x]) => {
  if (!x?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const axis = atAxis(integerOf(node, 'axis', 1), x.dims.length);
  return [{ ...x, dims: [product(x.dims.slice(0, axis)), product(x.dims.slice(axis))] }];
};

const transpose: Rule = (node, [x]) => {
  if (!x?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const permutation = integersOf(node, 'perm', undefined) ?? x.dims.map((_, i) => i).reverse();
  const dims = permutation.map((i) => x.dims![i]!);
  return [{ type: x.type, dims, content: x.dims.length < 2 ? x.content : null }];
};

const expand: Rule = (_, [x, target]) => {
  if (!x?.dims || !target?.content) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const dims = broadcast(x.dims, target.content);
  return [{ type: x.type, dims, content: repeated(x.content, dims) }];
};

/** Of one element. */
function repeated(content: Fact['content'], dims: readonly Size[]): Fact['content'] {
  const count = asNumber(product(dims));
  if (content?.length !== 1 || count === null || count > MAX_CONTENT) return null;
  return Array.from({ length: count }, () => content[0]!);
}

const constantOfShape: Rule = ({ attributes: { value } }, [target]) => {
  const tensor = value !== undefined && typeof value === 'object' && 'tensor' in value ? value.tensor : null;
  const type = tensor?.type ?? 'float32';
  if (!target?.content) return [{ type, dims: null, content: null }];
  const bytes = tensor ? new Uint8Array(tensor.bytes()).buffer : new Float32Array(1).buffer;
  const element =
    type === 'int64'
      ? Number(new BigInt64Array(bytes)[0])
      : type === 'float32'
        ? new Float32Array(bytes)[0]!
        : type === 'bool'
          ? new Uint8Array(bytes)[0]!
          : null;
  const dims = target.content;
  return [{ type, dims, content: element === null ? null : repeated([number(element)], dims) }];
};

const range: Rule = (_, [start, end, step]) => {
  const type = start?.type ?? null;
  const [from, to, by] = [start?.content?.[0], end?.content?.[0], numbersOf(step)?.[0]];
  if (!from || !to || by !== 1 || type === 'float32') return [{ type, dims: [fresh()], content: null }];
  const count = subtract(to, from);
  const elements = asNumber(count);
  const content =
    elements === null || elements > MAX_CONTENT || elements < 0
      ? null
      : Array.from({ length: elements }, (_, i) => add(from, number(i)));
  return [{ type, dims: [count], content }];
};

const slice: Rule = (node, [x, startsInput, endsInput, axesInput, stepsInput]) => {
  if (!x?.dims) return [{ ...UNKNOWN, type: x?.type ?? null }];
  const starts = listOf(node, 'starts', startsInput);
  const ends = listOf(node, 'ends', endsInput);
  const axes = integersOf(node, 'axes', axesInput) ?? starts?.map((_, i) => i);
  const steps = stepsInput ? numbersOf(stepsInput) : starts?.map(() => 1);
  const unknown: Fact = { type: x.type, dims: x.dims.map(fresh), content: null };
  if (!starts || !ends || !axes || !steps) return [unknown];
  const dims = [...x.dims];
  let content = x.dims.length === 1 ? x.content : null;
  for (const [i, given] of axes.entries()) {
    const axis = atAxis(given, dims.length);
    if (steps[i] !== 1) {
      const [from, to] = [asNumber(starts[i]!), asNumber(ends[i]!)];
      dims[axis] = fresh();
      content = content && from !== null && to !== null ? stepped(content, from, to, steps[i]!) : null;
      if (content) dims[axis] = number(content.length);
      continue;
    }
    const size = dims[axis]!;
    const [from, to] = [placeIn(starts[i]!, size), placeIn(ends[i]!, size)];
    dims[axis] = from && to ? subtract(to, from) : fresh();
    const [first, last] = [from && asNumber(from), to && asNumber(to)];
    content =
      content && typeof first === 'number' && typeof last === 'number' ? content.slice(first, last) : null;
  }
  return [{ type: x.type, dims, content }];
};

function stepped(content: readonly Size[], from: number, to: number, step: number): readonly Size[] | null {
  if (step >= 0) return null;
  const found: Size[] = [];
  const last = Math.max(to, -content.length - 1);
  for (
    let i = Math.min(atAxis(from, content.length), content.length - 1);
    i > atAxis(last, content.length);
    i += step
  ) {
    if (i < 0) break;
    found.push(content[i]!);
  }
  return found;
}

function listOf(node: Parameters<Rule>[0], name: string, input: Fact | undefined): readonly Size[] | null {
  return integersOf(node, name, undefined)?.map(number) ?? input?.content ?? null;
}

/** Where a start or an end lies; null: it cannot be told. */
function placeIn(given: Size, size: Size): Size | null {
  const value = asNumber(given);
  if (value !== null && value >= END) return size;
  const place = value !== null && value < 0 ? add(size, given) : given;
  if (notNegative(subtract(size, place))) return notNegative(place) ? place : null;
  if (notNegative(subtract(place, size))) return size;
  // Ends that depend on a length, in a table of fixed size: the table has room for all lengths that are allowed.
  return asNumber(size) !== null && notNegative(place) ? place : null;
}

const split: Rule = (node, [x, partsInput]) => {
  if (!x?.dims) return node.outputs.map(() => ({ ...UNKNOWN, type: x?.type ?? null }));
  const axis = atAxis(integerOf(node, 'axis', 0), x.dims.length);
  const parts = integersOf(node, 'split', partsInput)?.map(number);
  const even = divide(x.dims[axis]!, number(node.outputs.length));
  let place = 0;
  return node.outputs.map((_, i) => {
    const size = parts?.[i] ?? even ?? fresh();
    const count = asNumber(size);
    const content =
      x.dims!.length === 1 && x.content && count !== null ? x.content.slice(place, place + count) : null;
    place += count ?? 0;
    return { type: x.type, dims: x.dims!.map((d, j) => (j === axis ? size : d)), content };
  });
};

const tile: Rule = (_, [x, repeats]) => {
  if (!x?.dims || !repeats?.content) return [{ ...UNKNOWN, type: x?.type ?? null }];
  return [
    { type: x.type, dims: x.dims.map((size, i) => multiply(size, repeats.content![i]!)), content: null },
  ];
};

export const LAYOUT_RULES: Record<string, Rule> = {
  Identity: identity,
  Shape: shape,
  Size: (_, [x]) => [{ type: 'int64', dims: [], content: x?.dims ? [product(x.dims)] : null }],
  Gather: gather,
  Concat: concat,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Expand: expand,
  ConstantOfShape: constantOfShape,
  Range: range,
  Slice: slice,
  Split: split,
  Tile: tile,
};

/** Whether two lists of sizes are the same for all values of the names. */
export const sameDims = (a: readonly Size[], b: readonly Size[]): boolean =>
  a.length === b.length && a.every((size, i) => equal(size, b[i]!));

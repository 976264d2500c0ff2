/** Which nodes of an fp32 graph are to work in bytes, and which values share a grid. */
import { consumersOf, floatsOf, type OnnxModel, type OnnxNode, producersOf } from '../onnx/graph.ts';

export interface QuantizationPlan {
  /** Nodes that work in bytes. */
  nodes: ReadonlySet<OnnxNode>;
  /** Values stored as bytes, each with the name of its group: a group has one grid. */
  groups: ReadonlyMap<string, string>;
  /** Of those, the ones whose ranges must be known. */
  measured: readonly string[];
  /** ReLUs and Clips whose work is done by rounding the value before them, to that value. */
  absorbed: ReadonlyMap<OnnxNode, string>;
}

/** Operators that pass numbers on unchanged: what goes in and what comes out share a grid. */
const PASSING = new Set(['MaxPool', 'Reshape', 'Transpose', 'Flatten']);
const COMBINING = new Set(['Add', 'Concat', 'AveragePool', 'GlobalAveragePool']);
const CLIPPING = new Set(['Relu', 'Clip']);
export const MULTIPLYING = new Set(['Conv', 'MatMul', 'Gemm']);

/** @param keep names of nodes that stay fp32 */
export function planQuantization(model: OnnxModel, keep: ReadonlySet<string> = new Set()): QuantizationPlan {
  const producers = producersOf(model.nodes);
  const consumers = consumersOf(model.nodes);
  const outputs = new Set(model.outputs.map((o) => o.name));
  const nodes = new Set<OnnxNode>();
  const absorbed = new Map<OnnxNode, string>();

  const isInBytes = (value: string) => {
    const producer = producers.get(value);
    if (!producer) return false;
    return nodes.has(producer) || absorbed.has(producer) || producer.op === 'DequantizeLinear';
  };
  /** A passed-on value keeps its grid, so its bytes cannot be clipped on the way. */
  const isAbsorbed = (clip: OnnxNode, value: string) => {
    const source = producers.get(value);
    const canClip = source !== undefined && nodes.has(source) && !isPassing(source);
    return (
      canClip && consumers.get(value)?.length === 1 && !outputs.has(value) && hasKnownBounds(clip, model)
    );
  };

  for (const node of model.nodes) {
    if (keep.has(node.name)) continue;
    const data = dataInputs(node, model);
    if (CLIPPING.has(node.op)) {
      if (isAbsorbed(node, data[0]!)) absorbed.set(node, data[0]!);
    } else if (isPassing(node)) {
      if (isInBytes(data[0]!)) nodes.add(node);
    } else if (isMultiplication(node, model) || (isCombination(node, model) && data.some(isInBytes))) {
      nodes.add(node);
    }
  }
  return { nodes, absorbed, ...groupsOf(model, nodes, absorbed, producers, consumers, outputs) };
}

export const isPassing = (node: OnnxNode) => PASSING.has(node.op);

/** Convolutions and matrix products with constant weights. */
function isMultiplication(node: OnnxNode, { constants }: OnnxModel): boolean {
  if (!MULTIPLYING.has(node.op)) return false;
  const [x, weights = '', bias] = node.inputs;
  const known = constants.get(weights)?.type === 'float32' && !constants.has(x!);
  const plain = node.op !== 'Gemm' || isPlainGemm(node);
  const ranked = node.op === 'Conv' || constants.get(weights)?.dims.length === 2;
  return known && plain && ranked && (!bias || constants.get(bias)?.dims.length === 1);
}

/** Without factors, and with rows that are rows. */
export function isPlainGemm({ op, attributes: { alpha, beta, transA = 0 } }: OnnxNode): boolean {
  const isOne = (a: unknown) =>
    a === undefined || (typeof a === 'object' && a !== null && 'float' in a && a.float === 1);
  return op === 'Gemm' && isOne(alpha) && isOne(beta) && transA === 0;
}

/** Sums of two computed values, joins and means; a constant added is a bias, not a sum. */
function isCombination(node: OnnxNode, { constants }: OnnxModel): boolean {
  return COMBINING.has(node.op) && !node.inputs.some((i) => constants.has(i));
}

/** Inputs that are computed: not weights, shapes or bounds. */
export function dataInputs(node: OnnxNode, { constants }: OnnxModel): string[] {
  return node.inputs.filter((i) => i !== '' && !constants.has(i));
}

function hasKnownBounds({ op, inputs }: OnnxNode, { constants }: OnnxModel): boolean {
  return op === 'Relu' || inputs.slice(1).every((i) => i === '' || constants.get(i)?.type === 'float32');
}

/** What a ReLU or Clip lets through. */
export function boundsOf({ op, inputs }: OnnxNode, { constants }: OnnxModel): { low: number; high: number } {
  if (op === 'Relu') return { low: 0, high: Infinity };
  const at = (i: number, otherwise: number) => {
    const bound = constants.get(inputs[i] ?? '');
    return bound ? floatsOf(bound)[0]! : otherwise;
  };
  return { low: at(1, -Infinity), high: at(2, Infinity) };
}

function groupsOf(
  model: OnnxModel,
  nodes: ReadonlySet<OnnxNode>,
  absorbed: ReadonlyMap<OnnxNode, string>,
  producers: ReadonlyMap<string, OnnxNode>,
  consumers: ReadonlyMap<string, OnnxNode[]>,
  outputs: ReadonlySet<string>,
) {
  const groups = new Groups();
  /** The value that a node leaves behind, after a clip that it absorbs. */
  const resultOf = (node: OnnxNode) => {
    const value = node.outputs[0]!;
    const clip = consumers.get(value)?.find((c) => absorbed.get(c) === value);
    return clip ? clip.outputs[0]! : value;
  };
  const passedOn = new Set<string>();
  for (const node of nodes) {
    const data = dataInputs(node, model);
    for (const value of data) groups.add(value);
    const result = resultOf(node);
    const readInBytes = (consumers.get(result) ?? []).some((c) => nodes.has(c));
    // A product that only floats read need not be rounded; a convolution is fast only if it is.
    if (outputs.has(result) || (!readInBytes && node.op !== 'Conv')) continue;
    groups.add(result);
    if (isPassing(node)) {
      groups.join(data[0]!, result);
      passedOn.add(result);
    }
  }
  for (const node of nodes) {
    if (node.op !== 'Concat') continue;
    const result = resultOf(node);
    if (!groups.has(result)) continue;
    // The branches round to the joint grid at once: a second rounding would cost precision and time. Not so what a
    // pool passes on, which would tie this grid to that of the blocks before.
    for (const value of dataInputs(node, model)) {
      const producer = producers.get(value);
      const free = producer && (nodes.has(producer) || absorbed.has(producer)) && !passedOn.has(value);
      if (free) groups.join(value, result);
    }
  }
  const all = groups.all();
  // What is only reordered has been measured, what comes in bytes has its grid.
  const isKnown = (value: string) => {
    const op = producers.get(value)?.op;
    return op === 'DequantizeLinear' || (passedOn.has(value) && op !== 'MaxPool');
  };
  return { groups: all, measured: [...all.keys()].filter((v) => !isKnown(v)) };
}

/** Disjoint sets of values. */
class Groups {
  readonly #parent = new Map<string, string>();

  has(value: string): boolean {
    return this.#parent.has(value);
  }

  add(value: string): void {
    if (!this.has(value)) this.#parent.set(value, value);
  }

  join(a: string, b: string): void {
    this.#parent.set(this.#root(a), this.#root(b));
  }

  all(): Map<string, string> {
    return new Map([...this.#parent.keys()].map((value) => [value, this.#root(value)]));
  }

  #root(value: string): string {
    let at = value;
    for (let up = this.#parent.get(at)!; up !== at; up = this.#parent.get(at)!) at = up;
    return at;
  }
}

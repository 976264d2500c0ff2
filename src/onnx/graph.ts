/** ONNX models as plain data: what the graph writers build, the quantiser rewrites and `write.ts` stores. */

/** Bytes of one element; the types that stored networks use. */
export const ELEMENT_BYTES = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  bfloat16: 2,
} as const;

export type ElementType = keyof typeof ELEMENT_BYTES;

export interface OnnxTensor {
  type: ElementType;
  /** Empty: a scalar. */
  dims: readonly number[];
  /**
   * Row-major, little-endian. A function, so that the writer holds one converted tensor at a time and not a second
   * copy of the whole network. The buffer may be shared: read it, do not write to it.
   */
  bytes: () => Uint8Array;
}

/** A number is an INT, numbers are INTS; floats must say so, JavaScript cannot tell 1.0 from 1. */
export type Attribute =
  | number
  | readonly number[]
  /** Of 64 bits, where a number would not hold them: "to the end" is 2^63 - 1 in many graphs. */
  | bigint
  | readonly bigint[]
  | string
  | { strings: readonly string[] }
  | { float: number }
  | { floats: readonly number[] }
  | { tensor: OnnxTensor }
  /** What a `Loop` does; it may read the values of the graph around it. */
  | { graph: OnnxGraph };

export interface OnnxNode {
  op: string;
  /** Empty: ONNX's own operators. */
  domain: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

export interface ValueInfo {
  name: string;
  /** Null: left open, as the outputs of a graph inside of a node may do. */
  type: ElementType | null;
  /** A string names a free dimension; null says nothing about the shape. */
  dims: readonly (number | string)[] | null;
}

export interface OnnxGraph {
  name: string;
  /** In an order in which they can run. */
  nodes: readonly OnnxNode[];
  constants: ReadonlyMap<string, OnnxTensor>;
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
}

export interface OnnxModel extends OnnxGraph {
  /** Domain to version; '' are ONNX's own operators. */
  opsets: Readonly<Record<string, number>>;
  /** Of the file that it was read from; those written here are of the oldest that carries their opset. */
  irVersion?: number;
}

/** The opset of everything written here; ONNX 1.16 and onnxruntime 1.18 (2024) brought it. */
const OPSET = 21;

/** Collects nodes and constants under names that must not repeat. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxTensor>();

  /** @returns the name, to be used as an input */
  constant(name: string, tensor: OnnxTensor): string {
    this.constants.set(name, tensor);
    return name;
  }

  /**
   * A node that is named like its first output.
   * @returns that output
   */
  node(
    op: string,
    inputs: readonly string[],
    output: string | readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const outputs = typeof output === 'string' ? [output] : output;
    const name = outputs[0]!;
    this.nodes.push({ op, domain: '', name, inputs, outputs, attributes });
    return name;
  }

  graph(name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): OnnxGraph {
    return { name, nodes: this.nodes, constants: this.constants, inputs, outputs };
  }

  model(...graph: Parameters<GraphBuilder['graph']>): OnnxModel {
    return { ...this.graph(...graph), opsets: { '': OPSET } };
  }
}

type Values = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

const TYPE_OF = new Map<unknown, ElementType>([
  [Float32Array, 'float32'],
  [Uint8Array, 'uint8'],
  [Int8Array, 'int8'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
]);

/** A tensor over `values`, which it shares; `dims` are those of a vector unless given, `[]` makes a scalar. */
export function tensorOf(values: Values, dims: readonly number[] = [values.length]): OnnxTensor {
  const type = TYPE_OF.get(values.constructor)!;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { type, dims, bytes: () => bytes };
}

export const scalar = (value: number): OnnxTensor => tensorOf(Float32Array.of(value), []);
export const integers = (...values: number[]): OnnxTensor => int64Tensor(values, [values.length]);

export const int64Tensor = (values: readonly number[], dims: readonly number[]): OnnxTensor =>
  tensorOf(BigInt64Array.from(values, int64), dims);

const LARGEST = 2n ** 63n - 1n;
/** Exporters write the largest int64 for "to the end", which as a number is one more and would become the smallest. */
function int64(value: number): bigint {
  const whole = BigInt(value);
  return whole > LARGEST ? LARGEST : whole;
}

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

/** Float32 values; a view where the bytes lie on a multiple of four (in a file they need not), else a copy. */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  if (tensor.type !== 'float32') throw new TypeError(`expected float32, found ${tensor.type}`);
  const bytes = tensor.bytes();
  // Not slice(): a Buffer's is another view.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** Value to the node that computes it. */
export function producersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** Value to the nodes that read it. */
export function consumersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> {
  const consumers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  return consumers;
}

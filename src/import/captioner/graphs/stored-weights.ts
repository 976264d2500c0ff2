/** Weights that are stored in fewer bytes than they are calculated with become float32 when a graph is opened, not in every run. */
import {
  type Attribute,
  elementsOf,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  tensorOf,
  type ValueInfo,
} from '../../../onnx/graph.ts';
import { DATA_TYPES } from '../../../onnx/schema.ts';
import { MAX_CONTENT } from './facts/fact.ts';

/**
 * float16 only as a way to store weights: everything is calculated in float32. Processors have hardly any operators in float16
 * (onnxruntime puts a cast before and behind each of them), and onnxruntime-node takes no tensors of it.
 */
export function withoutHalves(model: OnnxModel): OnnxModel {
  return { ...model, ...graphWithoutHalves(model) };
}

/** Operators that only say otherwise how weights lie. */
const MOVING = new Set(['Transpose', 'Identity', 'Reshape']);

/**
 * onnxruntime folds these three operators when it opens a graph, and `DequantizeLinear` never: 13 ms in every step for the
 * 50,257 words of GPT-2.
 */
export function withoutDequantizedConstants(model: OnnxModel): OnnxModel {
  const constant = new Set(model.constants.keys());
  const nodes = model.nodes.flatMap((node) => {
    if (MOVING.has(node.op) && node.inputs.every((value) => constant.has(value))) {
      for (const output of node.outputs) constant.add(output);
    }
    const [weight, scale, zero] = node.inputs;
    const isWeight = node.op === 'DequantizeLinear' && constant.has(weight!) && constant.has(zero ?? '');
    const scales = model.constants.get(scale ?? '');
    if (!isWeight || !scales || elementsOf(scales.dims) !== 1) return [node];
    const [output] = node.outputs as [string];
    const cast = (from: string, to: string): OnnxNode => ({
      op: 'Cast',
      domain: '',
      name: to,
      inputs: [from],
      outputs: [to],
      attributes: { to: DATA_TYPES.float32 },
    });
    const plain = (op: string, inputs: string[], to: string): OnnxNode => ({
      op,
      domain: '',
      name: to,
      inputs,
      outputs: [to],
      attributes: {},
    });
    const [wide, none, centred] = ['wide', 'zero', 'centred'].map((part) => `${output}/${part}`) as [
      string,
      string,
      string,
    ];
    return [
      cast(weight!, wide),
      cast(zero!, none),
      plain('Sub', [wide, none], centred),
      plain('Mul', [centred, scale!], output),
    ];
  });
  return { ...model, nodes };
}

function graphWithoutHalves(graph: OnnxGraph): OnnxGraph {
  const constants = new Map<string, OnnxTensor>();
  const casts: OnnxNode[] = [];
  for (const [name, tensor] of graph.constants) {
    const small = elementsOf(tensor.dims) <= MAX_CONTENT;
    if (tensor.type !== 'float16' || small) {
      constants.set(name, widened(tensor));
      continue;
    }
    const stored = `${name}/half`;
    constants.set(stored, tensor);
    casts.push({
      op: 'Cast',
      domain: '',
      name: `${name}/cast`,
      inputs: [stored],
      outputs: [name],
      attributes: { to: DATA_TYPES.float32 },
    });
  }
  return {
    ...graph,
    nodes: [...casts, ...graph.nodes.map(nodeWithoutHalves)],
    constants,
    inputs: graph.inputs.map(wide),
    outputs: graph.outputs.map(wide),
  };
}

const wide = (value: ValueInfo): ValueInfo =>
  value.type === 'float16' ? { ...value, type: 'float32' } : value;

function nodeWithoutHalves(node: OnnxNode): OnnxNode {
  const attributes = Object.entries(node.attributes).map(([name, value]) => [
    name,
    node.op === 'Cast' && name === 'to' && value === DATA_TYPES.float16
      ? DATA_TYPES.float32
      : attributeWithoutHalves(value),
  ]);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

function attributeWithoutHalves(value: Attribute): Attribute {
  if (typeof value !== 'object') return value;
  if ('tensor' in value) return { tensor: widened(value.tensor) };
  if ('graph' in value) return { graph: graphWithoutHalves(value.graph) };
  return value;
}

function widened(tensor: OnnxTensor): OnnxTensor {
  if (tensor.type !== 'float16') return tensor;
  const bytes = tensor.bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from({ length: bytes.byteLength / 2 }, (_, i) =>
    halfOf(view.getUint16(2 * i, true)),
  );
  return tensorOf(values, tensor.dims);
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfOf(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

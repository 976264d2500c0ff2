/** Writes ONNX files. */
import protobuf from 'protobufjs';
import type { Attribute, OnnxGraph, OnnxModel, OnnxTensor, ValueInfo } from './graph.ts';
import {
  ATTRIBUTE,
  type AttributeMessage,
  DATA_TYPES,
  type GraphMessage,
  type Long,
  messages,
  sizeOf,
  type TensorMessage,
  type ValueMessage,
} from './schema.ts';

/** Unless the model says another: the oldest format that carries opset 21. */
const IR_VERSION = 10;
const PRODUCER = 'show-and-tell';

/** Field numbers that are written by hand, all of wire type 2 (length, then bytes). */
const FIELD = { modelGraph: 7, graphInitializer: 5, tensorRawData: 9 } as const;

/**
 * The bytes of a model's file, part by part. Small messages go through protobufjs; the weights are asked for one tensor
 * at a time and never copied.
 */
export function* modelParts(model: OnnxModel): Generator<Uint8Array> {
  const graph = messages.Graph.encode(graphMessage(model)).finish();
  const weights = [...model.constants].map(([name, tensor]) => ({ tensor, head: tensorHead(name, tensor) }));
  const graphBytes = weights.reduce((n, { head, tensor }) => n + head.length + sizeOf(tensor), graph.length);
  const opset_import = Object.entries(model.opsets).map(([domain, version]) => ({ domain, version }));
  const head = messages.Model.encode({
    ir_version: model.irVersion ?? IR_VERSION,
    producer_name: PRODUCER,
    opset_import,
  });
  yield lengthDelimited(head, FIELD.modelGraph, graphBytes).finish();
  yield graph;
  for (const { head, tensor } of weights) {
    yield head;
    yield tensor.bytes();
  }
}

/** A model's file as a whole. */
export function encodeModel(model: OnnxModel): Uint8Array {
  return Buffer.concat([...modelParts(model)]);
}

/** Everything of a graph but its weights. */
function graphMessage(model: OnnxGraph): GraphMessage {
  return {
    name: model.name,
    node: model.nodes.map((node) => ({
      input: node.inputs,
      output: node.outputs,
      name: node.name,
      op_type: node.op,
      domain: node.domain,
      attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value)),
    })),
    initializer: [],
    input: model.inputs.map(valueMessage),
    output: model.outputs.map(valueMessage),
  };
}

/** An initializer's bytes up to its data. */
function tensorHead(name: string, tensor: OnnxTensor): Uint8Array {
  const small = messages.Tensor.encode({ name, dims: tensor.dims, data_type: DATA_TYPES[tensor.type] });
  const tensorMessage = lengthDelimited(small, FIELD.tensorRawData, sizeOf(tensor)).finish();
  const field = lengthDelimited(
    protobuf.Writer.create(),
    FIELD.graphInitializer,
    tensorMessage.length + sizeOf(tensor),
  ).finish();
  return Buffer.concat([field, tensorMessage]);
}

function lengthDelimited(writer: protobuf.Writer, field: number, bytes: number): protobuf.Writer {
  return writer.uint32((field << 3) | 2).uint32(bytes);
}

function attributeMessage(name: string, value: Attribute): AttributeMessage {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return { name, type: ATTRIBUTE.int, i: longOf(value) };
  }
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: Buffer.from(value) };
  if ('strings' in value) {
    return { name, type: ATTRIBUTE.strings, strings: value.strings.map((text) => Buffer.from(text)) };
  }
  if ('floats' in value) return { name, type: ATTRIBUTE.floats, floats: value.floats };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if ('graph' in value) {
    const initializer = [...value.graph.constants].map(([name, tensor]) => ({
      name,
      ...tensorMessage(tensor),
    }));
    return { name, type: ATTRIBUTE.graph, g: { ...graphMessage(value.graph), initializer } };
  }
  if (!('tensor' in value)) return { name, type: ATTRIBUTE.ints, ints: value.map(longOf) };
  return { name, type: ATTRIBUTE.tensor, t: tensorMessage(value.tensor) };
}

/** protobufjs writes no bigints. */
function longOf(value: number | bigint): Long {
  if (typeof value === 'number') return value;
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}

function tensorMessage({ type, dims, bytes }: OnnxTensor): TensorMessage {
  return { dims: [...dims], data_type: DATA_TYPES[type], raw_data: bytes() };
}

function valueMessage({ name, type, dims }: ValueInfo): ValueMessage {
  if (type === null) return { name };
  const elem_type = DATA_TYPES[type];
  if (dims === null) return { name, type: { tensor_type: { elem_type } } };
  const dim = dims.map((d) => (typeof d === 'string' ? { dim_param: d } : { dim_value: d }));
  return { name, type: { tensor_type: { elem_type, shape: { dim } } } };
}

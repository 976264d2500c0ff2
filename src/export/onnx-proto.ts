/** ONNX's file format, read and written. One descriptor serves both. */
import protobuf from 'protobufjs';
import { ModelUnusable } from '../errors.ts';
import {
  type Attribute,
  ELEMENT_BYTES,
  type ElementType,
  elementsOf,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type ValueInfo,
} from './onnx-graph.ts';

/** The part of onnx.proto (onnx 1.16, Apache-2.0) that image captioners need; other fields are skipped. */
const SCHEMA = `
syntax = "proto2";
message Model {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional Graph graph = 7;
  repeated OperatorSet opset_import = 8;
}
message OperatorSet { optional string domain = 1; optional int64 version = 2; }
message Graph {
  repeated Node node = 1;
  optional string name = 2;
  repeated Tensor initializer = 5;
  repeated Value input = 11;
  repeated Value output = 12;
}
message Node {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated Attribute attribute = 5;
  optional string domain = 7;
}
message Attribute {
  optional string name = 1;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  optional Tensor t = 5;
  repeated int64 ints = 8;
  optional int32 type = 20;
}
message Tensor {
  repeated int64 dims = 1;
  optional int32 data_type = 2;
  repeated float float_data = 4 [packed = true];
  repeated int32 int32_data = 5 [packed = true];
  repeated int64 int64_data = 7 [packed = true];
  optional string name = 8;
  optional bytes raw_data = 9;
  optional int32 data_location = 14;
}
message Value { optional string name = 1; optional Type type = 2; }
message Type { optional TensorType tensor_type = 1; }
message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
`;

/** The messages as plain objects, 64-bit integers as numbers, lists always there. */
interface TensorMessage {
  dims: number[];
  data_type: number;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: number[];
  name?: string;
  raw_data?: Uint8Array;
  data_location?: number;
}

interface AttributeMessage {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorMessage;
  ints?: readonly number[];
}

interface NodeMessage {
  input: readonly string[];
  output: readonly string[];
  name?: string;
  op_type: string;
  attribute: AttributeMessage[];
  domain?: string;
}

interface ValueMessage {
  name: string;
  type?: {
    tensor_type?: { elem_type?: number; shape?: { dim: { dim_value?: number; dim_param?: string }[] } };
  };
}

interface GraphMessage {
  node: NodeMessage[];
  name?: string;
  initializer: TensorMessage[];
  input: ValueMessage[];
  output: ValueMessage[];
}

interface ModelMessage {
  ir_version?: number;
  producer_name?: string;
  graph?: GraphMessage;
  opset_import: { domain?: string; version?: number }[];
}

const root = protobuf.parse(SCHEMA, { keepCase: true }).root;
const messages = {
  Model: root.lookupType('Model'),
  Graph: root.lookupType('Graph'),
  Tensor: root.lookupType('Tensor'),
};

/** The oldest format that carries opset 21. */
const IR_VERSION = 10;
const PRODUCER = 'show-and-tell';

/** `TensorProto.DataType`. */
const DATA_TYPES: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};
/** `AttributeProto.AttributeType`. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 } as const;
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
  const head = messages.Model.encode({ ir_version: IR_VERSION, producer_name: PRODUCER, opset_import });
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
function graphMessage(model: OnnxModel) {
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

function sizeOf(tensor: OnnxTensor): number {
  return elementsOf(tensor.dims) * ELEMENT_BYTES[tensor.type];
}

function attributeMessage(name: string, value: Attribute): AttributeMessage {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: Buffer.from(value) };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if (!('tensor' in value)) return { name, type: ATTRIBUTE.ints, ints: value };
  const { type, dims, bytes } = value.tensor;
  const t = { dims: [...dims], data_type: DATA_TYPES[type], raw_data: bytes() };
  return { name, type: ATTRIBUTE.tensor, t };
}

function valueMessage({ name, type, dims }: ValueInfo): ValueMessage {
  const elem_type = DATA_TYPES[type];
  if (dims === null) return { name, type: { tensor_type: { elem_type } } };
  const dim = dims.map((d) => (typeof d === 'string' ? { dim_param: d } : { dim_value: d }));
  return { name, type: { tensor_type: { elem_type, shape: { dim } } } };
}

/**
 * A model from its file's bytes, of which the weights stay views.
 * @param file only for messages
 * @throws ModelUnusable: damaged, weights in other files, or of a type that no captioner uses
 */
export function decodeModel(file: string, bytes: Uint8Array): OnnxModel {
  const { graph, opset_import } = parse(file, bytes);
  if (!graph) throw unusable(file, 'an ONNX model', 'no graph');
  return {
    name: graph.name ?? '',
    nodes: graph.node.map((node) => nodeOf(file, node)),
    constants: new Map(graph.initializer.map((t) => [t.name ?? '', tensorOfMessage(file, t)])),
    inputs: graph.input.map((value) => valueInfoOf(file, value)),
    outputs: graph.output.map((value) => valueInfoOf(file, value)),
    opsets: Object.fromEntries(opset_import.map((o) => [o.domain ?? '', o.version ?? 0])),
  };
}

function parse(file: string, bytes: Uint8Array): ModelMessage {
  try {
    // A Buffer makes protobufjs hand out views; of other arrays it copies every tensor.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const message = messages.Model.decode(buffer);
    return messages.Model.toObject(message, { longs: Number, arrays: true }) as ModelMessage;
  } catch (cause) {
    throw unusable(file, 'an ONNX model', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function nodeOf(file: string, { input, output, name, op_type, domain, attribute }: NodeMessage): OnnxNode {
  const attributes = Object.fromEntries(attribute.map((a) => [a.name, attributeOf(file, a)]));
  return {
    op: op_type,
    domain: domain ?? '',
    name: name || output[0] || op_type,
    inputs: input,
    outputs: output,
    attributes,
  };
}

function attributeOf(file: string, { name, type, f, i, s, t, ints }: AttributeMessage): Attribute {
  switch (type) {
    case ATTRIBUTE.float:
      return { float: f ?? 0 };
    case ATTRIBUTE.int:
      return i ?? 0;
    case ATTRIBUTE.ints:
      return ints ?? [];
    case ATTRIBUTE.string:
      return Buffer.from(s ?? []).toString();
    case ATTRIBUTE.tensor:
      if (t) return { tensor: tensorOfMessage(file, t) };
      break;
  }
  throw unusable(file, 'attributes that are numbers, texts or tensors', `"${name}" of type ${type}`);
}

function tensorOfMessage(file: string, message: TensorMessage): OnnxTensor {
  const name = message.name ?? '';
  if (message.data_location === 1) throw unusable(file, 'weights inside the file', `"${name}" beside it`);
  const type = elementType(file, name, message.data_type);
  const bytes = dataOf(message, type);
  const tensor: OnnxTensor = { type, dims: message.dims, bytes: () => bytes };
  const expected = sizeOf(tensor);
  if (bytes.length === expected) return tensor;
  const shape = `${type} [${message.dims.join(', ')}]`;
  throw unusable(file, `${expected} bytes of data for "${name}", ${shape}`, `${bytes.length}`);
}

/** Either raw bytes or, from some writers, numbers in the list for their type. */
function dataOf(message: TensorMessage, type: ElementType): Uint8Array {
  const { raw_data, float_data = [], int32_data = [], int64_data = [] } = message;
  if (raw_data?.length) return raw_data;
  if (float_data.length) return new Uint8Array(Float32Array.from(float_data).buffer);
  if (int64_data.length) return new Uint8Array(BigInt64Array.from(int64_data, BigInt).buffer);
  if (type === 'int32') return new Uint8Array(Int32Array.from(int32_data).buffer);
  if (type === 'float16') return new Uint8Array(Uint16Array.from(int32_data).buffer);
  return Uint8Array.from(int32_data);
}

function valueInfoOf(file: string, { name, type }: ValueMessage): ValueInfo {
  const tensor = type?.tensor_type;
  const dims = tensor?.shape?.dim.map((d) => d.dim_param || (d.dim_value ?? '?')) ?? null;
  return { name, type: elementType(file, name, tensor?.elem_type ?? 0), dims };
}

function elementType(file: string, name: string, code: number): ElementType {
  const found = Object.entries(DATA_TYPES).find(([, value]) => value === code);
  if (found) return found[0] as ElementType;
  throw unusable(file, 'numbers of a known type', `"${name}" of ONNX type ${code}`);
}

function unusable(file: string, expected: string, actual: string, cause?: unknown): ModelUnusable {
  const remedy = 'Use the graph of an fp32 bundle, as it was imported or trained.';
  return new ModelUnusable({ file, expected, actual, remedy }, { cause });
}

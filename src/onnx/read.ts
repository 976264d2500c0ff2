/** Reads ONNX files. */
import { ModelUnusable } from '../errors.ts';
import type {
  Attribute,
  ElementType,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  ValueInfo,
} from './graph.ts';
import {
  ATTRIBUTE,
  type AttributeMessage,
  DATA_TYPES,
  type GraphMessage,
  type ModelMessage,
  messages,
  type NodeMessage,
  sizeOf,
  type TensorMessage,
  type ValueMessage,
} from './schema.ts';

/**
 * A model from its file's bytes, of which the weights stay views.
 * @param file only for messages
 * @throws ModelUnusable: damaged, weights in other files, or of a type that no captioner uses
 */
export function decodeModel(file: string, bytes: Uint8Array): OnnxModel {
  const { graph, opset_import } = parse(file, bytes);
  if (!graph) throw unusable(file, 'an ONNX model', 'no graph');
  return {
    ...graphOf(file, graph),
    opsets: Object.fromEntries(opset_import.map((o) => [o.domain ?? '', o.version ?? 0])),
  };
}

function graphOf(file: string, { name = '', node, initializer, input, output }: GraphMessage): OnnxGraph {
  return {
    name,
    nodes: node.map((message) => nodeOf(file, message)),
    constants: new Map(initializer.map((t) => [t.name ?? '', tensorOfMessage(file, t)])),
    inputs: input.map((value) => valueInfoOf(file, value)),
    outputs: output.map((value) => valueInfoOf(file, value)),
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

function attributeOf(file: string, { name, type, f, i, s, t, g, ints }: AttributeMessage): Attribute {
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
    case ATTRIBUTE.graph:
      if (g) return { graph: graphOf(file, g) };
      break;
  }
  throw unusable(file, 'attributes that are numbers, texts, tensors or graphs', `"${name}" of type ${type}`);
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

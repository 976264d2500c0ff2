/** Reads ONNX files. */
import { ModelUnusable } from '../errors.ts';
import {
  type Attribute,
  ELEMENT_BYTES,
  type ElementType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type ValueInfo,
} from './graph.ts';
import {
  ATTRIBUTE,
  type AttributeMessage,
  DATA_TYPES,
  type GraphMessage,
  type Long,
  type ModelMessage,
  messages,
  type NodeMessage,
  sizeOf,
  type TensorMessage,
  type ValueMessage,
} from './schema.ts';

/** Where the numbers of a tensor lie that are in no model's file. */
export interface ExternalData {
  /** A path from the model's folder, as the model says it: not to be trusted. */
  location: string;
  /** Bytes. */
  offset: number;
  length: number;
}

/** Opens what lies beside the model; the bytes are asked for when they are written. */
export type OpenExternal = (data: ExternalData) => OnnxTensor['bytes'];

/** The file, for messages, and what reads beside it. */
interface Source {
  file: string;
  openExternal: OpenExternal | undefined;
}

/**
 * A model from its file's bytes, of which the weights stay views.
 * @param file only for messages
 * @param openExternal without it weights in other files are refused
 * @throws ModelUnusable: damaged, weights in other files, or something of ONNX that is not read here
 */
export function decodeModel(file: string, bytes: Uint8Array, openExternal?: OpenExternal): OnnxModel {
  const { graph, opset_import, functions, ir_version } = parse(file, bytes);
  if (!graph) throw unusable(file, 'an ONNX model', 'no graph');
  if (functions?.length) throw unusable(file, 'operators of ONNX or onnxruntime', 'functions of its own');
  const main = graphOf({ file, openExternal }, graph);
  for (const { name, type } of [...main.inputs, ...main.outputs]) {
    if (type === null) throw unusable(file, 'numbers of a known type', `"${name}" of none`);
  }
  return {
    ...main,
    opsets: Object.fromEntries(opset_import.map((o) => [o.domain ?? '', Number(o.version ?? 0)])),
    ...(ir_version === undefined ? {} : { irVersion: Number(ir_version) }),
  };
}

function graphOf(source: Source, message: GraphMessage): OnnxGraph {
  const { name = '', node, initializer, input, output, sparse_initializer } = message;
  if (sparse_initializer?.length) throw unusable(source.file, 'dense weights', 'sparse ones');
  return {
    name,
    nodes: node.map((message) => nodeOf(source, message)),
    constants: new Map(initializer.map((t) => [t.name ?? '', tensorOfMessage(source, t)])),
    inputs: input.map((value) => valueInfoOf(source.file, value)),
    outputs: output.map((value) => valueInfoOf(source.file, value)),
  };
}

function parse(file: string, bytes: Uint8Array): ModelMessage {
  try {
    // A Buffer makes protobufjs hand out views; of other arrays it copies every tensor.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const message = messages.Model.decode(buffer);
    return messages.Model.toObject(message, { longs: BigInt, arrays: true }) as ModelMessage;
  } catch (cause) {
    throw unusable(file, 'an ONNX model', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function nodeOf(source: Source, { input, output, name, op_type, domain, attribute }: NodeMessage): OnnxNode {
  const attributes = Object.fromEntries(attribute.map((a) => [a.name, attributeOf(source, a)]));
  return {
    op: op_type,
    domain: domain ?? '',
    name: name || output[0] || op_type,
    inputs: input,
    outputs: output,
    attributes,
  };
}

function attributeOf(source: Source, message: AttributeMessage): Attribute {
  const { name, type, f, i, s, t, g, ints = [], floats = [], strings = [] } = message;
  switch (type) {
    case ATTRIBUTE.float:
      return { float: f ?? 0 };
    case ATTRIBUTE.int:
      return numberOrLarger(i ?? 0);
    case ATTRIBUTE.ints:
      return ints.every(isNumber) ? ints.map(Number) : ints.map((long) => BigInt(long as bigint));
    case ATTRIBUTE.floats:
      return { floats };
    case ATTRIBUTE.strings:
      return { strings: strings.map((text) => Buffer.from(text).toString()) };
    case ATTRIBUTE.string:
      return Buffer.from(s ?? []).toString();
    case ATTRIBUTE.tensor:
      if (t) return { tensor: tensorOfMessage(source, t) };
      break;
    case ATTRIBUTE.graph:
      if (g) return { graph: graphOf(source, g) };
      break;
  }
  throw unusable(
    source.file,
    'attributes that are numbers, texts, tensors or graphs',
    `"${name}" of type ${type}`,
  );
}

/** As a number where it is one. */
function numberOrLarger(long: Long): number | bigint {
  return isNumber(long) ? Number(long) : (long as bigint);
}

function isNumber(long: Long): boolean {
  return Number.isSafeInteger(Number(long));
}

function tensorOfMessage(source: Source, message: TensorMessage): OnnxTensor {
  const { file } = source;
  const name = message.name ?? '';
  const type = elementType(file, name, message.data_type);
  const dims = message.dims.map(Number);
  const expected = sizeOf({ type, dims });
  const mismatch = (actual: number) =>
    unusable(file, `${expected} bytes of data for "${name}", ${type} [${dims.join(', ')}]`, String(actual));
  if (message.data_location === 1) {
    const data = externalData(message);
    if (!source.openExternal) throw unusable(file, 'weights inside the file', `"${name}" beside it`);
    if (data.length !== undefined && data.length !== expected) throw mismatch(data.length);
    return { type, dims, bytes: source.openExternal({ ...data, length: expected }) };
  }
  const bytes = dataOf(message, type);
  if (bytes.length !== expected) throw mismatch(bytes.length);
  return { type, dims, bytes: () => bytes };
}

function externalData({
  external_data = [],
}: TensorMessage): Omit<ExternalData, 'length'> & { length?: number } {
  const entries = new Map(external_data.map(({ key, value }) => [key, value ?? '']));
  const length = entries.get('length');
  return {
    location: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    ...(length === undefined ? {} : { length: Number(length) }),
  };
}

/** Either raw bytes or, from some writers, numbers in the list for their type. */
function dataOf(message: TensorMessage, type: ElementType): Uint8Array {
  const { raw_data, float_data = [], int32_data = [], int64_data = [] } = message;
  const { double_data = [], uint64_data = [] } = message;
  if (raw_data?.length) return raw_data;
  if (float_data.length) return bytesOf(Float32Array.from(float_data));
  if (double_data.length) return bytesOf(Float64Array.from(double_data));
  if (int64_data.length) return bytesOf(BigInt64Array.from(int64_data as bigint[]));
  if (uint64_data.length) {
    const numbers = BigUint64Array.from(uint64_data as bigint[]);
    return type === 'uint32' ? bytesOf(Uint32Array.from(numbers, Number)) : bytesOf(numbers);
  }
  if (type === 'int32') return bytesOf(Int32Array.from(int32_data));
  if (ELEMENT_BYTES[type] === 2) return bytesOf(Uint16Array.from(int32_data));
  return Uint8Array.from(int32_data);
}

function bytesOf({ buffer }: { buffer: ArrayBuffer }): Uint8Array {
  return new Uint8Array(buffer);
}

function valueInfoOf(file: string, { name, type }: ValueMessage): ValueInfo {
  const tensor = type?.tensor_type;
  const dims = tensor?.shape?.dim.map((d) => d.dim_param || numberOf(d.dim_value)) ?? null;
  if (type === undefined) return { name, type: null, dims };
  return { name, type: elementType(file, name, tensor?.elem_type ?? 0), dims };
}

function numberOf(long: Long | undefined): number | string {
  return long === undefined ? '?' : Number(long);
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

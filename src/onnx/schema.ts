/** ONNX's file format as a descriptor, for the writer and the reader. */
import protobuf from 'protobufjs';
import { ELEMENT_BYTES, type ElementType, elementsOf, type OnnxTensor } from './graph.ts';

/** The part of onnx.proto (onnx 1.16, Apache-2.0) that image captioners need; other fields are skipped. */
const SCHEMA = `
syntax = "proto2";
message Model {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional Graph graph = 7;
  repeated OperatorSet opset_import = 8;
  repeated Unread functions = 25;
}
message Unread {}
message OperatorSet { optional string domain = 1; optional int64 version = 2; }
message Graph {
  repeated Node node = 1;
  optional string name = 2;
  repeated Tensor initializer = 5;
  repeated Value input = 11;
  repeated Value output = 12;
  repeated Unread sparse_initializer = 15;
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
  optional Graph g = 6;
  repeated float floats = 7;
  repeated int64 ints = 8;
  repeated bytes strings = 9;
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
  repeated double double_data = 10 [packed = true];
  repeated uint64 uint64_data = 11 [packed = true];
  repeated Entry external_data = 13;
  optional int32 data_location = 14;
}
message Entry { optional string key = 1; optional string value = 2; }
message Value { optional string name = 1; optional Type type = 2; }
message Type { optional TensorType tensor_type = 1; }
message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
`;

/** An integer of 64 bits: bigints are read; numbers are written, or the two halves of what is larger. */
export type Long = number | bigint | { low: number; high: number };

/** The messages as plain objects, lists always there. */
export interface TensorMessage {
  dims: Long[];
  data_type: number;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: Long[];
  double_data?: number[];
  uint64_data?: Long[];
  name?: string;
  raw_data?: Uint8Array;
  external_data?: { key?: string; value?: string }[];
  data_location?: number;
}

export interface AttributeMessage {
  name: string;
  type: number;
  f?: number;
  i?: Long;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: readonly number[];
  ints?: readonly Long[];
  strings?: readonly Uint8Array[];
}

export interface NodeMessage {
  input: readonly string[];
  output: readonly string[];
  name?: string;
  op_type: string;
  attribute: AttributeMessage[];
  domain?: string;
}

export interface ValueMessage {
  name: string;
  type?: {
    tensor_type?: { elem_type?: number; shape?: { dim: { dim_value?: Long; dim_param?: string }[] } };
  };
}

export interface GraphMessage {
  node: NodeMessage[];
  name?: string;
  initializer: TensorMessage[];
  input: ValueMessage[];
  output: ValueMessage[];
  sparse_initializer?: unknown[];
}

export interface ModelMessage {
  ir_version?: Long;
  producer_name?: string;
  graph?: GraphMessage;
  opset_import: { domain?: string; version?: Long }[];
  functions?: unknown[];
}

const root = protobuf.parse(SCHEMA, { keepCase: true }).root;
export const messages = {
  Model: root.lookupType('Model'),
  Graph: root.lookupType('Graph'),
  Tensor: root.lookupType('Tensor'),
};

/** `TensorProto.DataType`. */
export const DATA_TYPES: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};
/** `AttributeProto.AttributeType`. */
export const ATTRIBUTE = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;
/** Bytes of a tensor's numbers. */
export function sizeOf(tensor: Pick<OnnxTensor, 'type' | 'dims'>): number {
  return elementsOf(tensor.dims) * ELEMENT_BYTES[tensor.type];
}

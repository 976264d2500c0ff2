/**
 * TensorFlow's GraphDef (tensorflow/core/framework/{graph,node_def,attr_value,tensor}.proto), the part that a reader of
 * weights needs:
 *
 *   GraphDef    repeated NodeDef node = 1
 *   NodeDef     string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5
 *   AttrValue   float f = 4; bool b = 5; TensorProto tensor = 8
 *   TensorProto DataType dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4;
 *               repeated float float_val = 5 [packed]
 *
 * Nodes pass one by one through one buffer; of a constant only the place of its numbers is kept, so a file of any size
 * costs its largest node.
 */
import { damaged } from '../bytes/damaged.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import { readVarint } from '../bytes/varint.ts';
import { type Handlers, parseMessage, readBytes, readNested, tag, type WireReader } from '../bytes/wire.ts';
import { readShape, type TensorHeader } from './tensor-header.ts';

/** im2txt's inference graphs have 600 to 2,400 nodes, training graphs some 10,000. */
const MAX_NODES = 200_000;
/** A concatenation has five inputs; the save node of a training graph one for each variable. */
const MAX_INPUTS = 10_000;
/** Of all nodes together; bounds the memory that a file of nothing but inputs takes. */
const MAX_ALL_INPUTS = 2_000_000;
/** im2txt's longest has 110 bytes. */
const MAX_NAME_BYTES = 4096;
/** Nodes are read through a buffer of at least this size. */
const WINDOW_BYTES = 1 << 20;
/** A tag and a length. */
const MAX_FIELD_HEADER_BYTES = 20;

/** A constant's numbers, as places in the file. */
export interface ConstantTensor extends TensorHeader {
  /** Raw little-endian elements. */
  content: Place | null;
  /** Packed float32; fewer than the shape has: the last one repeats. */
  floats: Place | null;
}

export interface Place {
  /** Bytes from the start of the file. */
  offset: number;
  /** Bytes. */
  length: number;
}

export interface GraphNode {
  name: string;
  op: string;
  /** As written: `name`, `name:1` for another output than the first, `^name` for an order without data. */
  inputs: string[];
  /** Where the node starts in the file. */
  offset: number;
  /** Float attributes: `epsilon`. */
  numbers: ReadonlyMap<string, number>;
  /** Boolean attributes: `is_training`, `transpose_b`. */
  flags: ReadonlyMap<string, boolean>;
  /** The attribute `value` of a Const. */
  value: ConstantTensor | null;
}

/** @throws SourceDamaged */
export async function readGraph(file: SourceFile): Promise<Map<string, GraphNode>> {
  const nodes = new Map<string, GraphNode>();
  let inputs = 0;
  for await (const { offset, bytes } of nodeMessages(file)) {
    const node = readNode(file, offset, bytes);
    if (nodes.has(node.name))
      throw damaged(file.path, offset, 'nodes with different names', `two ${node.name}`);
    nodes.set(node.name, node);
    inputs += node.inputs.length;
    if (nodes.size > MAX_NODES || inputs > MAX_ALL_INPUTS) {
      throw damaged(file.path, offset, `at most ${MAX_NODES} nodes with ${MAX_ALL_INPUTS} inputs`, 'more');
    }
  }
  return nodes;
}

/** The fields number 1 of the file; `bytes` is valid until the next one. */
async function* nodeMessages(file: SourceFile): AsyncGenerator<{ offset: number; bytes: Buffer }> {
  const view = windowOn(file);
  let at = 0;
  while (at < file.size) {
    const header = await view(at, Math.min(MAX_FIELD_HEADER_BYTES, file.size - at));
    const field = readVarint(header, 0, header.length);
    const length = field && readVarint(header, field.next, header.length);
    if (!field || !length || field.value >>> 3 === 0 || field.value > 0xffff) {
      throw damaged(file.path, at, 'a field of a GraphDef', header.subarray(0, 8).toString('hex'));
    }
    const wire = field.value & 7;
    if (wire === 0) {
      at += length.next;
      continue;
    }
    if (wire !== 2) throw damaged(file.path, at, 'a field of a GraphDef', `wire type ${wire}`);
    const offset = at + length.next;
    at = offset + length.value;
    if (at > file.size) {
      throw damaged(file.path, offset, `${length.value} bytes`, `${file.size - offset} up to the end`);
    }
    if (field.value === tag.bytes(1)) yield { offset, bytes: await view(offset, length.value) };
  }
}

/** Views of a file through one buffer, which grows to the largest view. */
function windowOn(file: SourceFile): (offset: number, length: number) => Promise<Buffer> {
  let buffer = Buffer.allocUnsafeSlow(Math.min(file.size, WINDOW_BYTES));
  let start = 0;
  let filled = 0;
  return async (offset, length) => {
    if (offset < start || offset + length > start + filled) {
      if (length > buffer.length) buffer = Buffer.allocUnsafeSlow(length);
      start = offset;
      filled = Math.min(buffer.length, file.size - offset);
      await file.readInto(buffer.subarray(0, filled), offset);
    }
    return buffer.subarray(offset - start, offset - start + length);
  };
}

function readNode(file: SourceFile, offset: number, bytes: Buffer): GraphNode {
  const inputs: string[] = [];
  const numbers = new Map<string, number>();
  const flags = new Map<string, boolean>();
  const node: GraphNode = { name: '', op: '', inputs, offset, numbers, flags, value: null };
  parseMessage(file.path, offset, 'a NodeDef', bytes, (reader) => ({
    [tag.bytes(1)]: () => {
      node.name = readName(reader);
    },
    [tag.bytes(2)]: () => {
      node.op = readName(reader);
    },
    [tag.bytes(3)]: () => {
      if (inputs.length === MAX_INPUTS) throw new RangeError(`more than ${MAX_INPUTS} inputs`);
      inputs.push(readName(reader));
    },
    [tag.bytes(5)]: () => readAttribute(reader, node, numbers, flags),
  }));
  return node;
}

function readName(reader: WireReader): string {
  const at = reader.pos;
  const { length } = readBytes(reader);
  if (length > MAX_NAME_BYTES) throw new RangeError(`a name of ${length} bytes`);
  reader.pos = at;
  return reader.string();
}

/** The few attributes whose values matter; maps are messages { key = 1, value = 2 }, keys are written first. */
function readAttribute(
  reader: WireReader,
  node: GraphNode,
  numbers: Map<string, number>,
  flags: Map<string, boolean>,
): void {
  let key = '';
  const value: Handlers = {
    [tag.fixed32(4)]: () => {
      const number = reader.float();
      if (key === 'epsilon') numbers.set(key, number);
    },
    [tag.varint(5)]: () => {
      const flag = reader.bool();
      if (key === 'is_training' || key.startsWith('transpose_')) flags.set(key, flag);
    },
    [tag.bytes(8)]: () => {
      const tensor = readTensor(reader, node);
      if (key === 'value') node.value = tensor;
    },
  };
  readNested(reader, {
    [tag.bytes(1)]: () => {
      key = readName(reader);
    },
    [tag.bytes(2)]: () => readNested(reader, value),
  });
}

function readTensor(reader: WireReader, node: GraphNode): ConstantTensor {
  const tensor: ConstantTensor = { name: node.name, dtype: 0, shape: [], content: null, floats: null };
  const setFloats = (start: number, length: number): void => {
    // Serialisers write one packed run; in several pieces the last would seem to be all there is.
    if (tensor.floats) throw new RangeError('float_val in several pieces');
    tensor.floats = { offset: node.offset + start, length };
  };
  readNested(reader, {
    [tag.varint(1)]: () => {
      tensor.dtype = reader.int32();
    },
    [tag.bytes(2)]: () => {
      tensor.shape = readShape(reader);
    },
    [tag.bytes(4)]: () => {
      const { start, length } = readBytes(reader);
      tensor.content = { offset: node.offset + start, length };
    },
    [tag.bytes(5)]: () => {
      const { start, length } = readBytes(reader);
      setFloats(start, length);
    },
    [tag.fixed32(5)]: () => {
      const start = reader.pos;
      reader.fixed32();
      setFloats(start, 4);
    },
  });
  return tensor;
}

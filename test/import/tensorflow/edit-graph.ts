/** Frozen graphs, changed or written by hand. */
import protobuf from 'protobufjs';

export interface EditedNode {
  name: string;
  op: string;
  inputs: string[];
  /** The encoded fields after these: device, attributes. */
  rest: Uint8Array;
}

/** Every node goes through `edit`; null drops it, an array is written in its place. */
export function editGraph(
  graph: Uint8Array,
  edit: (node: EditedNode) => EditedNode | EditedNode[] | null,
): Buffer {
  const reader = protobuf.Reader.create(graph);
  const parts: Uint8Array[] = [];
  while (reader.pos < graph.length) {
    const start = reader.pos;
    const tag = reader.uint32();
    if (tag !== 0x0a) {
      reader.skipType(tag & 7);
      parts.push(graph.subarray(start, reader.pos));
      continue;
    }
    const edited = edit(readNode(reader.bytes()));
    for (const node of edited === null ? [] : [edited].flat()) parts.push(writeNode(node));
  }
  return Buffer.concat(parts);
}

function readNode(bytes: Uint8Array): EditedNode {
  const reader = protobuf.Reader.create(bytes);
  const node: EditedNode = { name: '', op: '', inputs: [], rest: new Uint8Array() };
  const rest: Uint8Array[] = [];
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    const tag = reader.uint32();
    if (tag === 0x0a) node.name = reader.string();
    else if (tag === 0x12) node.op = reader.string();
    else if (tag === 0x1a) node.inputs.push(reader.string());
    else {
      reader.skipType(tag & 7);
      rest.push(bytes.subarray(start, reader.pos));
    }
  }
  return { ...node, rest: Buffer.concat(rest) };
}

/** A node with its field tag, as it stands in a GraphDef. */
export function writeNode({ name, op, inputs, rest }: EditedNode): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x0a).string(name).uint32(0x12).string(op);
  for (const input of inputs) writer.uint32(0x1a).string(input);
  return protobuf.Writer.create()
    .uint32(0x0a)
    .bytes(Buffer.concat([writer.finish(), rest]))
    .finish();
}

/** The attributes of a float Const, as `EditedNode.rest`: `value { tensor { dtype 1, shape, content } }`. */
export function constantAttribute(
  shape: readonly number[],
  content: Uint8Array,
  field: 'content' | 'floats',
): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x2a).fork().uint32(0x0a).string('value');
  writer.uint32(0x12).fork().uint32(0x42).fork().uint32(0x08).int32(1).uint32(0x12).fork();
  for (const size of shape) writer.uint32(0x12).fork().uint32(0x08).int64(size).ldelim();
  writer
    .ldelim()
    .uint32(field === 'content' ? 0x22 : 0x2a)
    .bytes(content);
  return writer.ldelim().ldelim().ldelim().finish();
}

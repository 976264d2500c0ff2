/** Writes V2 checkpoints as TensorFlow's BundleWriter does: an index of names, and the tensors one behind the other. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import protobuf from 'protobufjs';
import { crc32c, maskCrc } from '../../../src/import/bytes/crc32c.ts';
import { FLOAT, INT32, INT64 } from '../../../src/import/tensorflow/tensor-header.ts';

export const DTYPES = { float32: FLOAT, int32: INT32, int64: INT64 } as const;

export interface WrittenTensor {
  name: string;
  dtype: keyof typeof DTYPES;
  shape: readonly number[];
  data: Float32Array | Int32Array | BigInt64Array;
}

/** TensorFlow cuts the index into blocks of 4 KiB; im2txt's has several. */
const BLOCK_BYTES = 4096;
/** Every so many entries a key is written whole. */
const RESTART_INTERVAL = 16;

/**
 * Writes `PREFIX.index` and `PREFIX.data-00000-of-00001` (or as many). One tensor after the other is asked for, so a
 * generator needs the memory of one.
 */
export async function writeCheckpointV2(
  prefix: string,
  tensors: Iterable<WrittenTensor>,
  shards = 1,
): Promise<void> {
  const digits = (n: number) => String(n).padStart(5, '0');
  const data = Array.from({ length: shards }, (_, shard) => ({
    stream: createWriteStream(`${prefix}.data-${digits(shard)}-of-${digits(shards)}`),
    size: 0,
  }));
  const entries: [name: string, value: Uint8Array][] = [['', header(shards)]];
  for (const tensor of tensors) {
    const bytes = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    const shard = entries.length % shards;
    const { stream, size } = data[shard]!;
    entries.push([tensor.name, entry(tensor, shard, size, bytes)]);
    if (!stream.write(bytes)) await once(stream, 'drain');
    data[shard]!.size += bytes.length;
  }
  for (const { stream } of data) {
    stream.end();
    await finished(stream);
  }
  await writeFile(`${prefix}.index`, table(entries));
}

/** BundleHeaderProto { num_shards = 1; version = 3 { producer = 1 } } */
function header(shards: number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x08).int32(shards);
  return writer.uint32(0x1a).fork().uint32(0x08).int32(1).ldelim().finish();
}

/** BundleEntryProto; fields that are 0 are left out, as proto3 does. */
function entry(
  { dtype, shape }: WrittenTensor,
  shard: number,
  offset: number,
  bytes: Uint8Array,
): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x08).int32(DTYPES[dtype]).uint32(0x12).fork();
  for (const size of shape) writer.uint32(0x12).fork().uint32(0x08).int64(size).ldelim();
  writer.ldelim();
  if (shard > 0) writer.uint32(0x18).int32(shard);
  if (offset > 0) writer.uint32(0x20).int64(offset);
  writer.uint32(0x28).int64(bytes.length);
  return writer
    .uint32(0x35)
    .fixed32(maskCrc(crc32c(bytes)))
    .finish();
}

/** A LevelDB table of these entries; sorts them. Also what a V1 checkpoint is made of. */
export function table(entries: readonly (readonly [key: string, value: Uint8Array])[]): Buffer {
  const sorted = entries
    .map(([key, value]) => [Buffer.from(key), value] as const)
    .sort(([a], [b]) => Buffer.compare(a, b));
  const parts: Buffer[] = [];
  let size = 0;
  const add = (block: Buffer): Uint8Array => {
    const trailer = Buffer.alloc(5);
    trailer.writeUInt32LE(maskCrc(crc32c(Buffer.concat([block, trailer.subarray(0, 1)]))), 1);
    const handle = protobuf.Writer.create().int64(size).int64(block.length).finish();
    parts.push(block, trailer);
    size += block.length + trailer.length;
    return handle;
  };
  const index: [Buffer, Uint8Array][] = [];
  for (const chunk of chunks(sorted)) index.push([chunk.at(-1)![0], add(block(chunk, RESTART_INTERVAL))]);
  const footer = Buffer.alloc(48);
  const handles = Buffer.concat([add(block([], 1)), add(block(index, 1))]);
  footer.set(handles);
  footer.set(Buffer.from('57fb808b247547db', 'hex'), 40);
  return Buffer.concat([...parts, footer]);
}

type Entry = readonly [key: Buffer, value: Uint8Array];

function chunks(entries: readonly Entry[]): Entry[][] {
  const found: Entry[][] = [];
  let bytes = BLOCK_BYTES;
  for (const entry of entries) {
    if (bytes >= BLOCK_BYTES) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)!.push(entry);
    bytes += entry[0].length + entry[1].length;
  }
  return found;
}

function block(entries: readonly Entry[], interval: number): Buffer {
  const parts: Uint8Array[] = [];
  const restarts: number[] = [0];
  let size = 0;
  let last: Buffer = Buffer.alloc(0);
  for (const [i, [key, value]] of entries.entries()) {
    const restart = i % interval === 0;
    if (restart && i > 0) restarts.push(size);
    let shared = 0;
    while (!restart && shared < Math.min(key.length, last.length) && key[shared] === last[shared]) shared++;
    const writer = protobuf.Writer.create()
      .uint32(shared)
      .uint32(key.length - shared)
      .uint32(value.length);
    const part = Buffer.concat([writer.finish(), key.subarray(shared), value]);
    parts.push(part);
    size += part.length;
    last = key;
  }
  const end = Buffer.alloc(4 * (restarts.length + 1));
  for (const [i, restart] of [...restarts, restarts.length].entries()) end.writeUInt32LE(restart, 4 * i);
  return Buffer.concat([...parts, end]);
}

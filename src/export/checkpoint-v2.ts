/**
 * TensorFlow's "V2" checkpoint (tensorflow/core/protobuf/tensor_bundle.proto): `PREFIX.index` is a LevelDB table,
 *
 *   key ""    BundleHeaderProto { int32 num_shards = 1; Endianness endianness = 2 (0 little) }
 *   key NAME  BundleEntryProto { DataType dtype = 1; TensorShapeProto shape = 2; int32 shard_id = 3; int64 offset = 4;
 *             int64 size = 5; fixed32 crc32c = 6 (masked, of the tensor's bytes); repeated TensorSliceProto slices = 7 }
 *
 * and the tensors lie, raw and row-major, in `PREFIX.data-00000-of-0000N` and so on.
 */
import { SourceError } from '../errors.ts';
import { type Checkpoint, type CheckpointTensors, GLOBAL_STEP } from './checkpoint.ts';
import { crc32c, hex32, maskCrc } from './crc32c.ts';
import { damaged } from './damaged.ts';
import { openSourceFile, type SourceFile } from './source-file.ts';
import { MAX_TABLE_ENTRIES, readBlock, readEntries, readTableIndex, type TableEntry } from './sstable.ts';
import { stringTensorCrc } from './string-tensor.ts';
import {
  describe,
  dtypeBytes,
  elementsOf,
  FLOAT,
  INT32,
  INT64,
  readShape,
  STRING,
  type TensorHeader,
} from './tensor-header.ts';
import { parseMessage, readBytes, readInt64, tag } from './wire.ts';

/** Savers write one shard; a saver with a shard per device writes as many as it has machines. */
const MAX_SHARDS = 1000;
/** Unwanted tensors pass through a buffer of this size. */
const CHUNK_BYTES = 1 << 20;

interface Entry extends TensorHeader {
  shard: number;
  /** Bytes from the start of the shard. */
  offset: number;
  /** Bytes. */
  size: number;
  /** Masked CRC-32C. */
  crc: number;
  sliced: boolean;
  /** Where the entry stands in the index. */
  at: number;
}

/** @param prefix without `.index`; `index` where the file is called otherwise */
export async function openCheckpointV2(prefix: string, index = `${prefix}.index`): Promise<Checkpoint> {
  const opened: SourceFile[] = [];
  try {
    const file = await openSourceFile(index);
    opened.push(file);
    const { shards, entries } = await readIndex(file);
    const data: SourceFile[] = [];
    for (let shard = 0; shard < shards; shard++) {
      const next = await openShard(prefix, shard, shards);
      opened.push(next);
      data.push(next);
    }
    checkRanges(file, entries, data);
    return {
      kind: 'checkpoint-v2',
      file: index,
      files: opened.map((f) => f.path),
      bytes: opened.reduce((sum, f) => sum + f.size, 0),
      tensors: new Map(entries.map((entry) => [entry.name, entry])),
      readAll: (wanted) => readAll(entries, data, wanted),
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(files: SourceFile[]): Promise<void> {
  for (const file of files) await file.close();
}

async function openShard(prefix: string, shard: number, shards: number): Promise<SourceFile> {
  const digits = (n: number) => String(n).padStart(5, '0');
  const path = `${prefix}.data-${digits(shard)}-of-${digits(shards)}`;
  try {
    return await openSourceFile(path);
  } catch (cause) {
    if (!(cause instanceof SourceError) || cause.code !== 'SourceUnreadable') throw cause;
    const remedy = 'A V2 checkpoint is its .index and all its .data files in one folder.';
    throw new SourceError('SourceUnreadable', { ...cause.problem, remedy }, { cause });
  }
}

async function readIndex(file: SourceFile): Promise<{ shards: number; entries: Entry[] }> {
  const entries: Entry[] = [];
  let shards: number | undefined;
  for (const handle of await readTableIndex(file)) {
    for (const entry of readEntries(file, handle, await readBlock(file, handle))) {
      if (shards === undefined) shards = readHeader(file, entry);
      else entries.push(readEntry(file, entry));
      if (entries.length > MAX_TABLE_ENTRIES) {
        throw damaged(file.path, entry.offset, `at most ${MAX_TABLE_ENTRIES} tensors`, 'more');
      }
    }
  }
  if (shards === undefined) throw damaged(file.path, 0, 'a header under the key ""', 'an empty table');
  return { shards, entries };
}

function readHeader(file: SourceFile, { key, value, offset }: TableEntry): number {
  if (key !== '') throw damaged(file.path, offset, 'a header under the key ""', `the key ${key}`);
  let shards = 0;
  let endianness = 0;
  parseMessage(file.path, offset, 'a BundleHeaderProto', value, (reader) => ({
    [tag.varint(1)]: () => {
      shards = reader.int32();
    },
    [tag.varint(2)]: () => {
      endianness = reader.int32();
    },
  }));
  if (shards < 1 || shards > MAX_SHARDS) {
    throw damaged(file.path, offset, `1 to ${MAX_SHARDS} data files`, String(shards));
  }
  if (endianness !== 0) {
    throw new SourceError('SourceUnsupported', {
      file: file.path,
      offset,
      expected: 'little-endian tensors',
      actual: 'big-endian ones',
    });
  }
  return shards;
}

function readEntry(file: SourceFile, { key, value, offset }: TableEntry): Entry {
  const entry = { name: key, dtype: 0, shape: [] as number[], shard: 0, offset: 0, size: 0, crc: 0 };
  let sliced = false;
  parseMessage(file.path, offset, `a BundleEntryProto for ${key}`, value, (reader) => ({
    [tag.varint(1)]: () => {
      entry.dtype = reader.int32();
    },
    [tag.bytes(2)]: () => {
      entry.shape = readShape(reader);
    },
    [tag.varint(3)]: () => {
      entry.shard = reader.int32();
    },
    [tag.varint(4)]: () => {
      entry.offset = readInt64(reader);
    },
    [tag.varint(5)]: () => {
      entry.size = readInt64(reader);
    },
    [tag.fixed32(6)]: () => {
      entry.crc = reader.fixed32();
    },
    [tag.bytes(7)]: () => {
      readBytes(reader);
      sliced = true;
    },
  }));
  return { ...entry, sliced, at: offset };
}

/** Everything the index says about sizes, against shapes and files, before any of it is used. */
function checkRanges(file: SourceFile, entries: Entry[], shards: SourceFile[]): void {
  let total = 0;
  for (const entry of entries) {
    const elements = elementsOf(entry.shape);
    if (elements === null) {
      throw damaged(file.path, entry.at, `a possible shape of ${entry.name}`, describe(entry));
    }
    // The parts of a partitioned variable have entries of their own.
    if (entry.sliced) continue;
    const data = shards[entry.shard];
    const bytes = dtypeBytes(entry.dtype);
    if (bytes !== null && entry.size !== elements * bytes) {
      throw damaged(
        file.path,
        entry.at,
        `${elements * bytes} bytes for ${entry.name}, ${describe(entry)}`,
        `${entry.size} bytes`,
      );
    }
    const sane = entry.offset >= 0 && entry.size >= 0 && Number.isSafeInteger(entry.offset + entry.size);
    if (!data || !sane || entry.offset + entry.size > data.size) {
      throw damaged(
        data?.path ?? file.path,
        data ? data.size : entry.at,
        `${entry.name} in data file ${entry.shard}, ${entry.size} bytes from ${entry.offset}`,
        data ? `${data.size} bytes in all` : `${shards.length} data files`,
      );
    }
    total += entry.size;
  }
  // Entries that overlap would let a small file ask for any amount of reading.
  const bytes = shards.reduce((sum, shard) => sum + shard.size, 0);
  if (total > bytes) throw damaged(file.path, 0, `tensors of at most ${bytes} bytes`, `${total} bytes`);
}

async function readAll(
  entries: Entry[],
  shards: SourceFile[],
  wanted: ReadonlySet<string>,
): Promise<CheckpointTensors> {
  const floats = new Map<string, Float32Array>();
  let globalStep: number | undefined;
  for (const entry of entries) {
    if (wanted.has(entry.name)) refuseSlices(entry, shards);
    if (entry.sliced) continue;
    const data = shards[entry.shard]!;
    if (wanted.has(entry.name) && entry.dtype === FLOAT) {
      // TensorFlow's little-endian floats are this machine's: Node runs on no big-endian one that has onnxruntime.
      const values = new Float32Array(entry.size / 4);
      const bytes = new Uint8Array(values.buffer);
      await data.readInto(bytes, entry.offset);
      verify(entry, data, crc32c(bytes));
      floats.set(entry.name, values);
    } else {
      verify(entry, data, await checksum(entry, data));
      if (entry.name === GLOBAL_STEP) globalStep = await readStep(entry, data);
    }
  }
  return globalStep === undefined ? { floats } : { floats, globalStep };
}

function refuseSlices(entry: Entry, shards: SourceFile[]): void {
  if (!entry.sliced) return;
  throw new SourceError('SourceUnsupported', {
    file: shards[0]!.path,
    expected: `${entry.name} in one piece`,
    actual: 'a partitioned variable',
    remedy: 'Restore the checkpoint in a graph without a partitioner and save it again.',
  });
}

async function checksum(entry: Entry, data: SourceFile): Promise<number> {
  if (entry.dtype === STRING)
    return stringTensorCrc(data, entry.offset, entry.size, elementsOf(entry.shape)!);
  let crc = 0;
  const chunk = new Uint8Array(Math.min(entry.size, CHUNK_BYTES));
  for (let done = 0; done < entry.size; done += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, entry.size - done));
    await data.readInto(part, entry.offset + done);
    crc = crc32c(part, crc);
  }
  return crc;
}

function verify(entry: Entry, data: SourceFile, crc: number): void {
  const computed = maskCrc(crc);
  if (computed === entry.crc) return;
  throw damaged(data.path, entry.offset, `${entry.name} with CRC32C ${hex32(entry.crc)}`, hex32(computed));
}

async function readStep(entry: Entry, data: SourceFile): Promise<number | undefined> {
  if (entry.shape.length > 0) return undefined;
  if (entry.dtype === INT32) return (await data.read(entry.offset, 4)).readInt32LE();
  if (entry.dtype === INT64) return Number((await data.read(entry.offset, 8)).readBigInt64LE());
  return undefined;
}

/**
 * TensorFlow's "V2" checkpoint (tensorflow/core/protobuf/tensor_bundle.proto): `PREFIX.index` is a LevelDB table,
 *
 *   key ""    BundleHeaderProto { int32 num_shards = 1; Endianness endianness = 2 (0 little) }
 *   key NAME  BundleEntryProto { DataType dtype = 1; TensorShapeProto shape = 2; int32 shard_id = 3; int64 offset = 4;
 *             int64 size = 5; fixed32 crc32c = 6 (masked, of the tensor's bytes); repeated TensorSliceProto slices = 7 }
 *
 * and the tensors lie, raw and row-major, in `PREFIX.data-00000-of-0000N` and so on.
 */
import { SourceError } from '../../errors.ts';
import { crc32c, hex32, maskCrc } from '../bytes/crc32c.ts';
import { damaged } from '../bytes/damaged.ts';
import { openSourceFile, type SourceFile } from '../bytes/source-file.ts';
import { type Checkpoint, type CheckpointTensors, GLOBAL_STEP } from './checkpoint.ts';
import { type BundleEntry, checkRanges, readBundleIndex } from './checkpoint-index.ts';
import { stringTensorCrc } from './string-tensor.ts';
import { elementsOf, FLOAT, INT32, INT64, STRING } from './tensor-header.ts';

/** Unwanted tensors pass through a buffer of this size. */
const CHUNK_BYTES = 1 << 20;

/** @param prefix without `.index`; `index` where the file is called otherwise */
export async function openCheckpointV2(prefix: string, index = `${prefix}.index`): Promise<Checkpoint> {
  const opened: SourceFile[] = [];
  try {
    const file = await openSourceFile(index);
    opened.push(file);
    const { shards, entries } = await readBundleIndex(file);
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

async function readAll(
  entries: BundleEntry[],
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

function refuseSlices(entry: BundleEntry, shards: SourceFile[]): void {
  if (!entry.sliced) return;
  throw new SourceError('SourceUnsupported', {
    file: shards[0]!.path,
    expected: `${entry.name} in one piece`,
    actual: 'a partitioned variable',
    remedy: 'Restore the checkpoint in a graph without a partitioner and save it again.',
  });
}

async function checksum(entry: BundleEntry, data: SourceFile): Promise<number> {
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

function verify(entry: BundleEntry, data: SourceFile, crc: number): void {
  const computed = maskCrc(crc);
  if (computed === entry.crc) return;
  throw damaged(data.path, entry.offset, `${entry.name} with CRC32C ${hex32(entry.crc)}`, hex32(computed));
}

async function readStep(entry: BundleEntry, data: SourceFile): Promise<number | undefined> {
  if (entry.shape.length > 0) return undefined;
  if (entry.dtype === INT32) return (await data.read(entry.offset, 4)).readInt32LE();
  if (entry.dtype === INT64) return Number((await data.read(entry.offset, 8)).readBigInt64LE());
  return undefined;
}

/**
 * TensorFlow's "V1" checkpoint (tensorflow/core/util/saved_tensor_slice.proto): one LevelDB table in one file,
 *
 *   key ""     SavedTensorSlices { SavedTensorSliceMeta meta = 1 }, where
 *              SavedTensorSliceMeta { repeated SavedSliceMeta tensor = 1 } and
 *              SavedSliceMeta { string name = 1; TensorShapeProto shape = 2; DataType type = 3;
 *                               repeated TensorSliceProto slice = 4 }
 *   other keys SavedTensorSlices { SavedSlice data = 2 }, where
 *              SavedSlice { string name = 1; TensorSliceProto slice = 2; TensorProto data = 3 }
 *
 * The TensorProto holds packed values only; type and shape stand in the meta entry.
 */
import { SourceError } from '../../errors.ts';
import { damaged } from '../bytes/damaged.ts';
import { openSourceFile, type SourceFile } from '../bytes/source-file.ts';
import { parseMessage, readBytes, readInt64, readNested, tag, type WireReader } from '../bytes/wire.ts';
import { type Checkpoint, type CheckpointTensors, GLOBAL_STEP } from './checkpoint.ts';
import {
  type BlockHandle,
  MAX_TABLE_ENTRIES,
  readBlock,
  readEntries,
  readTableIndex,
  type TableEntry,
} from './sstable.ts';
import { describe, elementsOf, FLOAT, readShape, type TensorHeader } from './tensor-header.ts';

interface Meta extends TensorHeader {
  /** Into how many pieces the variable was partitioned; 1 as a rule. */
  slices: number;
}

/** One piece of one tensor; numbers are views into the block. */
interface Slice {
  name: string;
  floats: Buffer | null;
  integer: number | null;
  offset: number;
}

export async function openCheckpointV1(path: string): Promise<Checkpoint> {
  const file = await openSourceFile(path);
  try {
    const blocks = await readTableIndex(file);
    const tensors = await readMeta(file, blocks);
    return {
      kind: 'checkpoint-v1',
      file: path,
      files: [path],
      bytes: file.size,
      tensors,
      readAll: (wanted) => readAll(file, blocks, tensors, wanted),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readMeta(file: SourceFile, blocks: BlockHandle[]): Promise<Map<string, Meta>> {
  const first = blocks[0];
  const entry = first && readEntries(file, first, await readBlock(file, first))[0];
  if (entry?.key !== '') throw damaged(file.path, 0, 'the list of tensors under the key ""', 'no such entry');
  const tensors = new Map<string, Meta>();
  parseMessage(file.path, entry.offset, 'a SavedTensorSliceMeta', entry.value, (reader) => ({
    [tag.bytes(1)]: () =>
      readNested(reader, {
        [tag.bytes(1)]: () => {
          if (tensors.size === MAX_TABLE_ENTRIES)
            throw new RangeError(`more than ${MAX_TABLE_ENTRIES} tensors`);
          const meta = readSliceMeta(reader);
          if (elementsOf(meta.shape) === null) {
            throw damaged(
              file.path,
              entry.offset + reader.pos,
              `a possible shape of ${meta.name}`,
              describe(meta),
            );
          }
          tensors.set(meta.name, meta);
        },
      }),
  }));
  return tensors;
}

function readSliceMeta(reader: WireReader): Meta {
  const meta = { name: '', dtype: 0, shape: [] as number[], slices: 0 };
  readNested(reader, {
    [tag.bytes(1)]: () => {
      meta.name = reader.string();
    },
    [tag.bytes(2)]: () => {
      meta.shape = readShape(reader);
    },
    [tag.varint(3)]: () => {
      meta.dtype = reader.int32();
    },
    [tag.bytes(4)]: () => {
      readBytes(reader);
      meta.slices++;
    },
  });
  return meta;
}

/** One pass over the file with one buffer as large as its largest block. */
async function readAll(
  file: SourceFile,
  blocks: BlockHandle[],
  tensors: ReadonlyMap<string, Meta>,
  wanted: ReadonlySet<string>,
): Promise<CheckpointTensors> {
  const scratch = Buffer.allocUnsafeSlow(largestBlock(file, blocks));
  const floats = new Map<string, Float32Array>();
  let globalStep: number | undefined;
  for (const handle of blocks) {
    for (const entry of readEntries(file, handle, await readBlock(file, handle, scratch))) {
      if (entry.key === '') continue;
      const slice = readSlice(file, entry);
      const meta = tensors.get(slice.name);
      if (!meta) throw damaged(file.path, entry.offset, 'a tensor of the list', `one called "${slice.name}"`);
      if (slice.name === GLOBAL_STEP && slice.integer !== null) globalStep = slice.integer;
      if (!wanted.has(slice.name) || meta.dtype !== FLOAT) continue;
      floats.set(slice.name, copyFloats(file, meta, slice));
    }
  }
  return globalStep === undefined ? { floats } : { floats, globalStep };
}

function largestBlock(file: SourceFile, blocks: BlockHandle[]): number {
  // Handles lie inside the file and do not overlap, so this is never more than the file.
  return Math.min(
    file.size,
    blocks.reduce((most, { size }) => Math.max(most, size + 5), 0),
  );
}

function readSlice(file: SourceFile, { value, offset }: TableEntry): Slice {
  const slice: Slice = { name: '', floats: null, integer: null, offset };
  const readTensor = (reader: WireReader): void =>
    readNested(reader, {
      // float_val = 5, packed: little-endian float32
      [tag.bytes(5)]: () => {
        const { start, length } = readBytes(reader);
        slice.floats = value.subarray(start, start + length);
        slice.offset = offset + start;
      },
      // int_val = 7 and int64_val = 10, packed varints; the first is all a scalar has
      [tag.bytes(7)]: () => {
        slice.integer = readFirstInteger(reader);
      },
      [tag.bytes(10)]: () => {
        slice.integer = readFirstInteger(reader);
      },
    });
  parseMessage(file.path, offset, 'a SavedSlice', value, (reader) => ({
    [tag.bytes(2)]: () =>
      readNested(reader, {
        [tag.bytes(1)]: () => {
          slice.name = reader.string();
        },
        [tag.bytes(3)]: () => readTensor(reader),
      }),
  }));
  return slice;
}

function readFirstInteger(reader: WireReader): number | null {
  const length = reader.size();
  const end = reader.pos + length;
  const integer = length === 0 ? null : readInt64(reader);
  reader.skip(end - reader.pos);
  return integer;
}

function copyFloats(file: SourceFile, meta: Meta, slice: Slice): Float32Array {
  if (meta.slices > 1) {
    throw new SourceError('SourceUnsupported', {
      file: file.path,
      offset: slice.offset,
      expected: `${meta.name} in one piece`,
      actual: `a variable partitioned into ${meta.slices}`,
      remedy: 'Restore the checkpoint in a graph without a partitioner and save it again.',
    });
  }
  const bytes = elementsOf(meta.shape)! * 4;
  if (slice.floats?.length !== bytes) {
    const actual = `${slice.floats?.length ?? 0} bytes`;
    throw damaged(file.path, slice.offset, `${bytes} bytes for ${meta.name}, ${describe(meta)}`, actual);
  }
  const values = new Float32Array(bytes / 4);
  new Uint8Array(values.buffer).set(slice.floats);
  return values;
}

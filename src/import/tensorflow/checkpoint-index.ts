/** The index of a V2 checkpoint, `PREFIX.index`; the format stands in checkpoint-v2.ts. */
import { SourceError } from '../../errors.ts';
import { damaged } from '../bytes/damaged.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import { parseMessage, readBytes, readInt64, tag } from '../bytes/wire.ts';
import { MAX_TABLE_ENTRIES, readBlock, readEntries, readTableIndex, type TableEntry } from './sstable.ts';
import { describe, dtypeBytes, elementsOf, readShape, type TensorHeader } from './tensor-header.ts';

/** Savers write one shard; a saver with a shard per device writes as many as it has machines. */
const MAX_SHARDS = 1000;

/** Where one tensor lies. */
export interface BundleEntry extends TensorHeader {
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

/** @throws SourceDamaged, SourceUnsupported */
export async function readBundleIndex(file: SourceFile): Promise<{ shards: number; entries: BundleEntry[] }> {
  const entries: BundleEntry[] = [];
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

function readEntry(file: SourceFile, { key, value, offset }: TableEntry): BundleEntry {
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
export function checkRanges(file: SourceFile, entries: BundleEntry[], shards: SourceFile[]): void {
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

/** What a file is, by its bytes. Names are not trusted: checkpoints carry any, downloads end in `.pb` and are pages. */
import { constants, gunzipSync } from 'node:zlib';
import { SourceError } from '../../errors.ts';
import { openSourceFile, type SourceFile, unreadable } from '../bytes/source-file.ts';
import { readBlock, readEntries, readTableIndex, TABLE_MAGIC } from '../tensorflow/sstable.ts';

export type FileKind =
  | 'frozen-graph'
  | 'checkpoint-v1'
  | 'checkpoint-v2-index'
  | 'tar'
  | 'tar.gz'
  | 'gzip'
  | 'zip'
  | 'empty'
  | 'other';

/** The first entry, or the end of an archive without any. */
const ZIP_STARTS = ['504b0304', '504b0506'];
const TAR_BLOCK_BYTES = 512;
const START_BYTES = TAR_BLOCK_BYTES;
/** A name, then more than a block of tar. */
const PACKED_BYTES = 16 << 10;

/** First bytes of what people try, for messages. */
const OTHERS: readonly (readonly [bytes: string, what: string])[] = [
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['\x89HDF', 'an HDF5 file (Keras)'],
  ['\x80\x02', 'a Python pickle'],
  ['\x08\x01\x12', 'a SavedModel'],
  ['\x93NUMPY', 'a NumPy array'],
  ['BZh', 'a bzip2 archive'],
  ['\xfd7zXZ', 'an xz archive'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['Rar!', 'a RAR archive'],
  ['version https://git-lfs', 'a Git LFS pointer, not the file itself (git lfs pull fetches it)'],
  ['<', 'a web page or XML'],
  ['node {', 'a GraphDef as text'],
  ['\n', 'a protocol buffer that is no GraphDef; of a `.meta` file the weights lie in the files beside it'],
  ['model_checkpoint_path', 'the `checkpoint` file that names a checkpoint'],
];

/** For messages. */
export const KINDS_READ =
  'a frozen GraphDef, a V2 checkpoint (.index), a V1 checkpoint, or a .tar, .tar.gz or .zip with one of these';

/** @throws SourceUnreadable; SourceDamaged when a table cannot tell which checkpoint it is */
export async function fileKind(path: string): Promise<FileKind> {
  const file = await openSourceFile(path);
  try {
    if (file.size === 0) return 'empty';
    const start = await file.read(0, Math.min(file.size, START_BYTES));
    if (start.subarray(0, 2).toString('hex') === '1f8b')
      return (await gzipHoldsTar(file)) ? 'tar.gz' : 'gzip';
    if (ZIP_STARTS.includes(start.toString('hex', 0, 4))) return 'zip';
    if (isTar(start)) return 'tar';
    if (await isTable(file, start)) return await checkpointKind(file);
    return isGraph(start) ? 'frozen-graph' : 'other';
  } finally {
    await file.close();
  }
}

/** The magic at the end; or, with that damaged, a first entry that shares nothing with a key before it and is "". */
async function isTable(file: SourceFile, start: Buffer): Promise<boolean> {
  if (start.length >= 3 && start[0] === 0 && start[1] === 0 && start[2] !== 0) return true;
  if (file.size < TABLE_MAGIC.length) return false;
  return (await file.read(file.size - TABLE_MAGIC.length, TABLE_MAGIC.length)).equals(TABLE_MAGIC);
}

/** Under the key "" a V1 checkpoint has a message (field 1, bytes), a V2 index a number (field 1, varint). */
async function checkpointKind(file: SourceFile): Promise<FileKind> {
  const [first] = await readTableIndex(file);
  const entry = first && readEntries(file, first, await readBlock(file, first))[0];
  if (entry?.key !== '') return 'other';
  return entry.value[0] === 0x0a ? 'checkpoint-v1' : 'checkpoint-v2-index';
}

/**
 * A GraphDef starts with a node (field 1, bytes) and that with its name (field 1, bytes). In a MetaGraphDef (`.meta`)
 * something else stands there.
 */
function isGraph(start: Buffer): boolean {
  if (start[0] !== 0x0a) return false;
  const name = start.findIndex((byte, i) => i > 0 && byte < 0x80) + 1;
  return name > 0 && start[name] === 0x0a;
}

/** Old tar files have no magic, all have a checksum: the sum of the header with eight blanks in its place. */
function isTar(block: Uint8Array): boolean {
  if (block.length < TAR_BLOCK_BYTES) return false;
  const stored = Number.parseInt(Buffer.from(block.subarray(148, 156)).toString('latin1').trim(), 8);
  let sum = 0;
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
  return sum === stored && sum > 256;
}

/** Bytes that DEFLATE makes of one, at most (zlib's technical details). */
const MOST_UNPACKED = 1032;

async function gzipHoldsTar(file: SourceFile): Promise<boolean> {
  const packed = await file.read(0, Math.min(file.size, PACKED_BYTES));
  try {
    // As far as it goes: the rest is not there.
    const finishFlush = constants.Z_SYNC_FLUSH;
    return isTar(gunzipSync(packed, { finishFlush, maxOutputLength: MOST_UNPACKED * PACKED_BYTES }));
  } catch {
    // Reading it whole will tell what is damaged.
    return false;
  }
}

/** For a file that is not read. */
export async function unsupportedFile(path: string, kind: FileKind): Promise<SourceError> {
  if (kind === 'empty') {
    const remedy = 'Fetch it again.';
    return new SourceError('SourceDamaged', {
      file: path,
      expected: KINDS_READ,
      actual: 'an empty file',
      remedy,
    });
  }
  const file = await openSourceFile(path);
  try {
    const start = await file.read(0, Math.min(file.size, 32));
    const text = start.toString('latin1');
    const known = OTHERS.find(([bytes]) => text.startsWith(bytes))?.[1];
    const actual = known ?? `bytes that start with ${start.toString('hex', 0, 8)}`;
    return new SourceError('SourceUnsupported', { file: path, offset: 0, expected: KINDS_READ, actual });
  } catch (cause) {
    return unreadable(path, cause);
  } finally {
    await file.close();
  }
}

/** Checksums of string tensors in a V2 checkpoint: im2txt needs none, but the object graph of TensorFlow 2 is one. */

import { crc32c } from '../bytes/crc32c.ts';
import { damaged } from '../bytes/damaged.ts';
import type { SourceFile } from '../bytes/source-file.ts';
import { readVarint } from '../bytes/varint.ts';

/** The object graph of a large model has a few MB. */
const MAX_STRING_TENSOR_BYTES = 64 << 20;

/**
 * The layout is: varint lengths, the masked CRC of the lengths (4 bytes), the strings. The checksum runs over the
 * lengths as uint32 (uint64 past 2^32), those 4 bytes and the strings (tensor_bundle.cc, WriteStringTensor).
 * @returns the unmasked checksum
 * @throws SourceDamaged
 */
export async function stringTensorCrc(
  data: SourceFile,
  offset: number,
  size: number,
  elements: number,
): Promise<number> {
  if (size > MAX_STRING_TENSOR_BYTES) {
    throw damaged(
      data.path,
      offset,
      `a string tensor of at most ${MAX_STRING_TENSOR_BYTES} bytes`,
      `${size}`,
    );
  }
  const bytes = await data.read(offset, size);
  const word = Buffer.alloc(4);
  let crc = 0;
  let at = 0;
  let total = 0;
  for (let i = 0; i < elements; i++) {
    const length = readVarint(bytes, at, size);
    if (!length || length.value > size)
      throw damaged(data.path, offset + at, 'the length of a string', 'none');
    word.writeUInt32LE(length.value);
    crc = crc32c(word, crc);
    at = length.next;
    total += length.value;
  }
  if (at + 4 + total !== size) {
    throw damaged(data.path, offset, `${size} bytes of strings`, `${at + 4 + total} bytes`);
  }
  return crc32c(bytes.subarray(at), crc);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../../src/import/bytes/crc32c.ts';
import type { SourceFile } from '../../../src/import/bytes/source-file.ts';
import { stringTensorCrc } from '../../../src/import/tensorflow/string-tensor.ts';
import { rejectsSource } from '../source/source-failures.ts';

const MAX_BYTES = 64 << 20;
/** Where the tensor stands in its file. */
const OFFSET = 1000;

/** A file that has these bytes at `OFFSET` and nothing else, and says what was asked of it. */
function fileWith(bytes: Uint8Array) {
  const reads: [offset: number, length: number][] = [];
  const read = async (offset: number, length: number) => {
    reads.push([offset, length]);
    return Buffer.from(bytes.subarray(0, length));
  };
  return { file: { path: 'x.data', size: OFFSET + bytes.length, read } as unknown as SourceFile, reads };
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

test('the checksum runs over the lengths as uint32, their stored checksum and the strings', async () => {
  const long = 'x'.repeat(300);
  // Lengths 2, 0 and 300 (two bytes as a varint), four bytes that nobody looks into, the strings.
  const stored = Buffer.from('abcd');
  const bytes = Buffer.concat([Buffer.from([2, 0, 0xac, 0x02]), stored, Buffer.from(`ab${long}`)]);
  const { file, reads } = fileWith(bytes);
  const expected = crc32c(
    Buffer.concat([uint32(2), uint32(0), uint32(300), stored, Buffer.from(`ab${long}`)]),
  );
  assert.equal(await stringTensorCrc(file, OFFSET, bytes.length, 3), expected);
  assert.deepEqual(reads, [[OFFSET, bytes.length]]);
});

test('a tensor of no strings is its stored checksum', async () => {
  const { file } = fileWith(Buffer.from('abcd'));
  assert.equal(await stringTensorCrc(file, OFFSET, 4, 0), crc32c(Buffer.from('abcd')));
});

const REFUSED: [
  what: string,
  bytes: number[],
  elements: number,
  offset: number,
  expected: string,
  actual: string,
][] = [
  ['a length longer than the tensor', [9, 0, 0, 0, 0, 1], 1, OFFSET, 'the length of a string', 'none'],
  ['a second length that is cut off', [1, 0x80], 2, OFFSET + 1, 'the length of a string', 'none'],
  ['strings shorter than the tensor', [1, 0, 0, 0, 0, 1, 1], 1, OFFSET, '7 bytes of strings', '6 bytes'],
  ['strings longer than the tensor', [6, 0, 0, 0, 0, 1], 1, OFFSET, '6 bytes of strings', '11 bytes'],
  ['no room for the checksum of the lengths', [0, 0], 1, OFFSET, '2 bytes of strings', '5 bytes'],
];
for (const [what, bytes, elements, offset, expected, actual] of REFUSED) {
  test(`${what}: refused where it stands`, async () => {
    const { file } = fileWith(Buffer.from(bytes));
    const problem = await rejectsSource(
      stringTensorCrc(file, OFFSET, bytes.length, elements),
      'SourceDamaged',
    );
    assert.deepEqual(
      [problem.file, problem.offset, problem.expected, problem.actual],
      ['x.data', offset, expected, actual],
    );
  });
}

test('64 MiB are read, more are refused before anything is', async () => {
  const { file, reads } = fileWith(Buffer.alloc(0));
  // Nothing is there to read, which is found at the first length.
  await rejectsSource(stringTensorCrc(file, OFFSET, MAX_BYTES, 1), 'SourceDamaged');
  assert.deepEqual(reads, [[OFFSET, MAX_BYTES]]);
  const problem = await rejectsSource(stringTensorCrc(file, OFFSET, MAX_BYTES + 1, 1), 'SourceDamaged');
  assert.equal(problem.expected, `a string tensor of at most ${MAX_BYTES} bytes`);
  assert.equal(problem.actual, `${MAX_BYTES + 1}`);
  assert.equal(reads.length, 1);
});

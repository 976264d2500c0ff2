import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import protobuf from 'protobufjs';
import type { SourceProblem } from '../../../src/errors.ts';
import { crc32c, maskCrc } from '../../../src/import/bytes/crc32c.ts';
import { openCheckpointV1 } from '../../../src/import/tensorflow/checkpoint-v1.ts';
import { readBlock, readEntries, readTableIndex } from '../../../src/import/tensorflow/sstable.ts';
import { writtenFile } from '../bytes/written-file.ts';
import { rejectsSource, temporaryDirectory } from '../source/source-failures.ts';
import { table } from './write-checkpoint.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** `PLACE: EXPECTED; ACTUAL`. */
const placed = ({ offset, expected, actual }: SourceProblem): string => `${offset}: ${expected}; ${actual}`;

describe('tables by hand', () => {
  /** A block and its trailer, a checksum that fits. */
  function sealed(block: Buffer, type = 0): Buffer {
    const trailer = Buffer.from([type, 0, 0, 0, 0]);
    trailer.writeUInt32LE(maskCrc(crc32c(Buffer.concat([block, trailer.subarray(0, 1)]))), 1);
    return Buffer.concat([block, trailer]);
  }
  const EMPTY = hex('00000000 01000000');
  const MAGIC = hex('57fb808b247547db');

  /** Entries of the index as they are given; everything else as it should be. */
  function tableOf(data: Buffer, index: Buffer, padding = hex('')): Buffer {
    const meta = sealed(EMPTY);
    const ending = sealed(Buffer.concat([index, EMPTY]));
    const handle = (offset: number, size: number) =>
      protobuf.Writer.create().int64(offset).int64(size).finish();
    const footer = Buffer.alloc(48);
    const handles = [handle(data.length, EMPTY.length), handle(data.length + meta.length, ending.length - 5)];
    footer.set(Buffer.concat([...handles, padding]));
    footer.set(MAGIC, 40);
    return Buffer.concat([data, meta, ending, footer]);
  }

  async function open(t: TestContext, bytes: Buffer) {
    const file = join(await temporaryDirectory(t), 'model.ckpt');
    await writeFile(file, bytes);
    const checkpoint = await openCheckpointV1(file);
    t.after(() => checkpoint.close());
    return checkpoint;
  }

  // Key "" and a SavedTensorSliceMeta without tensors: shared 0, unshared 0, length 2, value 0a 00.
  const block = sealed(Buffer.concat([hex('000002 0a00'), EMPTY]));
  // Key "z" and the handle (0, 13): shared 0, unshared 1, length 2.
  const index = hex('000102 7a 000d');

  test('a whole one is read', async (t) => {
    assert.equal((await open(t, tableOf(block, index))).tensors.size, 0);
    // A second block where the first ends, with a key that shares nothing, and room for no restart points at all.
    const second = sealed(hex('000103 79 616263 010100 7a 00000000'));
    const bytes = tableOf(Buffer.concat([block, second]), Buffer.concat([index, hex('000102 7b 120f')]));
    const file = await writtenFile(t, bytes);
    const blocks = await readTableIndex(file);
    assert.deepEqual(blocks, [
      { offset: 0, size: 13 },
      { offset: 18, size: 15 },
    ]);
    const [first, last] = await Promise.all(blocks.map((handle) => readBlock(file, handle)));
    assert.deepEqual(readEntries(file, blocks[0]!, first!), [{ key: '', value: hex('0a00'), offset: 3 }]);
    assert.deepEqual(readEntries(file, blocks[1]!, last!), [
      { key: 'y', value: hex('616263'), offset: 22 },
      { key: 'yz', value: hex(''), offset: 29 },
    ]);
  });

  test('a block goes through a buffer that has room for it and its trailer, else through one of its own', async (t) => {
    const file = await writtenFile(t, tableOf(block, index));
    const handle = { offset: 0, size: 13 };
    for (const [room, used] of [
      [17, false],
      [18, true],
      [30, true],
    ] as const) {
      const scratch = Buffer.alloc(room);
      assert.deepEqual(await readBlock(file, handle, scratch), block.subarray(0, 13));
      assert.equal(scratch.equals(Buffer.alloc(room)), !used, `${room} bytes`);
    }
  });

  test('keys of up to 1024 bytes, and 20,000 entries', async (t) => {
    const file = await writtenFile(t, hex('00'));
    const handle = { offset: 100, size: 0 };
    const key = Buffer.alloc(1024, 0x61);
    assert.deepEqual(
      readEntries(file, handle, Buffer.concat([hex('00800800'), key, EMPTY])).map((entry) => entry.key),
      [key.toString()],
    );
    const entries = Array.from({ length: 20_001 }, (_, i) => {
      const name = Buffer.from(String(i).padStart(5, '0'));
      return Buffer.concat([hex('000500'), name]);
    });
    const most = Buffer.concat([...entries.slice(0, -1), EMPTY]);
    assert.equal(readEntries(file, handle, most).length, 20_000);
    assert.throws(() => readEntries(file, handle, Buffer.concat([...entries, EMPTY])), {
      message: /at byte 160100: .*entry 20001 with lengths 0, 5, 0/,
    });
  });

  const LIMITS = 'at most 20000 entries of a key of 1024 bytes and a value inside the block';
  const long = (length: number) => Buffer.alloc(length, 0x61);
  /** Where, what was expected and what was found. */
  const hostile: readonly (readonly [what: string, found: string, bytes: Buffer])[] = [
    [
      'two handles for one block',
      '41: a block between bytes 18 and 56; offset 0, size 13',
      tableOf(block, Buffer.concat([index, hex('010102 7a 000d')])),
    ],
    [
      'a block beyond the end',
      '35: a block between bytes 0 and 51; offset 0, size 16383',
      tableOf(block, hex('000103 7a 00ff7f')),
    ],
    [
      'a block that reaches into the footer by one byte',
      '35: a block between bytes 0 and 50; offset 0, size 46',
      tableOf(block, hex('000102 7a 002e')),
    ],
    [
      'a handle of endless varints',
      '35: a block handle of two varints; something else',
      tableOf(block, Buffer.concat([hex('00010c 7a'), Buffer.alloc(12, 0xff)])),
    ],
    [
      'a handle of one varint',
      '35: a block handle of two varints; something else',
      tableOf(block, hex('000101 7a 00')),
    ],
    [
      'something after a handle',
      '37: nothing after a block handle; more bytes',
      tableOf(block, hex('000103 7a 000d 00')),
    ],
    [
      'something after the two handles of the footer',
      '55: zeros after the two handles; something else',
      tableOf(block, index, hex('0001')),
    ],
    [
      'an entry longer than its block',
      `31: ${LIMITS}; entry 1 with lengths 0, 1, 16383`,
      tableOf(block, hex('0001ff7f 7a 000d')),
    ],
    [
      'an entry longer than its block by one byte',
      `31: ${LIMITS}; entry 1 with lengths 0, 1, 3`,
      tableOf(block, hex('000103 7a 000d')),
    ],
    [
      'an entry with a negative length',
      `31: ${LIMITS}; entry 1 with lengths 0, 1, undefined`,
      tableOf(block, hex('0001ffffffffffffffffff01 7a 000d')),
    ],
    [
      'an entry of one byte',
      `31: ${LIMITS}; entry 1 with lengths 5, undefined, undefined`,
      tableOf(block, hex('05')),
    ],
    [
      'an entry that is no number',
      `31: ${LIMITS}; entry 1 with lengths undefined, undefined, undefined`,
      tableOf(block, hex('ff')),
    ],
    [
      'a key that shares more than there was',
      `31: ${LIMITS}; entry 1 with lengths 5, 1, 2`,
      tableOf(block, hex('050102 7a 000d')),
    ],
    [
      'keys that fall',
      '6: a key after b; a',
      tableOf(sealed(Buffer.concat([hex('000102 62 0a00 000102 61 0a00'), EMPTY])), hex('000102 7a 0014')),
    ],
    [
      'a key twice',
      '6: a key after b; b',
      tableOf(sealed(Buffer.concat([hex('000102 62 0a00 010002 0a00'), EMPTY])), hex('000102 7a 0013')),
    ],
    [
      'a key of two kilobytes',
      `0: ${LIMITS}; entry 1 with lengths 0, 2048, 0`,
      tableOf(sealed(Buffer.concat([hex('00801000'), long(2048), EMPTY])), hex('000103 7a 008c10')),
    ],
    [
      'a key of 1025 bytes, the most of them shared',
      `1028: ${LIMITS}; entry 2 with lengths 1024, 1, 0`,
      tableOf(
        sealed(Buffer.concat([hex('00800800'), long(1024), hex('80080100 61'), EMPTY])),
        hex('000103 7a 009108'),
      ),
    ],
    [
      'more restart points than bytes',
      '9: restart points inside a block of 13 bytes; 2147483647 of them',
      tableOf(sealed(hex('0000020a00 00000000 ffffff7f')), index),
    ],
    [
      'a block without room for restart points',
      '0: restart points inside a block of 3 bytes; -1 of them',
      tableOf(sealed(hex('000000')), hex('000102 7a 0003')),
    ],
    [
      'no first entry',
      '0: the list of tensors under the key ""; no such entry',
      tableOf(sealed(EMPTY), hex('000102 7a 0008')),
    ],
    [
      'another first entry',
      '0: the list of tensors under the key ""; no such entry',
      table([['a', hex('0a00')]]),
    ],
    ['no blocks at all', '0: the list of tensors under the key ""; no such entry', tableOf(hex(''), hex(''))],
    [
      'a footer and nothing else',
      '0: a block of 0 bytes with CRC32C 0x00000000; 0x49258fd2',
      Buffer.concat([Buffer.alloc(40), MAGIC]),
    ],
    ['less than a footer', '0: a footer of 48 bytes; 8 bytes in all', MAGIC],
    [
      'another magic',
      "40: LevelDB's magic 57fb808b247547db; 57fb808b247547dc",
      Buffer.concat([Buffer.alloc(40), hex('57fb808b247547dc')]),
    ],
  ];
  for (const [what, found, bytes] of hostile) {
    test(`${what}: refused`, async (t) => {
      assert.equal(placed(await rejectsSource(open(t, bytes), 'SourceDamaged')), found);
    });
  }

  test('a Snappy-compressed block is refused by name', async (t) => {
    const snappy = sealed(Buffer.concat([hex('000002 0a00'), EMPTY]), 1);
    const problem = await rejectsSource(open(t, tableOf(snappy, index)), 'SourceUnsupported');
    assert.equal(placed(problem), '13: an uncompressed block (type 0); a Snappy-compressed block');
    assert.match(problem.remedy ?? '', /TensorFlow/);
    const other = sealed(Buffer.concat([hex('000002 0a00'), EMPTY]), 2);
    assert.equal(
      placed(await rejectsSource(open(t, tableOf(other, index)), 'SourceUnsupported')),
      '13: an uncompressed block (type 0); compression type 2',
    );
  });

  test('a variable in several pieces is refused by name', async (t) => {
    // SavedSliceMeta { name "x", shape [2], type 1, two slices } and one SavedSlice of it
    const meta = hex('0a11 0a0f 0a0178 12041202 0802 1801 2200 2200');
    const slice = hex('120d 0a0178 1200 1a06 2a04 0000803f');
    const file = table([
      ['', meta],
      ['\0x', slice],
    ]);
    const checkpoint = await open(t, file);
    assert.deepEqual(checkpoint.tensors.get('x')?.shape, [2]);
    const problem = await rejectsSource(checkpoint.readAll(new Set(['x'])), 'SourceUnsupported');
    assert.deepEqual([problem.expected, problem.actual], ['x in one piece', 'a variable partitioned into 2']);
    assert.match(problem.remedy ?? '', /without a partitioner/);
  });
});

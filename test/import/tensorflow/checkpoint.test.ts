import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import protobuf from 'protobufjs';
import { crc32c, maskCrc } from '../../../src/import/bytes/crc32c.ts';
import { openCheckpointV1 } from '../../../src/import/tensorflow/checkpoint-v1.ts';
import { openCheckpointV2 } from '../../../src/import/tensorflow/checkpoint-v2.ts';
import { TINY } from '../network/formula-weights.ts';
import { rejectsSource, temporaryDirectory } from '../source/source-failures.ts';
import { table, writeCheckpointV2 } from './write-checkpoint.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test("the tests' own writer gives TensorFlow's data file and the same entries", async (t) => {
  const golden = join(TINY, 'v2/model.ckpt-1000');
  const read = await openCheckpointV2(golden);
  const headers = [...read.tensors.values()];
  const { floats } = await read.readAll(new Set(headers.map(({ name }) => name)));
  await read.close();
  const prefix = join(await temporaryDirectory(t), 'model.ckpt-1000');
  await writeCheckpointV2(
    prefix,
    headers.map(({ name, shape }) => {
      const data = floats.get(name);
      return data
        ? { name, shape, dtype: 'float32' as const, data }
        : { name, shape, dtype: 'int32' as const, data: new Int32Array([1000]) };
    }),
  );
  assert.deepEqual(
    await readFile(`${prefix}.data-00000-of-00001`),
    await readFile(`${golden}.data-00000-of-00001`),
  );
  const again = await openCheckpointV2(prefix);
  assert.deepEqual([...again.tensors.keys()], [...read.tensors.keys()]);
  await again.close();
});

describe('a V2 index by hand', () => {
  /** One float32 [1] called `x`, 1.0, in four bytes. */
  const one = hex('0000803f');
  const header = hex('0801');
  interface Fields {
    dtype?: number;
    shape?: (number | bigint)[];
    shard?: number;
    offset?: number | bigint;
    size?: number | bigint;
    crc?: number;
    slices?: boolean;
  }

  function entry({
    dtype = 1,
    shape = [1],
    shard = 0,
    offset = 0,
    size = 4,
    crc,
    slices,
  }: Fields): Uint8Array {
    const dims = shape.map((size) => message(0x12, varint(0x08, size)));
    return Buffer.concat([
      varint(0x08, dtype),
      message(0x12, ...dims),
      varint(0x18, shard),
      varint(0x20, offset),
      varint(0x28, size),
      protobuf.Writer.create()
        .uint32(0x35)
        .fixed32(crc ?? maskCrc(crc32c(one)))
        .finish(),
      slices ? message(0x3a) : hex(''),
    ]);
  }

  /** Two's complement in up to ten bytes, after a tag. */
  function varint(tag: number, value: number | bigint): Buffer {
    const bytes = [tag];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return Buffer.from([...bytes, Number(rest)]);
  }

  function message(tag: number, ...parts: Uint8Array[]): Buffer {
    const body = Buffer.concat(parts);
    return Buffer.concat([varint(tag, body.length), body]);
  }

  async function open(t: TestContext, entries: [string, Uint8Array][], data: Uint8Array = one) {
    const prefix = join(await temporaryDirectory(t), 'x');
    await writeFile(`${prefix}.index`, table(entries));
    await writeFile(`${prefix}.data-00000-of-00001`, data);
    const checkpoint = await openCheckpointV2(prefix);
    t.after(() => checkpoint.close());
    return checkpoint;
  }

  test('a whole one is read', async (t) => {
    const checkpoint = await open(t, [
      ['', header],
      ['x', entry({})],
    ]);
    const { floats } = await checkpoint.readAll(new Set(['x']));
    assert.deepEqual(floats.get('x'), Float32Array.of(1));
  });

  test('an unwanted tensor with a wrong checksum is found too', async (t) => {
    const checkpoint = await open(t, [
      ['', header],
      ['x', entry({ crc: 5 })],
    ]);
    const problem = await rejectsSource(checkpoint.readAll(new Set()), 'SourceDamaged');
    assert.match(problem.file, /data-00000-of-00001$/);
    assert.equal(problem.offset, 0);
    assert.match(problem.expected, /^x with CRC32C 0x00000005$/);
  });

  test('a partitioned variable is refused', async (t) => {
    const checkpoint = await open(t, [
      ['', header],
      ['x', entry({ slices: true, size: 0 })],
    ]);
    await rejectsSource(checkpoint.readAll(new Set(['x'])), 'SourceUnsupported');
  });

  test('string tensors have a checksum of their own', async (t) => {
    // One string "ab": its length, the masked checksum of the length as uint32, the letters.
    const lengths = crc32c(hex('02000000'));
    const masked = Buffer.alloc(4);
    masked.writeUInt32LE(maskCrc(lengths));
    const data = Buffer.concat([hex('02'), masked, Buffer.from('ab')]);
    const crc = maskCrc(crc32c(Buffer.concat([masked, Buffer.from('ab')]), lengths));
    const whole = await open(
      t,
      [
        ['', header],
        ['s', entry({ dtype: 7, shape: [], size: 7, crc })],
      ],
      data,
    );
    await whole.readAll(new Set());
    data[6] = 0x63;
    const broken = await open(
      t,
      [
        ['', header],
        ['s', entry({ dtype: 7, shape: [], size: 7, crc })],
      ],
      data,
    );
    await rejectsSource(broken.readAll(new Set()), 'SourceDamaged');
  });

  const hostile: readonly (readonly [what: string, entries: [string, Uint8Array][]])[] = [
    ['a product that overflows', [['x', entry({ shape: [2n ** 62n, 2n ** 62n] })]]],
    ['a product that wraps to the right size', [['x', entry({ shape: [2n ** 32n, 2n ** 32n, 1], size: 0 })]]],
    ['a negative dimension', [['x', entry({ shape: [-1], size: -4 })]]],
    ['a negative offset', [['x', entry({ offset: -4 })]]],
    ['an offset past the end', [['x', entry({ offset: 1 })]]],
    ['an offset past 2^53', [['x', entry({ offset: 2n ** 62n })]]],
    ['a size that the shape does not have', [['x', entry({ size: 2 })]]],
    ['a data file that is not one of them', [['x', entry({ shard: 7 })]]],
    [
      'tensors over one another',
      [
        ['x', entry({})],
        ['y', entry({})],
      ],
    ],
    ['a string tensor of no length', [['x', entry({ dtype: 7, shape: [2 ** 31], size: 4 })]]],
    ['no message at all', [['x', hex('ffffffffffffffffffffffffffffff')]]],
    [
      'a shape of ten thousand dimensions',
      [['x', Buffer.concat([hex('12a09c01'), Buffer.alloc(20_000, hex('1200'))])]],
    ],
  ];
  for (const [what, entries] of hostile) {
    test(`${what} is refused`, async (t) => {
      const read = open(t, [['', header], ...entries]).then((c) => c.readAll(new Set(['x'])));
      await rejectsSource(read, 'SourceDamaged');
    });
  }

  test('a header without data files, with a million, or of another byte order', async (t) => {
    await rejectsSource(open(t, [['', hex('0800')]]), 'SourceDamaged');
    await rejectsSource(open(t, [['', hex('08c0843d')]]), 'SourceDamaged');
    await rejectsSource(open(t, [['', hex('08011001')]]), 'SourceUnsupported');
    await rejectsSource(open(t, [['a', header]]), 'SourceDamaged');
  });
});

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
  function tableOf(data: Buffer, index: Buffer): Buffer {
    const meta = sealed(EMPTY);
    const ending = sealed(Buffer.concat([index, EMPTY]));
    const handle = (offset: number, size: number) =>
      protobuf.Writer.create().int64(offset).int64(size).finish();
    const footer = Buffer.alloc(48);
    const handles = [handle(data.length, EMPTY.length), handle(data.length + meta.length, ending.length - 5)];
    footer.set(Buffer.concat(handles));
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
  });

  const hostile: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['two handles for one block', tableOf(block, Buffer.concat([index, hex('010102 7a 000d')]))],
    ['a block beyond the end', tableOf(block, hex('000103 7a 00ff7f'))],
    [
      'a handle of endless varints',
      tableOf(block, Buffer.concat([hex('00010c 7a'), Buffer.alloc(12, 0xff)])),
    ],
    ['an entry longer than its block', tableOf(block, hex('0001ff7f 7a 000d'))],
    ['an entry with a negative length', tableOf(block, hex('0001ffffffffffffffffff01 7a 000d'))],
    ['a key that shares more than there was', tableOf(block, hex('050102 7a 000d'))],
    [
      'keys that fall',
      tableOf(sealed(Buffer.concat([hex('000102 62 0a00 000102 61 0a00'), EMPTY])), hex('000102 7a 0013')),
    ],
    [
      'a key of two kilobytes',
      tableOf(
        sealed(Buffer.concat([hex('00801000'), Buffer.alloc(2048, 0x61), EMPTY])),
        hex('000103 7a 008c10'),
      ),
    ],
    ['more restart points than bytes', tableOf(sealed(hex('0000020a00 00000000 ffffff7f')), index)],
    ['no first entry', tableOf(sealed(EMPTY), hex('000102 7a 0008'))],
    ['a footer and nothing else', Buffer.concat([Buffer.alloc(40), MAGIC])],
    ['less than a footer', MAGIC],
  ];
  for (const [what, bytes] of hostile) {
    test(`${what}: refused`, async (t) => {
      await rejectsSource(open(t, bytes), 'SourceDamaged');
    });
  }

  test('a Snappy-compressed block is refused by name', async (t) => {
    const snappy = sealed(Buffer.concat([hex('000002 0a00'), EMPTY]), 1);
    const problem = await rejectsSource(open(t, tableOf(snappy, index)), 'SourceUnsupported');
    assert.match(problem.actual, /Snappy/);
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
    await rejectsSource(checkpoint.readAll(new Set(['x'])), 'SourceUnsupported');
  });
});

import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import protobuf from 'protobufjs';
import type { SourceProblem } from '../../../src/errors.ts';
import { crc32c, maskCrc } from '../../../src/import/bytes/crc32c.ts';
import { MAX_SOURCE_BYTES } from '../../../src/import/bytes/source-file.ts';
import type { BundleEntry } from '../../../src/import/tensorflow/checkpoint-index.ts';
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

/** `PLACE: EXPECTED; ACTUAL`. */
const placed = ({ offset, expected, actual }: SourceProblem): string => `${offset}: ${expected}; ${actual}`;

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

  test('fields that are left out have the defaults of protocol buffers', async (t) => {
    const { tensors } = await open(t, [
      ['', header],
      ['x', hex('')],
    ]);
    const { at, ...said } = tensors.get('x') as BundleEntry;
    assert.ok(at > 0);
    const none = { dtype: 0, shape: [], shard: 0, offset: 0, size: 0, crc: 0, sliced: false };
    assert.deepEqual(said, { name: 'x', ...none });
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
    assert.deepEqual(await checkpoint.readAll(new Set()), { floats: new Map() });
    const problem = await rejectsSource(checkpoint.readAll(new Set(['x'])), 'SourceUnsupported');
    assert.match(problem.file, /data-00000-of-00001$/);
    assert.deepEqual([problem.expected, problem.actual], ['x in one piece', 'a partitioned variable']);
    assert.match(problem.remedy ?? '', /without a partitioner/);
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

  /** Where, what was expected and what was found. */
  const hostile: readonly (readonly [what: string, found: string, entries: [string, Uint8Array][]])[] = [
    [
      'a product that overflows',
      '9: a possible shape of x; float32 [4611686018427388000, 4611686018427388000]',
      [['x', entry({ shape: [2n ** 62n, 2n ** 62n] })]],
    ],
    [
      'a product that wraps to the right size',
      '9: a possible shape of x; float32 [4294967296, 4294967296, 1]',
      [['x', entry({ shape: [2n ** 32n, 2n ** 32n, 1], size: 0 })]],
    ],
    [
      'a negative dimension',
      '9: a possible shape of x; float32 [-1]',
      [['x', entry({ shape: [-1], size: -4 })]],
    ],
    [
      'an impossible shape of a partitioned variable',
      '9: a possible shape of x; float32 [-1]',
      [['x', entry({ shape: [-1], slices: true })]],
    ],
    [
      'a negative offset',
      '4: x in data file 0, 4 bytes from -4; 4 bytes in all',
      [['x', entry({ offset: -4 })]],
    ],
    [
      'an offset past the end',
      '4: x in data file 0, 4 bytes from 1; 4 bytes in all',
      [['x', entry({ offset: 1 })]],
    ],
    [
      'an offset past 2^53',
      '4: x in data file 0, 4 bytes from 4611686018427388000; 4 bytes in all',
      [['x', entry({ offset: 2n ** 62n })]],
    ],
    [
      'an offset that is exact and an end that is not',
      '4: x in data file 0, 9007199254740991 bytes from 1; 4 bytes in all',
      [['x', entry({ dtype: 7, offset: 1, size: 2n ** 53n - 1n })]],
    ],
    [
      'a negative size of strings',
      '4: x in data file 0, -1 bytes from 2; 4 bytes in all',
      [['x', entry({ dtype: 7, offset: 2, size: -1 })]],
    ],
    [
      'a size that the shape does not have',
      '9: 4 bytes for x, float32 [1]; 2 bytes',
      [['x', entry({ size: 2 })]],
    ],
    [
      'a data file that is not one of them',
      '9: x in data file 7, 4 bytes from 0; 1 data files',
      [['x', entry({ shard: 7 })]],
    ],
    [
      'tensors over one another',
      '0: tensors of at most 4 bytes; 8 bytes',
      [
        ['x', entry({})],
        ['y', entry({})],
      ],
    ],
    [
      'a string tensor of no length',
      '2: the length of a string; none',
      [['x', entry({ dtype: 7, shape: [2 ** 31], size: 4 })]],
    ],
    [
      'no message at all',
      '14: a BundleEntryProto for x; invalid tag encoding',
      [['x', hex('ffffffffffffffffffffffffffffff')]],
    ],
    [
      'a shape of ten thousand dimensions',
      '524: a BundleEntryProto for x; more than 254 dimensions',
      [['x', Buffer.concat([hex('12a09c01'), Buffer.alloc(20_000, hex('1200'))])]],
    ],
  ];
  for (const [what, found, entries] of hostile) {
    test(`${what} is refused`, async (t) => {
      const read = open(t, [['', header], ...entries]).then((c) => c.readAll(new Set(['x'])));
      assert.equal(placed(await rejectsSource(read, 'SourceDamaged')), found);
    });
  }

  test('a header without data files, with a million, or of another byte order', async (t) => {
    const damage = async (key: string, value: Buffer) =>
      placed(await rejectsSource(open(t, [[key, value]]), 'SourceDamaged'));
    assert.equal(await damage('', hex('0800')), '3: 1 to 1000 data files; 0');
    assert.equal(await damage('', hex('08e907')), '3: 1 to 1000 data files; 1001');
    assert.equal(await damage('', hex('08ffffffffffffffffff01')), '3: 1 to 1000 data files; -1');
    assert.equal(await damage('a', header), '4: a header under the key ""; the key a');
    assert.equal(
      placed(await rejectsSource(open(t, [['', hex('08011001')]]), 'SourceUnsupported')),
      '3: little-endian tensors; big-endian ones',
    );
    assert.equal(
      placed(await rejectsSource(open(t, []), 'SourceDamaged')),
      '0: a header under the key ""; an empty table',
    );
  });

  test('a thousand data files are looked for, the first that is not there is named', async (t) => {
    const problem = await rejectsSource(open(t, [['', hex('08e807')]]), 'SourceUnreadable');
    assert.match(problem.file, /\/x\.data-00000-of-01000$/);
    assert.match(problem.actual, /^ENOENT/);
    assert.equal(problem.remedy, 'A V2 checkpoint is its .index and all its .data files in one folder.');
  });

  test('a data file that is too large is refused as such', async (t) => {
    const { file } = await rejectsSource(
      open(t, [['', hex('0801')]], Buffer.alloc(0)).then(async ({ files }) => {
        await truncate(files[1]!, MAX_SOURCE_BYTES + 1);
        return openCheckpointV2(files[0]!.replace(/\.index$/, ''));
      }),
      'SourceUnsupported',
    );
    assert.match(file, /data-00000-of-00001$/);
  });

  test('the step: a scalar integer of either size that is called so', async (t) => {
    const step = async (dtype: number, bytes: Buffer, shape: number[] = [], name = 'global_step') => {
      const value = entry({ dtype, shape, size: bytes.length, crc: maskCrc(crc32c(bytes)) });
      const checkpoint = await open(
        t,
        [
          ['', header],
          [name, value],
        ],
        bytes,
      );
      return checkpoint.readAll(new Set([name]));
    };
    const floats = new Map();
    const int32 = hex('d20400ff');
    const int64 = hex('d204000001000000');
    assert.deepEqual(await step(3, int32), { floats, globalStep: 1234 - 2 ** 24 });
    assert.deepEqual(await step(9, int64), { floats, globalStep: 2 ** 32 + 1234 });
    assert.deepEqual(await step(3, int32, [], 'local_step'), { floats });
    assert.deepEqual(await step(3, int32, [1]), { floats });
    assert.deepEqual(await step(22, int32), { floats });
  });

  test('a tensor that is not wanted is verified piece by piece, to its last byte', async (t) => {
    const data = Buffer.alloc((2 << 20) + 4, 3);
    const crc = maskCrc(crc32c(data));
    const entries: [string, Uint8Array][] = [
      ['', header],
      ['x', entry({ shape: [data.length / 4], size: data.length, crc })],
    ];
    assert.deepEqual(await (await open(t, entries, data)).readAll(new Set()), { floats: new Map() });
    data[data.length - 1] = 4;
    const broken = await open(t, entries, data);
    await rejectsSource(broken.readAll(new Set()), 'SourceDamaged');
  });

  test('more than 20,000 tensors', async (t) => {
    const value = entry({ shape: [0], size: 0, crc: maskCrc(0) });
    const names = Array.from({ length: 20_001 }, (_, i) => `t${i}`);
    const all = names.map((name): [string, Uint8Array] => [name, value]);
    const most = await open(t, [['', header], ...all.slice(0, -1)]);
    assert.equal(most.tensors.size, 20_000);
    const problem = await rejectsSource(open(t, [['', header], ...all]), 'SourceDamaged');
    assert.deepEqual([problem.expected, problem.actual], ['at most 20000 tensors', 'more']);
  });
});

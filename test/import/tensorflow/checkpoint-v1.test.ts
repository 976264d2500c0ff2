import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import protobuf from 'protobufjs';
import { openCheckpointV1 } from '../../../src/import/tensorflow/checkpoint-v1.ts';
import { rejectsSource, temporaryDirectory } from '../source/source-failures.ts';
import { table } from './write-checkpoint.ts';

interface Variable {
  name: string;
  dtype: number;
  shape: readonly number[];
}

/** The entry under "": SavedTensorSlices { SavedTensorSliceMeta }, each variable in one piece. */
function list(variables: readonly Variable[]): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x0a).fork();
  for (const { name, dtype, shape } of variables) {
    writer.uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).fork();
    for (const size of shape) writer.uint32(0x12).fork().uint32(0x08).int64(size).ldelim();
    writer.ldelim().uint32(0x18).int32(dtype).uint32(0x22).fork().ldelim().ldelim();
  }
  return writer.ldelim().finish();
}

/** SavedTensorSlices { SavedSlice { name, slice, data } }. @param field of the TensorProto: 5 floats, 7 and 10 integers */
function slice(name: string, field: number, packed: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create()
    .uint32(0x12)
    .fork()
    .uint32(0x0a)
    .string(name)
    .uint32(0x12)
    .fork()
    .ldelim();
  writer
    .uint32(0x1a)
    .fork()
    .uint32((field << 3) | 2)
    .bytes(packed);
  // What tells that the values of a TensorProto came to an end: a version number, which nobody reads.
  return writer.uint32(0x18).int32(1).ldelim().ldelim().finish();
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const varints = (...values: number[]) => {
  const writer = protobuf.Writer.create();
  for (const value of values) writer.int64(value);
  return writer.finish();
};

async function open(t: TestContext, entries: [string, Uint8Array][]) {
  const path = join(await temporaryDirectory(t), 'model.ckpt-7');
  const bytes = table(entries);
  await writeFile(path, bytes);
  const checkpoint = await openCheckpointV1(path);
  t.after(() => checkpoint.close());
  return { path, size: bytes.length, checkpoint };
}

const X: Variable = { name: 'x', dtype: 1, shape: [2, 1] };
const Y: Variable = { name: 'y', dtype: 1, shape: [1] };
const STEP: Variable = { name: 'global_step', dtype: 9, shape: [] };

test('what is in it, the tensors that are wanted, and the step', async (t) => {
  const { path, size, checkpoint } = await open(t, [
    ['', list([X, Y, STEP])],
    ['a', slice('x', 5, floats(1, 2))],
    ['b', slice('y', 5, floats(3))],
    ['c', slice('global_step', 10, varints(2 ** 40 + 7))],
  ]);
  const { readAll, close, tensors, ...about } = checkpoint;
  assert.deepEqual(about, { kind: 'checkpoint-v1', file: path, files: [path], bytes: size });
  assert.deepEqual(
    [...tensors],
    [X, Y, STEP].map((variable) => [variable.name, { ...variable, slices: 1 }]),
  );
  assert.deepEqual(await readAll(new Set(['x', 'global_step'])), {
    floats: new Map([['x', Float32Array.of(1, 2)]]),
    globalStep: 2 ** 40 + 7,
  });
});

test('a step of 32 bits; none where its numbers are missing, or others are called otherwise', async (t) => {
  const step = async (name: string, field: number, packed: Uint8Array) => {
    const entries: [string, Uint8Array][] = [
      ['', list([{ ...STEP, name }])],
      ['a', slice(name, field, packed)],
    ];
    return (await open(t, entries)).checkpoint.readAll(new Set());
  };
  const none = { floats: new Map() };
  assert.deepEqual(await step('global_step', 7, varints(7)), { ...none, globalStep: 7 });
  assert.deepEqual(await step('global_step', 7, varints(7, 8)), { ...none, globalStep: 7 });
  assert.deepEqual(await step('global_step', 7, varints()), none);
  assert.deepEqual(await step('global_step', 5, floats(7)), none);
  assert.deepEqual(await step('local_step', 7, varints(7)), none);
});

const DAMAGED: [what: string, entries: [string, Uint8Array][], expected: string, actual: string][] = [
  [
    'a tensor that is not in the list',
    [
      ['', list([Y])],
      ['a', slice('x', 5, floats(1, 2))],
    ],
    'a tensor of the list',
    'one called "x"',
  ],
  [
    'a tensor without a name',
    [
      ['', list([Y])],
      ['a', Buffer.from('1200', 'hex')],
    ],
    'a tensor of the list',
    'one called ""',
  ],
  [
    'too few numbers',
    [
      ['', list([X])],
      ['a', slice('x', 5, floats(1))],
    ],
    '8 bytes for x, float32 [2, 1]',
    '4 bytes',
  ],
  [
    'too many',
    [
      ['', list([X])],
      ['a', slice('x', 5, floats(1, 2, 3))],
    ],
    '8 bytes for x, float32 [2, 1]',
    '12 bytes',
  ],
  [
    'no numbers',
    [
      ['', list([X])],
      ['a', slice('x', 7, varints(1))],
    ],
    '8 bytes for x, float32 [2, 1]',
    '0 bytes',
  ],
  [
    'no message',
    [
      ['', list([X])],
      ['a', Buffer.from([0x0e])],
    ],
    'a SavedSlice',
    'invalid wire type 6 at offset 1',
  ],
  ['an impossible shape', [['', list([{ ...X, shape: [-1] }])]], 'a possible shape of x', 'float32 [-1]'],
  [
    'a list that is no message',
    [['', Buffer.from([0x0e])]],
    'a SavedTensorSliceMeta',
    'invalid wire type 6 at offset 1',
  ],
];
for (const [what, entries, expected, actual] of DAMAGED) {
  test(`damaged: ${what}`, async (t) => {
    const read = open(t, entries).then(({ checkpoint }) => checkpoint.readAll(new Set(['x'])));
    const problem = await rejectsSource(read, 'SourceDamaged');
    assert.deepEqual([problem.expected, problem.actual], [expected, actual]);
    assert.ok(problem.offset! > 0);
  });
}

test('tensors of another type are left to who wants them, and are no error', async (t) => {
  const { checkpoint } = await open(t, [
    ['', list([{ ...X, dtype: 3 }])],
    ['a', slice('x', 7, varints(1, 2))],
  ]);
  assert.deepEqual(await checkpoint.readAll(new Set(['x'])), { floats: new Map() });
});

test('fields that are left out have the defaults of protocol buffers', async (t) => {
  const { checkpoint } = await open(t, [
    ['', Buffer.from('0a020a00', 'hex')], // a list of one tensor of which nothing is said
    ['a', Buffer.from('1200', 'hex')], // a slice of which nothing is said
  ]);
  assert.deepEqual([...checkpoint.tensors], [['', { name: '', dtype: 0, shape: [], slices: 0 }]]);
  assert.deepEqual(await checkpoint.readAll(new Set([''])), { floats: new Map() });
});

test('20,000 tensors, not one more', async (t) => {
  const many = Array.from({ length: 20_001 }, (_, i) => ({ ...Y, name: `t${i}` }));
  const { checkpoint } = await open(t, [['', list(many.slice(0, -1))]]);
  assert.equal(checkpoint.tensors.size, 20_000);
  const problem = await rejectsSource(open(t, [['', list(many)]]), 'SourceDamaged');
  assert.equal(problem.actual, 'more than 20000 tensors');
});

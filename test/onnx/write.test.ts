import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { GraphBuilder, integers, type OnnxModel, tensorOf } from '../../src/onnx/graph.ts';
import { decodeModel } from '../../src/onnx/read.ts';
import { encodeModel } from '../../src/onnx/write.ts';

function model(): OnnxModel {
  const g = new GraphBuilder();
  g.constant('shape', integers(0, -1, 2 ** 40));
  g.constant('weights', tensorOf(Float32Array.of(1, -0, Infinity, 1e-40), [2, 2]));
  g.constant('none', tensorOf(new Float32Array(0), [0]));
  g.constant('one', tensorOf(Uint8Array.of(200), []));
  g.node('Conv', ['image', 'weights', ''], ['a', 'b'], {
    pads: [0, 1, -1, 2],
    group: -3,
    auto_pad: 'NOTSET',
    alpha: { float: 0.5 },
    value: { tensor: tensorOf(Int8Array.of(-7)) },
  });
  return g.model(
    'unit',
    [{ name: 'image', type: 'float32', dims: ['N', 299, 3] }],
    [{ name: 'a', type: 'int64', dims: null }],
  );
}

/** With the tensors' functions called, so that `deepEqual` sees numbers. */
function plain({ constants, nodes, ...rest }: OnnxModel) {
  const tensor = (t: { type: string; dims: readonly number[]; bytes: () => Uint8Array }) => ({
    type: t.type,
    dims: t.dims,
    bytes: [...t.bytes()],
  });
  return {
    ...rest,
    constants: Object.fromEntries([...constants].map(([name, t]) => [name, tensor(t)])),
    nodes: nodes.map((node) => ({
      ...node,
      attributes: Object.entries(node.attributes).map(([name, a]) => [
        name,
        typeof a === 'object' && 'tensor' in a ? tensor(a.tensor) : a,
      ]),
    })),
  };
}

test('what is written is read again', () => {
  assert.deepEqual(plain(decodeModel('unit', encodeModel(model()))), { ...plain(model()), irVersion: 10 });
});

test('what other exporters store comes through unchanged', () => {
  const g = new GraphBuilder();
  const inner = new GraphBuilder();
  inner.node('Identity', ['outer'], 'inside', { scales: { floats: [1, 2.5] } });
  const value = { name: 'inside', type: null, dims: null };
  g.node('If', ['c'], ['out'], { then_branch: { graph: inner.graph('then', [], [value]) } });
  g.node('Slice', ['x'], 'end', {
    ends: [9223372036854775807n, -9223372036854775808n],
    last: -9007199254740995n,
    notes: { strings: ['a', 'ä'] },
  });
  const given = { ...g.model('other', [], []), opsets: { '': 11, 'com.microsoft': 1 }, irVersion: 6 };
  const plainly = JSON.stringify(decodeModel('unit', encodeModel(given)), (_, v) =>
    typeof v === 'bigint' ? `${v}n` : v,
  );
  assert.equal(
    plainly,
    JSON.stringify(given, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)),
  );
});

test('the largest numbers of 64 bits stay what they are, also as constants', () => {
  const long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
  const tensor = decodeModel('unit', withTensor([0x08, 1, 0x10, 7, 0x3a, 9, ...long])).constants.get('')!;
  assert.deepEqual([...tensor.bytes()], [...new Array(7).fill(255), 127]);
});

test('weights beside the file are asked for when they are read', () => {
  const entry = (key: string, value: string) => fields([13, fields([1, key], [2, value])]);
  const place = [...entry('location', 'a.data'), ...entry('offset', '8'), ...entry('length', '4')];
  const asked: unknown[] = [];
  const file = withTensor([...fields([1, 1], [2, 1], [8, 'x'], [14, 1]), ...place]);
  const { constants } = decodeModel('unit', file, (data) => () => {
    asked.push(data);
    return Uint8Array.of(0, 0, 128, 63);
  });
  assert.deepEqual(asked, []);
  assert.deepEqual([...constants.get('x')!.bytes()], [0, 0, 128, 63]);
  assert.deepEqual(asked, [{ location: 'a.data', offset: 8, length: 4 }]);
});

test('a model starts as the format says', () => {
  const bytes = encodeModel({
    ...model(),
    name: '',
    nodes: [],
    constants: new Map(),
    inputs: [],
    outputs: [],
  });
  const text = Buffer.from('show-and-tell');
  // ir_version 10; producer_name; opset_import of the domain "" at version 21; an empty graph but for its name.
  assert.deepEqual(
    [...bytes],
    [0x08, 10, 0x12, text.length, ...text, 0x42, 4, 0x0a, 0, 0x10, 21, 0x3a, 2, 0x12, 0],
  );
});

test('the weights are views of the file, not copies', () => {
  const bytes = encodeModel(model());
  assert.equal(decodeModel('unit', bytes).constants.get('weights')!.bytes().buffer, bytes.buffer);
});

test('numbers outside raw_data are read, as other writers store them', () => {
  const tensors: [number[], string, number[]][] = [
    [[0x08, 2, 0x10, 1, 0x22, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], 'float32', [0, 0, 128, 63, 0, 0, 0, 64]],
    [[0x08, 2, 0x10, 3, 0x2a, 3, 127, 0x80, 1], 'int8', [127, 128]],
    [[0x08, 1, 0x10, 7, 0x3a, 1, 5], 'int64', [5, 0, 0, 0, 0, 0, 0, 0]],
    [[0x08, 1, 0x10, 6, 0x2a, 1, 9], 'int32', [9, 0, 0, 0]],
    [[0x08, 1, 0x10, 10, 0x2a, 3, 0x80, 0xf8, 0], 'float16', [0, 0x3c]],
    [[0x08, 1, 0x10, 9, 0x2a, 1, 1], 'bool', [1]],
    [[0x08, 1, 0x10, 2, 0x2a, 1, 7], 'uint8', [7]],
  ];
  for (const [fields, type, expected] of tensors) {
    const found = decodeModel('unit', withTensor([...fields, 0x42, 1, 0x78])).constants.get('x')!;
    assert.equal(found.type, type);
    assert.deepEqual([...found.bytes()], expected);
  }
});

/** A file of one graph with one initializer of these bytes. */
function withTensor(tensor: readonly number[]): Uint8Array {
  const graph = protobuf.Writer.create()
    .uint32((5 << 3) | 2)
    .bytes(Uint8Array.from(tensor))
    .finish();
  return protobuf.Writer.create()
    .uint32((7 << 3) | 2)
    .bytes(graph)
    .finish();
}

const BAD: [string, Uint8Array][] = [
  ['nothing', new Uint8Array(0)],
  ['text', Buffer.from('this is not a model, it is a letter')],
  ['a truncated model', encodeModel(model()).subarray(0, -3)],
  ['less data than the shape says', withTensor([0x08, 2, 0x10, 1, 0x4a, 4, 0, 0, 0, 0])],
  ['weights in another file', withTensor([0x08, 0, 0x10, 1, 0x70, 1])],
  ['texts as weights', withTensor([0x08, 0, 0x10, 8])],
];

for (const [what, bytes] of BAD) {
  test(`${what}: refused`, () => {
    assert.throws(() => decodeModel('unit', bytes), { code: 'ModelUnusable' });
  });
}

/** Fields of a message whose lengths are below 128: number, then text or bytes. */
function fields(
  ...pairs: [field: number, value: string | readonly number[] | Uint8Array | number][]
): number[] {
  return pairs.flatMap(([field, value]) => {
    const tag = field < 16 ? [field << 3] : [((field << 3) & 127) | 128, field >> 4];
    if (typeof value === 'number') return [...tag, value];
    const bytes = typeof value === 'string' ? [...Buffer.from(value)] : [...value];
    return [(field << 3) | 2, bytes.length, ...bytes];
  });
}

test('what a file leaves out has the standard’s own value', () => {
  const attributes = [
    fields([1, 'f'], [20, 1]),
    fields([1, 'i'], [20, 2]),
    fields([1, 's'], [20, 3]),
    fields([1, 'ints'], [20, 7]),
  ];
  const node = fields([2, 'out'], [4, 'Op'], ...attributes.map((bytes): [number, number[]] => [5, bytes]));
  const bare = fields([4, 'Op']);
  const shape = fields([1, []], [1, fields([1, 3])], [1, fields([2, 'N'])]);
  const input = fields([1, 'in'], [2, fields([1, fields([1, 1], [2, shape])])]);
  const graph = fields([1, node], [1, bare], [11, input], [5, fields([1, 0], [2, 1])]);
  const model = decodeModel('unit', Uint8Array.from(fields([7, graph], [8, []])));
  assert.equal(model.name, '');
  assert.deepEqual(model.opsets, { '': 0 });
  assert.deepEqual(model.nodes, [
    {
      op: 'Op',
      domain: '',
      name: 'out',
      inputs: [],
      outputs: ['out'],
      attributes: { f: { float: 0 }, i: 0, s: '', ints: [] },
    },
    { op: 'Op', domain: '', name: 'Op', inputs: [], outputs: [], attributes: {} },
  ]);
  assert.deepEqual(model.inputs, [{ name: 'in', type: 'float32', dims: ['?', 3, 'N'] }]);
  assert.deepEqual([...model.constants.keys()], ['']);
});

test('a refusal says what was found in which file, and what to use instead', () => {
  const remedy = 'Use the graph of an fp32 bundle, as it was imported or trained.';
  const inGraph = (...graph: Parameters<typeof fields>) => Uint8Array.from(fields([7, fields(...graph)]));
  const attribute = (...given: Parameters<typeof fields>) =>
    inGraph([1, fields([4, 'Op'], [5, fields(...given)])]);
  const refused: [Uint8Array, string, string | RegExp][] = [
    [new Uint8Array(0), 'an ONNX model', 'no graph'],
    [Buffer.from('this is not a model, it is a letter'), 'an ONNX model', /./],
    [withTensor(fields([1, 0], [2, 1], [8, 'x'], [14, 1])), 'weights inside the file', '"x" beside it'],
    [inGraph([15, []]), 'dense weights', 'sparse ones'],
    [Uint8Array.from([...fields([7, []]), 0xca, 1, 0]), 'operators of ONNX', 'functions of its own'],
    [withTensor(fields([1, 0], [2, 8], [8, 'x'])), 'numbers of a known type', '"x" of ONNX type 8'],
    [
      withTensor(fields([1, 2], [1, 3], [2, 1], [8, 'x'], [9, [0, 0, 0, 0]])),
      '24 bytes of data for "x", float32 [2, 3]',
      '4',
    ],
    [attribute([1, 'a'], [20, 9]), 'attributes that are numbers, texts, tensors or graphs', '"a" of type 9'],
    [attribute([1, 'a'], [20, 5]), 'attributes that are numbers, texts, tensors or graphs', '"a" of type 5'],
    [attribute([1, 'a'], [20, 4]), 'attributes that are numbers, texts, tensors or graphs', '"a" of type 4'],
    [inGraph([11, fields([1, 'in'])]), 'numbers of a known type', '"in" of none'],
  ];
  for (const [bytes, expected, actual] of refused) {
    assert.throws(
      () => decodeModel('encoder.onnx', bytes),
      (error: { message: string; cause?: unknown }) => {
        for (const part of ['encoder.onnx', expected, remedy])
          assert.ok(error.message.includes(part), error.message);
        if (typeof actual === 'string') assert.ok(error.message.includes(actual), error.message);
        else assert.ok(error.cause instanceof Error);
        return true;
      },
    );
  }
});

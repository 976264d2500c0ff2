import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  consumersOf,
  ELEMENT_BYTES,
  elementsOf,
  floatsOf,
  GraphBuilder,
  integers,
  producersOf,
  scalar,
  tensorOf,
} from '../../src/onnx/graph.ts';

test('tensors have the type of their array, and share its bytes', () => {
  const arrays = {
    float32: Float32Array.of(1, 2),
    uint8: Uint8Array.of(1, 2),
    int8: Int8Array.of(1, 2),
    int32: Int32Array.of(1, 2),
    int64: BigInt64Array.of(1n, 2n),
  } as const;
  for (const [type, values] of Object.entries(arrays)) {
    const tensor = tensorOf(values);
    assert.deepEqual([tensor.type, tensor.dims], [type, [2]]);
    assert.equal(tensor.bytes().buffer, values.buffer);
    assert.equal(tensor.bytes().length, 2 * ELEMENT_BYTES[tensor.type]);
  }
  const part = new Float32Array(Float32Array.of(1, 2, 3).buffer, 4, 1);
  assert.deepEqual([...tensorOf(part, [1, 1]).bytes()], [0, 0, 0, 64]);
  // https://onnx.ai/onnx/repo-docs/IR.html#tensor-element-types
  assert.deepEqual(ELEMENT_BYTES, {
    float32: 4,
    uint8: 1,
    int8: 1,
    uint16: 2,
    int16: 2,
    int32: 4,
    int64: 8,
    bool: 1,
    float16: 2,
    float64: 8,
    uint32: 4,
    uint64: 8,
    bfloat16: 2,
  });
});

test('a scalar has no dimensions and one element, integers are a vector', () => {
  assert.deepEqual([scalar(2).dims, [...scalar(2).bytes()]], [[], [0, 0, 0, 64]]);
  const two = integers(1, -1);
  assert.deepEqual([two.type, two.dims], ['int64', [2]]);
  assert.deepEqual([...two.bytes()], [1, 0, 0, 0, 0, 0, 0, 0, ...new Array(8).fill(255)]);
  assert.deepEqual([[], [3], [2, 3, 4], [2, 0]].map(elementsOf), [1, 3, 24, 0]);
});

test('floats are a view where they can be, a copy where they lie askew, and nothing where they are none', () => {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setFloat32(4, 1.5, true);
  const at = (offset: number) =>
    ({ type: 'float32', dims: [1], bytes: () => bytes.subarray(offset, offset + 4) }) as const;
  assert.deepEqual(floatsOf(at(4)), Float32Array.of(1.5));
  assert.equal(floatsOf(at(4)).buffer, bytes.buffer);
  new DataView(bytes.buffer).setFloat32(5, -2.5, true);
  assert.deepEqual(floatsOf(at(5)), Float32Array.of(-2.5));
  assert.throws(() => floatsOf(integers(1)), { name: 'TypeError', message: 'expected float32, found int64' });
});

test('a graph is collected in order, each node named like its first output', () => {
  const g = new GraphBuilder();
  assert.equal(g.constant('w', scalar(1)), 'w');
  assert.equal(g.node('Split', ['x', 'w'], ['a', 'b'], { axis: 1 }), 'a');
  assert.equal(g.node('Add', ['a', 'a'], 'c'), 'c');
  const inputs = [{ name: 'x', type: 'float32', dims: [2] }] as const;
  const outputs = [{ name: 'c', type: 'float32', dims: null }] as const;
  const model = g.model('unit', inputs, outputs);
  assert.deepEqual(
    { ...model, constants: [...model.constants.keys()] },
    {
      name: 'unit',
      nodes: [
        {
          op: 'Split',
          domain: '',
          name: 'a',
          inputs: ['x', 'w'],
          outputs: ['a', 'b'],
          attributes: { axis: 1 },
        },
        { op: 'Add', domain: '', name: 'c', inputs: ['a', 'a'], outputs: ['c'], attributes: {} },
      ],
      constants: ['w'],
      inputs,
      outputs,
      opsets: { '': 21 },
    },
  );
});

test('who computes a value, and who reads it, once each', () => {
  const g = new GraphBuilder();
  g.node('Split', ['x'], ['a', 'b']);
  g.node('Mul', ['a', 'a'], 'c');
  g.node('Add', ['a', 'c'], 'd');
  const names = (nodes: readonly { name: string }[] = []) => nodes.map(({ name }) => name);
  const producers = producersOf(g.nodes);
  assert.deepEqual([...producers.keys()], ['a', 'b', 'c', 'd']);
  assert.equal(producers.get('b')!.name, 'a');
  const consumers = consumersOf(g.nodes);
  assert.deepEqual(names(consumers.get('a')), ['c', 'd']);
  assert.deepEqual(
    [names(consumers.get('x')), names(consumers.get('c')), consumers.get('d')],
    [['a'], ['d'], undefined],
  );
});

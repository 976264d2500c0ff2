import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import {
  describe as described,
  dtypeBytes,
  elementsOf,
  readShape,
} from '../../../src/import/tensorflow/tensor-header.ts';

/** As types.proto numbers them; those that a checkpoint can have and that have a size. */
const TYPES =
  '1 float32 4, 2 float64 8, 3 int32 4, 4 uint8 1, 5 int16 2, 6 int8 1, 8 complex64 8, 9 int64 8, 10 bool 1, ' +
  '11 qint8 1, 12 quint8 1, 13 qint32 4, 14 bfloat16 2, 15 qint16 2, 16 quint16 2, 17 uint16 2, 18 complex128 16, ' +
  '19 float16 2, 22 uint32 4, 23 uint64 8';

test("types are called and as large as TensorFlow's are", () => {
  const found: string[] = [];
  for (let dtype = 0; dtype < 120; dtype++) {
    const bytes = dtypeBytes(dtype);
    if (bytes !== null) found.push(`${dtype} ${described({ dtype, shape: [] }).replace(' []', '')} ${bytes}`);
  }
  assert.equal(found.join(', '), TYPES);
});

test('a tensor in a message: type and shape, of a long one the first eight dimensions', () => {
  assert.equal(described({ dtype: 7, shape: [] }), 'string []');
  assert.equal(described({ dtype: 20, shape: [0] }), 'type 20 [0]');
  assert.equal(described({ dtype: 1, shape: [1, 2, 3, 4, 5, 6, 7, 8] }), 'float32 [1, 2, 3, 4, 5, 6, 7, 8]');
  assert.equal(
    described({ dtype: 1, shape: [1, 2, 3, 4, 5, 6, 7, 8, 9] }),
    'float32 [1, 2, 3, 4, 5, 6, 7, 8, ...]',
  );
});

test('elements are the product, null where it cannot be', () => {
  assert.deepEqual([[], [3], [2, 3, 4], [0, 5], [2 ** 31], [2 ** 16, 2 ** 15]].map(elementsOf), [
    1,
    3,
    24,
    0,
    2 ** 31,
    2 ** 31,
  ]);
  assert.deepEqual(
    [[-1], [2, -3], [-2, -3], [1.5], [2 ** 53], [2 ** 31 + 1], [2 ** 16, 2 ** 16, 0]].map(elementsOf),
    [null, null, null, null, null, null, null],
  );
});

test('a shape is its dimensions in order, at most 254', () => {
  const shape = (sizes: readonly (number | null)[]) => {
    const writer = protobuf.Writer.create().fork();
    for (const size of sizes) {
      writer.uint32(0x12).fork();
      if (size !== null) writer.uint32(0x08).int64(size);
      // The name of a dimension, which nobody reads.
      writer.uint32(0x12).string('d').ldelim();
    }
    return protobuf.Reader.create(writer.ldelim().finish());
  };
  assert.deepEqual(readShape(shape([3, 1, null, -1, 2 ** 40])), [3, 1, 0, -1, 2 ** 40]);
  assert.deepEqual(readShape(shape([])), []);
  assert.equal(readShape(shape(Array(254).fill(1))).length, 254);
  assert.throws(() => readShape(shape(Array(255).fill(1))), new RangeError('more than 254 dimensions'));
});

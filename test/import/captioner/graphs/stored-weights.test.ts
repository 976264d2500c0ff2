import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession } from 'onnxruntime-node';
import {
  withoutDequantizedConstants,
  withoutHalves,
} from '../../../../src/import/captioner/graphs/stored-weights.ts';
import { GraphBuilder, type OnnxModel, scalar, tensorOf } from '../../../../src/onnx/graph.ts';
import { DATA_TYPES } from '../../../../src/onnx/schema.ts';
import { encodeModel } from '../../../../src/onnx/write.ts';

async function outputOf(model: OnnxModel): Promise<number[]> {
  const session = await InferenceSession.create(encodeModel(model));
  const { out } = await session.run({});
  return Array.from(out!.data as Float32Array);
}

/** Every number that 16 bits can be, in chunks of any size: as a constant and, cut in pieces, as attributes. */
test('half precision becomes the same numbers in float32, whether few or many', async () => {
  const bits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
  const half = (values: Uint16Array, dims: number[]) =>
    ({
      type: 'float16',
      dims,
      bytes: () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    }) as const;
  const g = new GraphBuilder();
  g.constant('all', half(bits, [bits.length]));
  const pieces = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x7c00, 0x8001, 0xc000, 0xfc00].map(
    (at) => {
      const value = { tensor: half(bits.slice(at, at + 3), [3]) };
      return g.node('Constant', [], `piece${at}`, { value });
    },
  );
  g.node('Concat', ['all', ...pieces], 'joined', { axis: 0 });
  g.node('Cast', ['joined'], 'again', { to: DATA_TYPES.float16 });
  g.node('Identity', ['again'], 'out');
  const model = withoutHalves(g.model('halves', [], [{ name: 'out', type: 'float16', dims: ['N'] }]));
  const expected = Array.from(new Float16Array(bits.buffer), Number);
  const found = await outputOf(model);
  assert.deepEqual(found.slice(0, expected.length), expected);
  assert.deepEqual(
    found.slice(expected.length),
    [0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x7c00, 0x8001, 0xc000, 0xfc00].flatMap((at) =>
      expected.slice(at, at + 3),
    ),
  );
});

test('a weight of 8 bits that is read in float32 is so when the graph is opened, to the same numbers', async () => {
  const g = new GraphBuilder();
  g.constant('weight', tensorOf(Uint8Array.of(0, 1, 100, 127, 128, 255), [2, 3]));
  g.constant('scale', scalar(0.037));
  g.constant('zero', tensorOf(Uint8Array.of(127), []));
  g.node('Transpose', ['weight'], 'turned', { perm: [1, 0] });
  g.node('DequantizeLinear', ['turned', 'scale', 'zero'], 'out');
  const model = g.model('weights', [], [{ name: 'out', type: 'float32', dims: [3, 2] }]);
  const folded = withoutDequantizedConstants(model);
  assert.ok(!folded.nodes.some(({ op }) => op === 'DequantizeLinear'));
  assert.deepEqual(await outputOf(folded), await outputOf(model));
});

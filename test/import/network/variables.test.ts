import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONVOLUTION_SCOPES } from '../../../src/import/network/inception-scopes.ts';
import { DECODER_PARTS } from '../../../src/import/network/network-shapes.ts';
import { weightsOfCheckpoint } from '../../../src/import/network/variables.ts';
import type { Checkpoint } from '../../../src/import/tensorflow/checkpoint.ts';
import { openCheckpointV1 } from '../../../src/import/tensorflow/checkpoint-v1.ts';
import type { TensorHeader } from '../../../src/import/tensorflow/tensor-header.ts';
import { rejectsSource } from '../source/source-failures.ts';
import { TINY } from './formula-weights.ts';

let golden: Checkpoint;
before(async () => {
  golden = await openCheckpointV1(join(TINY, 'v1/model.ckpt-1000'));
});
after(() => golden.close());

/** The golden checkpoint with other tensors on its list, and other numbers. */
function read(
  edit: (tensors: Map<string, TensorHeader>) => void,
  change: (floats: Map<string, Float32Array>) => void = () => undefined,
) {
  const tensors = new Map(golden.tensors);
  edit(tensors);
  return weightsOfCheckpoint({
    ...golden,
    tensors,
    readAll: async (wanted) => {
      const { floats } = await golden.readAll(wanted);
      const copy = new Map(floats);
      change(copy);
      return { floats: copy };
    },
  });
}
const nothing = () => undefined;
const [FIRST] = CONVOLUTION_SCOPES as [string];
const KERNEL = `InceptionV3/${FIRST}/weights`;

test('a tensor that is listed and not among the data is missing, whichever it is', async () => {
  for (const name of [KERNEL, `InceptionV3/${FIRST}/BatchNorm/beta`, 'logits/biases', 'seq_embedding/map']) {
    const problem = await rejectsSource(
      read(nothing, (floats) => floats.delete(name)),
      'TensorMissing',
    );
    const { shape } = golden.tensors.get(name)!;
    assert.equal(problem.expected, `a tensor ${name}, float32 [${shape.join(', ')}]`);
  }
});

test('numbers that are none are told by the tensor; those that come of a batch norm by its convolution', async () => {
  const put = (name: string, value: number) =>
    rejectsSource(
      read(nothing, (floats) => {
        const { length } = floats.get(name)!;
        floats.set(name, new Float32Array(length).fill(value));
      }),
      'SourceDamaged',
    );
  const norm = `InceptionV3/${FIRST}/BatchNorm`;
  for (const name of ['logits/biases', 'lstm/basic_lstm_cell/bias', KERNEL, `${norm}/beta`]) {
    const { expected, actual } = await put(name, Infinity);
    assert.deepEqual([expected, actual], [`finite numbers in ${name}`, 'Infinity at index 0']);
  }
  // A root of a negative number, and a sum that is too large for 32 bits.
  for (const [name, value] of [
    [`${norm}/moving_variance`, -1],
    [`${norm}/moving_mean`, -3.4e38],
  ] as const) {
    assert.equal((await put(name, value)).expected, `finite numbers in ${FIRST} with its batch norm`);
  }
});

test('what the network does not need is listed, in the order of the file', async () => {
  const extra = { name: 'b', dtype: 3, shape: [] };
  const { ignored } = await read((tensors) => tensors.set('b', extra).set('a', { ...extra, name: 'a' }));
  assert.deepEqual(ignored, ['global_step', 'b', 'a']);
});

test('a checkpoint without anything of im2txt is of another network, one with a part of it lacks the rest', async () => {
  const decoder = Object.values(DECODER_PARTS).flatMap(({ names }) => names);
  const only = (keep: (name: string) => boolean) =>
    read((tensors) => {
      for (const name of tensors.keys()) if (!keep(name)) tensors.delete(name);
      for (const name of ['x/a', 'x/b', 'x/c', 'x/d']) tensors.set(name, { name, dtype: 1, shape: [] });
    });
  const other = await rejectsSource(
    only(() => false),
    'SourceUnsupported',
  );
  assert.equal(other.expected, `im2txt's variables, such as ${KERNEL} and image_embedding/weights`);
  assert.equal(other.actual, '4 variables of another network: x/a, x/b, x/c');
  const second = `InceptionV3/${CONVOLUTION_SCOPES[1]}/weights`;
  for (const name of [...decoder.filter((part) => golden.tensors.has(part)), KERNEL, second]) {
    await rejectsSource(
      only((kept) => kept === name),
      'TensorMissing',
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BLOCKS,
  CONVOLUTION_SCOPES,
  CONVOLUTIONS,
  channelsOf,
  FEATURES,
} from '../../../src/import/network/inception-scopes.ts';
import { readNetwork } from './formula-weights.ts';

const kernels = new Map(
  readNetwork()
    .variables.filter(({ name }) => name.startsWith('InceptionV3/') && name.endsWith('/weights'))
    .map(({ name, shape }) => [name.slice('InceptionV3/'.length, -'/weights'.length), shape]),
);

test('the 94 scopes are those of the golden network', () => {
  assert.equal(CONVOLUTION_SCOPES.length, 94);
  assert.deepEqual(new Set(CONVOLUTION_SCOPES), new Set(kernels.keys()));
});

test('kernel sizes and channels follow from the table', () => {
  const outputs = new Map<string, number>();
  for (const { scope, height, width, input } of CONVOLUTIONS) {
    const shape = kernels.get(scope)!;
    assert.deepEqual(shape.slice(0, 3), [height, width, channelsOf(input, outputs)], scope);
    outputs.set(scope, shape[3]!);
  }
  assert.equal(
    channelsOf(FEATURES, outputs),
    readNetwork().variables.find((v) => v.name.startsWith('image_'))!.shape[0],
  );
});

test('blocks are made of scopes and of the block before', () => {
  for (const parts of Object.values(BLOCKS)) {
    for (const part of parts) assert.ok(part in BLOCKS || CONVOLUTION_SCOPES.includes(part), part);
  }
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { BATCH_NORM_EPSILON } from '../../src/import/network/fold-batch-norm.ts';
import { CONVOLUTION_SCOPES } from '../../src/import/network/inception-scopes.ts';
import type { FoldedConvolution, Matrix, ShowAndTellWeights } from '../../src/import/network/weights.ts';
import { readWeights } from '../../src/import/read-weights.ts';
import { formulaWeights, readNetwork, TINY } from './network/formula-weights.ts';
import { rejectsSource, temporaryDirectory } from './source/source-failures.ts';
import { type WrittenTensor, writeCheckpointV2 } from './tensorflow/write-checkpoint.ts';

const GENERATIONS = ['', '-weights-biases', '-linear-matrix'];
const EXACT = [
  ...GENERATIONS.map((generation) => `v1${generation}/model.ckpt-1000`),
  ...GENERATIONS.map((generation) => `v2${generation}/model.ckpt-1000`),
  ...['', '-arith', '-tf0.12', '-tf1.0', '-tf1.0-noidentity', '-tf1.6'].map((by) => `im2txt-tiny${by}.pb`),
];
/** TensorFlow's graph transform folds in float32: one rounding of the factor, one of the product. */
const FOLDED = ['im2txt-tiny-folded.pb', 'im2txt-tiny-tf1.6-folded.pb'];
const FOLDED_TOLERANCE = 1e-5;

const network = readNetwork();

/** The formula's variables by name; the decoder's matrices with their shapes. */
function variable(name: string): Float32Array {
  return formulaWeights(network, network.variables.find((v) => v.name === name)!);
}

function expectedConvolution(scope: string): FoldedConvolution {
  const at = `InceptionV3/${scope}`;
  const kernel = variable(`${at}/weights`);
  const [beta, mean, variance] = ['beta', 'moving_mean', 'moving_variance'].map((part) =>
    variable(`${at}/BatchNorm/${part}`),
  ) as [Float32Array, Float32Array, Float32Array];
  const factors = [...variance].map((v) => 1 / Math.sqrt(v + BATCH_NORM_EPSILON));
  return {
    shape: network.variables.find((v) => v.name === `${at}/weights`)!
      .shape as unknown as FoldedConvolution['shape'],
    kernel: kernel.map((w, i) => w * factors[i % factors.length]!),
    bias: Float32Array.from(factors, (s, i) => beta[i]! - mean[i]! * s),
  };
}

function expectedMatrix(name: string): Matrix {
  const [rows, columns] = network.variables.find((v) => v.name === name)!.shape as [number, number];
  return { rows, columns, data: variable(name) };
}

const expected: ShowAndTellWeights = {
  convolutions: new Map(CONVOLUTION_SCOPES.map((scope) => [scope, expectedConvolution(scope)])),
  imageEmbedding: expectedMatrix('image_embedding/weights'),
  wordEmbedding: expectedMatrix('seq_embedding/map'),
  lstmKernel: expectedMatrix('lstm/basic_lstm_cell/kernel'),
  lstmBias: variable('lstm/basic_lstm_cell/bias'),
  logitsWeights: expectedMatrix('logits/weights'),
  logitsBiases: variable('logits/biases'),
};

test('the formula gives the weights that TensorFlow was given', () => {
  for (const v of network.variables) {
    const values = formulaWeights(network, v);
    assert.deepEqual([...values.subarray(0, 3)], v.first, v.name);
    assert.equal(createHash('sha256').update(values).digest('hex'), v.sha256, v.name);
  }
});

describe('golden files', () => {
  for (const file of EXACT) {
    test(`${file} holds exactly the formula's weights`, async () => {
      const { weights } = await readWeights(join(TINY, file));
      assert.deepEqual([...weights.convolutions.keys()], CONVOLUTION_SCOPES);
      assert.deepEqual(weights, expected);
    });
  }

  for (const file of FOLDED) {
    test(`${file} holds them but for TensorFlow's rounding`, async () => {
      const { weights } = await readWeights(join(TINY, file));
      const { convolutions, ...decoder } = weights;
      const { convolutions: wanted, ...wantedDecoder } = expected;
      assert.deepEqual(decoder, wantedDecoder);
      for (const [scope, { shape, kernel, bias }] of convolutions) {
        assert.deepEqual(shape, wanted.get(scope)!.shape);
        assertNear(kernel, wanted.get(scope)!.kernel, `${scope} kernel`);
        assertNear(bias, wanted.get(scope)!.bias, `${scope} bias`);
      }
    });
  }
});

function assertNear(actual: Float32Array, wanted: Float32Array, what: string): void {
  assert.equal(actual.length, wanted.length, what);
  const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (const [i, x] of actual.entries()) {
    assert.ok(Math.abs(x - wanted[i]!) <= FOLDED_TOLERANCE * scale, `${what} ${i}: ${x}, ${wanted[i]}`);
  }
}

describe('what is said about the source', () => {
  test('a checkpoint: its files, size, step and the tensors left out', async () => {
    const prefix = join(TINY, 'v2/model.ckpt-1000');
    const { source, vocabulary } = await readWeights(prefix);
    assert.deepEqual(source, {
      kind: 'checkpoint-v2',
      file: `${prefix}.index`,
      files: [`${prefix}.index`, `${prefix}.data-00000-of-00001`],
      bytes: 15704 + 284732,
      globalStep: 1000,
      ignored: ['global_step'],
    });
    assert.equal(vocabulary, null);
  });

  test('a V1 checkpoint: the same', async () => {
    const { source } = await readWeights(join(TINY, 'v1/model.ckpt-1000'));
    assert.equal(source.kind, 'checkpoint-v1');
    assert.equal(source.globalStep, 1000);
    assert.deepEqual(source.ignored, ['global_step']);
  });

  test('a graph: no step, and the word list beside it', async () => {
    const { source, vocabulary } = await readWeights(join(TINY, 'im2txt-tiny.pb'));
    assert.equal(source.kind, 'frozen-graph');
    assert.equal(source.globalStep, undefined);
    assert.equal(basename(vocabulary!.file), 'word_counts.txt');
  });
});

describe('checkpoints of other programs', () => {
  let tensors: WrittenTensor[];
  before(() => {
    tensors = network.variables.map((v) => ({
      name: v.name,
      dtype: 'float32',
      shape: v.shape,
      data: formulaWeights(network, v),
    }));
  });

  const scalar = (name: string): WrittenTensor => ({
    name,
    dtype: 'float32',
    shape: [],
    data: new Float32Array(1),
  });

  test('tensors that the network does not need are left out and listed', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'model.ckpt-7');
    const extra: WrittenTensor[] = [
      { name: 'global_step', dtype: 'int64', shape: [], data: new BigInt64Array([7n]) },
      scalar('InceptionV3/AuxLogits/Conv2d_1b_1x1/weights'),
      scalar('logits/weights/ExponentialMovingAverage'),
      scalar('lstm/basic_lstm_cell/kernel/Adam'),
      { name: 'logits/weights/Adam_1', dtype: 'float32', shape: [3, 0], data: new Float32Array() },
    ];
    await writeCheckpointV2(prefix, [...tensors, ...extra]);
    const { weights, source } = await readWeights(prefix);
    assert.deepEqual(weights, expected);
    assert.equal(source.globalStep, 7);
    assert.deepEqual(new Set(source.ignored), new Set(extra.map(({ name }) => name)));
  });

  test('several data files, and a scope around everything', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'sharded');
    await writeCheckpointV2(
      prefix,
      tensors.map((tensor) => ({ ...tensor, name: `show_and_tell/${tensor.name}` })),
      3,
    );
    const { weights, source } = await readWeights(`${prefix}.data-00001-of-00003`);
    assert.deepEqual(weights, expected);
    assert.equal(source.files.length, 4);
  });

  test('a gamma, which im2txt has not, is folded too', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'model');
    const at = 'InceptionV3/Conv2d_2a_3x3';
    const gamma: WrittenTensor = {
      name: `${at}/BatchNorm/gamma`,
      dtype: 'float32',
      shape: [4],
      data: new Float32Array(4).fill(2),
    };
    await writeCheckpointV2(prefix, [...tensors, gamma]);
    const { weights } = await readWeights(prefix);
    const plain = expected.convolutions.get('Conv2d_2a_3x3')!;
    assertNear(
      weights.convolutions.get('Conv2d_2a_3x3')!.kernel,
      plain.kernel.map((x) => 2 * x),
      'kernel',
    );
  });

  test('a missing tensor is named with its shape and the nearest names', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'model');
    await writeCheckpointV2(
      prefix,
      tensors.map((x) => ({ ...x, name: x.name.replace('lstm/basic_lstm_cell/kernel', 'lstm/cell/kernel') })),
    );
    const problem = await rejectsSource(readWeights(prefix), 'TensorMissing');
    assert.equal(problem.file, `${prefix}.index`);
    assert.match(
      problem.expected,
      /lstm\/basic_lstm_cell\/kernel or .*Linear\/Matrix, float32 \[E \+ U, 4 U\]/,
    );
    assert.match(problem.actual, /lstm\/cell\/kernel/);
  });

  test('a missing part of a convolution is named with its shape', async (t) => {
    const at = 'InceptionV3/Conv2d_1a_3x3';
    for (const [part, shape] of [
      // With the first kernel goes the sign of a scope around everything.
      ['weights', '[3, 3, in, out]'],
      ['BatchNorm/beta', '[out]'],
      ['BatchNorm/moving_mean', '[out]'],
      ['BatchNorm/moving_variance', '[out]'],
    ]) {
      const prefix = join(await temporaryDirectory(t), 'model');
      await writeCheckpointV2(
        prefix,
        tensors.filter(({ name }) => name !== `${at}/${part}`),
      );
      const problem = await rejectsSource(readWeights(prefix), 'TensorMissing');
      assert.equal(problem.expected, `a tensor ${at}/${part}, float32 ${shape}`);
    }
  });

  const misshapen: readonly (readonly [what: string, name: string, shape: number[], expected: RegExp])[] = [
    ['too few words in one table', 'seq_embedding/map', [63, 32], /logits\/weights as float32 \[32, 63\]/],
    ['a flat kernel', 'InceptionV3/Conv2d_1a_3x3/weights', [108], /float32 \[3, 3, 3, out\]/],
    [
      'other channels',
      'InceptionV3/Mixed_6a/Branch_0/Conv2d_1a_1x1/weights',
      [3, 3, 10, 19],
      /\[3, 3, \d+, out\]/,
    ],
    [
      'another batch norm',
      'InceptionV3/Mixed_7c/Branch_3/Conv2d_0b_1x1/BatchNorm/beta',
      [3],
      /beta as float32 \[\d+\]/,
    ],
    ['a transposed LSTM', 'lstm/basic_lstm_cell/kernel', [128, 64], /kernel as float32 \[32 \+ U, 4 U\]/],
    ['an LSTM bias for other gates', 'lstm/basic_lstm_cell/bias', [32], /bias as float32 \[128\]/],
    ['an LSTM bias for more units', 'lstm/basic_lstm_cell/bias', [132], /bias as float32 \[128\]/],
    ['no words at all', 'seq_embedding/map', [0, 32], /seq_embedding\/map as float32 \[V, 32\]/],
  ];
  for (const [what, name, shape, wanted] of misshapen) {
    test(`a misshapen tensor is named: ${what}`, async (t) => {
      const prefix = join(await temporaryDirectory(t), 'model');
      const size = shape.reduce((product, x) => product * x, 1);
      await writeCheckpointV2(
        prefix,
        tensors.map((x) => (x.name === name ? { ...x, shape, data: new Float32Array(size) } : x)),
      );
      const problem = await rejectsSource(readWeights(prefix), 'TensorMisshapen');
      assert.match(problem.expected, wanted);
    });
  }

  test('another type is refused as a misshapen tensor', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'model');
    await writeCheckpointV2(
      prefix,
      tensors.map((x) =>
        x.name === 'logits/biases' ? { ...x, dtype: 'int32', data: new Int32Array(64) } : x,
      ),
    );
    const problem = await rejectsSource(readWeights(prefix), 'TensorMisshapen');
    assert.equal(problem.actual, 'int32 [64]');
  });

  test('numbers that are none are refused', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'model');
    const broken = new Float32Array(64).fill(Number.NaN, 5, 6);
    await writeCheckpointV2(
      prefix,
      tensors.map((x) => (x.name === 'logits/biases' ? { ...x, data: broken } : x)),
    );
    const problem = await rejectsSource(readWeights(prefix), 'SourceDamaged');
    assert.match(problem.actual, /NaN at index 5/);
  });

  test('another network is refused with what was looked for', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'resnet');
    await writeCheckpointV2(prefix, [
      scalar('resnet_v1_50/conv1/weights'),
      scalar('resnet_v1_50/logits/biases'),
    ]);
    const problem = await rejectsSource(readWeights(prefix), 'SourceUnsupported');
    assert.match(problem.expected, /Conv2d_1a_3x3/);
    assert.match(problem.actual, /resnet_v1_50/);
  });

  test('a decoder alone lacks the encoder', async (t) => {
    const prefix = join(await temporaryDirectory(t), 'decoder');
    await writeCheckpointV2(
      prefix,
      tensors.filter(({ name }) => !name.startsWith('InceptionV3/')),
    );
    const problem = await rejectsSource(readWeights(prefix), 'TensorMissing');
    assert.match(problem.expected, /^a tensor InceptionV3\/Conv2d_1a_3x3\/weights, float32/);
  });

  test("slim's encoder alone lacks the decoder", async (t) => {
    const prefix = join(await temporaryDirectory(t), 'inception_v3.ckpt');
    await writeCheckpointV2(
      prefix,
      tensors.filter(({ name }) => name.startsWith('InceptionV3/')),
    );
    const problem = await rejectsSource(readWeights(prefix), 'TensorMissing');
    assert.match(problem.expected, /image_embedding\/weights/);
  });
});

describe('directories', () => {
  test('the `checkpoint` file decides between several', async (t) => {
    const directory = await temporaryDirectory(t);
    await cp(join(TINY, 'v2'), directory, { recursive: true });
    await cp(join(TINY, 'v1/model.ckpt-1000'), join(directory, 'model.ckpt-900'));
    const ambiguous = await rejectsSource(readWeights(directory), 'SourceUnsupported');
    assert.match(ambiguous.actual, /^2: .*model.ckpt-1000.index, .*model.ckpt-900$/);
    await writeFile(
      join(directory, 'checkpoint'),
      'model_checkpoint_path: "/home/x/train/model.ckpt-1000"\n',
    );
    assert.equal((await readWeights(directory)).source.kind, 'checkpoint-v2');
    await writeFile(join(directory, 'checkpoint'), 'model_checkpoint_path: "model.ckpt-900"\n');
    assert.equal((await readWeights(directory)).source.kind, 'checkpoint-v1');
  });

  test('names say nothing, contents do', async (t) => {
    const directory = await temporaryDirectory(t);
    await cp(join(TINY, 'v1/model.ckpt-1000'), join(directory, 'graph.pb'));
    assert.equal((await readWeights(join(directory, 'graph.pb'))).source.kind, 'checkpoint-v1');
    await cp(join(TINY, 'im2txt-tiny.pb'), join(directory, 'model.index'));
    assert.equal((await readWeights(join(directory, 'model'))).source.kind, 'frozen-graph');
  });

  test('a word list in the folder of the weights comes before others', async (t) => {
    const directory = await temporaryDirectory(t);
    await cp(join(TINY, 'v1/model.ckpt-1000'), join(directory, 'b/model.ckpt'));
    await cp(join(TINY, 'word_counts.txt'), join(directory, 'a/word_counts.txt'));
    assert.equal((await readWeights(directory)).vocabulary?.file, join(directory, 'a/word_counts.txt'));
    await cp(join(TINY, 'word_counts.txt'), join(directory, 'b/word_counts.txt'));
    assert.equal((await readWeights(directory)).vocabulary?.file, join(directory, 'b/word_counts.txt'));
  });

  test('nothing there, an empty folder, a missing data file', async (t) => {
    const directory = await temporaryDirectory(t);
    await rejectsSource(readWeights(directory), 'SourceUnsupported');
    await rejectsSource(readWeights(join(directory, 'model.ckpt')), 'SourceUnreadable');
    await cp(join(TINY, 'v2/model.ckpt-1000.index'), join(directory, 'model.ckpt-1000.index'));
    const problem = await rejectsSource(readWeights(directory), 'SourceUnreadable');
    assert.match(problem.file, /data-00000-of-00001$/);
  });
});

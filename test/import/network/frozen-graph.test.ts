import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import type { ShowAndTellWeights } from '../../../src/import/network/weights.ts';
import { readWeights } from '../../../src/import/read-weights.ts';
import { rejectsSource, temporaryDirectory } from '../source/source-failures.ts';
import { constantAttribute, type EditedNode, editGraph, writeNode } from '../tensorflow/edit-graph.ts';
import { TINY } from './formula-weights.ts';

type Edit = (node: EditedNode) => EditedNode | EditedNode[] | null;

const golden = (name: string): Buffer => readFileSync(join(TINY, name));
const node = (
  name: string,
  op: string,
  inputs: string[] = [],
  rest: Uint8Array = new Uint8Array(),
): EditedNode => ({
  name,
  op,
  inputs,
  rest,
});
const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

let expected: ShowAndTellWeights;
before(async () => {
  expected = (await readWeights(join(TINY, 'im2txt-tiny.pb'))).weights;
});

async function readEdited(t: TestContext, edit: Edit, name = 'im2txt-tiny.pb') {
  const file = join(await temporaryDirectory(t), 'model.pb');
  await writeFile(file, editGraph(golden(name), edit));
  return readWeights(file);
}

describe('graphs that are the same network', () => {
  for (const name of ['im2txt-tiny.pb', 'im2txt-tiny-tf0.12.pb', 'im2txt-tiny-tf1.0.pb']) {
    test(`${name} under a prefix`, async (t) => {
      const moved = (n: string): string => (n.startsWith('^') ? `^import/${n.slice(1)}` : `import/${n}`);
      const { weights } = await readEdited(
        t,
        (n) => ({ ...n, name: moved(n.name), inputs: n.inputs.map(moved) }),
        name,
      );
      assert.deepEqual(weights, expected);
    });
  }

  test('constants with any names, nodes in any order', async (t) => {
    const renamed = new Map<string, string>();
    const all: EditedNode[] = [];
    editGraph(golden('im2txt-tiny.pb'), (n) => {
      const decoder = n.op === 'Const' && /^(lstm|logits|seq|image_emb)/.test(n.name);
      if (decoder) renamed.set(n.name, `const_${renamed.size}`);
      all.push(n);
      return null;
    });
    const name = (n: string): string => renamed.get(n) ?? n;
    const file = join(await temporaryDirectory(t), 'model.pb');
    const nodes = all
      .reverse()
      .map((n) => writeNode({ ...n, name: name(n.name), inputs: n.inputs.map(name) }));
    await writeFile(file, Buffer.concat(nodes));
    assert.deepEqual((await readWeights(file)).weights, expected);
  });

  test('batch norms that were folded into one product and one sum', async (t) => {
    // x * 2 + 3 instead of the first arithmetic batch norm.
    const at = 'InceptionV3/InceptionV3/Conv2d_1a_3x3/BatchNorm/batchnorm_1';
    const { weights } = await readEdited(
      t,
      (n) => {
        if (n.name === `${at}/mul`) {
          return [
            node('two', 'Const', [], constantAttribute([], floats(2), 'floats')),
            { ...n, inputs: ['two', n.inputs[0]!] },
          ];
        }
        if (n.name === `${at}/add_1`) {
          const three = node('three', 'Const', [], constantAttribute([1, 1, 1, 4], floats(3), 'floats'));
          return [three, { ...n, inputs: [n.inputs[0]!, 'three'] }];
        }
        return n;
      },
      'im2txt-tiny-arith.pb',
    );
    assert.deepEqual([...weights.convolutions.get('Conv2d_1a_3x3')!.bias], [3, 3, 3, 3]);
  });

  test('constants that nothing needs are listed', async (t) => {
    const extra = node('embedding_size', 'Const', [], constantAttribute([], floats(32), 'floats'));
    const { source } = await readEdited(t, (n) => (n.name === 'softmax' ? [extra, n] : n));
    assert.deepEqual(source.ignored, ['embedding_size']);
  });
});

describe('graphs that are refused', () => {
  const rename =
    (from: string, to: string): Edit =>
    (n) =>
      n.name === from ? { ...n, name: to } : n;

  test("im2txt's training graph, with what the inference graph has", async (t) => {
    const file = join(await temporaryDirectory(t), 'train.pb');
    const nodes = [
      node('batch', 'QueueDequeueManyV2'),
      node('lstm/dropout/random_uniform', 'RandomUniform'),
      node('losses/softmax_cross_entropy', 'SparseSoftmaxCrossEntropyWithLogits', ['batch']),
    ];
    await writeFile(file, Buffer.concat(nodes.map(writeNode)));
    const problem = await rejectsSource(readWeights(file), 'SourceUnsupported');
    assert.match(problem.expected, /inference graph.*softmax, lstm\/initial_state, lstm\/state/);
    assert.match(problem.actual, /training graph/);
    assert.match(problem.remedy ?? '', /checkpoint/);
  });

  test('an inference graph that still drops out at random', async (t) => {
    const edit: Edit = (n) =>
      n.name === 'softmax' ? [node('drop', 'RandomUniform'), { ...n, inputs: [...n.inputs, 'drop'] }] : n;
    const problem = await rejectsSource(readEdited(t, edit), 'SourceUnsupported');
    assert.match(problem.actual, /^a training graph: .*\(RandomUniform drop\)$/);
  });

  test('another network, with the nodes that were looked for', async (t) => {
    const problem = await rejectsSource(
      readEdited(t, rename('lstm/initial_state', 'lstm/other')),
      'SourceUnsupported',
    );
    assert.match(problem.expected, /softmax, lstm\/initial_state, lstm\/state/);
  });

  test('a graph that was not frozen', async (t) => {
    const edit: Edit = (n) =>
      n.name === 'logits/weights' ? { ...n, op: 'VariableV2', rest: new Uint8Array() } : n;
    const problem = await rejectsSource(readEdited(t, edit), 'SourceUnsupported');
    assert.match(problem.actual, /variable logits\/weights/);
    assert.match(problem.remedy ?? '', /checkpoint/);
  });

  const cells: readonly (readonly [what: string, edit: Edit])[] = [
    [
      'another forget bias',
      (n) =>
        /basic_lstm_cell\/Const_[13]$/.test(n.name)
          ? { ...n, rest: constantAttribute([], floats(0.5), 'floats') }
          : n,
    ],
    [
      'gates in another order',
      (n) =>
        n.op === 'Tanh' ? { ...n, inputs: n.inputs.map((i) => i.replace('split_1:1', 'split_1:3')) } : n,
    ],
    ['another activation', (n) => (n.op === 'Sigmoid' ? { ...n, op: 'HardSigmoid' } : n)],
    [
      'a batch norm in training mode',
      (n) => (n.op === 'FusedBatchNormV3' ? { ...n, rest: trainingFlag() } : n),
    ],
    ['no Relu', (n) => (n.op === 'Relu' ? { ...n, op: 'Elu' } : n)],
    ['a transposed product', (n) => (n.name === 'logits/MatMul' ? { ...n, rest: flag('transpose_b') } : n)],
    ['another', (n) => (n.name === 'logits/MatMul' ? { ...n, rest: flag('transpose_a') } : n)],
    [
      'one kernel for two convolutions',
      (n) =>
        n.name === 'InceptionV3/InceptionV3/Conv2d_2b_3x3/Conv2D'
          ? { ...n, inputs: [n.inputs[0]!, 'InceptionV3/Conv2d_2a_3x3/weights/read'] }
          : n,
    ],
  ];
  for (const [what, edit] of cells) {
    test(what, async (t) => {
      const problem = await rejectsSource(readEdited(t, edit), 'SourceUnsupported');
      assert.match(problem.file, /model.pb$/);
    });
  }

  function flag(name: string): Uint8Array {
    const entry = Buffer.concat([
      Buffer.from([0x0a, name.length]),
      Buffer.from(name),
      Buffer.from([0x12, 2, 0x28, 1]),
    ]);
    return Buffer.concat([Buffer.from([0x2a, entry.length]), entry]);
  }

  function trainingFlag(): Uint8Array {
    return flag('is_training');
  }

  test('a convolution that is missing, with the nearest names', async (t) => {
    const gone = 'InceptionV3/InceptionV3/Mixed_7c/Branch_3/Conv2d_0b_1x1';
    const edit: Edit = (n) => ({
      ...n,
      inputs: n.inputs.map((i) =>
        i === `${gone}/Relu` ? `${gone.replace('_3/Conv2d_0b', '_0/Conv2d_0a')}/Relu` : i,
      ),
    });
    const problem = await rejectsSource(readEdited(t, edit), 'TensorMissing');
    assert.match(problem.expected, /Mixed_7c\/Branch_3\/Conv2d_0b_1x1/);
  });

  test('a misshapen constant', async (t) => {
    const edit: Edit = (n) =>
      n.name === 'logits/biases'
        ? { ...n, rest: constantAttribute([63], new Uint8Array(252), 'content') }
        : n;
    const problem = await rejectsSource(readEdited(t, edit), 'TensorMisshapen');
    assert.match(problem.expected, /logits\/biases as float32 \[64\]/);
  });

  test('constants whose numbers were taken out', async (t) => {
    const edit: Edit = (n) =>
      n.name === 'seq_embedding/map'
        ? { ...n, rest: constantAttribute([64, 32], new Uint8Array(), 'content') }
        : n;
    const problem = await rejectsSource(readEdited(t, edit), 'SourceDamaged');
    assert.match(problem.expected, /seq_embedding\/map/);
    assert.match(problem.actual, /none/);
  });
});

describe('hostile graphs', () => {
  async function readBytes(t: TestContext, ...parts: Uint8Array[]) {
    const file = join(await temporaryDirectory(t), 'model.pb');
    await writeFile(file, Buffer.concat(parts));
    return readWeights(file);
  }
  const start = writeNode(node('a', 'Const'));

  test('a length beyond the end', async (t) => {
    const problem = await rejectsSource(
      readBytes(t, start, Buffer.from('0affffffff7f', 'hex')),
      'SourceDamaged',
    );
    assert.equal(problem.offset, start.length + 6);
  });

  test('a varint that does not end', async (t) => {
    const problem = await rejectsSource(readBytes(t, start, Buffer.alloc(1000, 0xff)), 'SourceDamaged');
    assert.equal(problem.offset, start.length);
  });

  test('a negative length inside a node', async (t) => {
    // name with length -1 as a ten-byte varint
    const inner = Buffer.from('0a01621201411affffffffffffffffff01', 'hex');
    await rejectsSource(readBytes(t, start, Buffer.from([0x0a, inner.length]), inner), 'SourceDamaged');
  });

  test('groups inside groups, ten thousand deep', async (t) => {
    const inner = Buffer.concat([Buffer.from('0a016212014d', 'hex'), Buffer.alloc(10_000, 0x53)]);
    const header = Buffer.from([0x0a, (inner.length & 0x7f) | 0x80, inner.length >>> 7]);
    await rejectsSource(readBytes(t, start, header, inner), 'SourceDamaged');
  });

  for (const [what, shape] of [
    ['overflows', [2 ** 40, 2 ** 40, 2 ** 40]],
    ['is negative', [-1, 32]],
    ['is larger than the file', [2 ** 29, 1]],
  ] as const) {
    test(`a shape whose product ${what}`, async (t) => {
      const edit: Edit = (n) =>
        n.name === 'seq_embedding/map' ? { ...n, rest: constantAttribute(shape, floats(1), 'floats') } : n;
      const file = join(await temporaryDirectory(t), 'model.pb');
      await writeFile(file, editGraph(golden('im2txt-tiny.pb'), edit));
      const before = process.memoryUsage().arrayBuffers;
      await assert.rejects(readWeights(file), { name: /TensorMisshapen|SourceDamaged/ });
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20);
    });
  }

  test('more nodes than a graph has', async (t) => {
    const nodes = Array.from({ length: 200_001 }, (_, i) => writeNode(node(`n${i}`, 'C')));
    await rejectsSource(readBytes(t, start, Buffer.concat(nodes)), 'SourceDamaged');
  });

  test('two nodes of one name', async (t) => {
    const problem = await rejectsSource(readBytes(t, start, start), 'SourceDamaged');
    assert.equal(problem.offset, start.length + 2);
  });

  test('identities in a circle', async (t) => {
    const circle = [
      node('logits/weights/read', 'Identity', ['circle']),
      node('circle', 'Identity', ['logits/weights/read']),
    ];
    const edit: Edit = (n) => (n.name === 'logits/weights/read' ? circle : n);
    await rejectsSource(readEdited(t, edit), 'SourceUnsupported');
  });

  test('a sum that doubles with every node', async (t) => {
    const beta = 'InceptionV3/Conv2d_1a_3x3/BatchNorm/beta/read';
    const doubling = Array.from({ length: 60 }, (_, i) => {
      const input = i === 0 ? 'InceptionV3/Conv2d_1a_3x3/BatchNorm/beta' : `double_${i - 1}`;
      return node(i === 59 ? beta : `double_${i}`, 'Add', [input, input]);
    });
    await rejectsSource(
      readEdited(t, (n) => (n.name === beta ? doubling : n)),
      'SourceUnsupported',
    );
  });

  test('an input that is not there', async (t) => {
    const edit: Edit = (n) => (n.name === 'softmax' ? { ...n, inputs: ['nothing'] } : n);
    const problem = await rejectsSource(readEdited(t, edit), 'SourceDamaged');
    assert.match(problem.expected, /a node nothing/);
  });
});

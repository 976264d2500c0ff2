/** The parts that weights are found by in a frozen graph, on graphs of a few nodes. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import { BATCH_NORM_EPSILON } from '../../../src/import/network/fold-batch-norm.ts';
import { affineAfter, findConvolutions } from '../../../src/import/network/graph-encoder.ts';
import { findOutputs, isTrainingOperation } from '../../../src/import/network/graph-outputs.ts';
import { CONVOLUTION_SCOPES } from '../../../src/import/network/inception-scopes.ts';
import { checkFinite, checkTensor, tensorMissing } from '../../../src/import/network/tensor-checks.ts';
import type { ConstantTensor, GraphNode } from '../../../src/import/tensorflow/graph-def.ts';
import { walkBack } from '../../../src/import/tensorflow/graph-walk.ts';
import { FLOAT } from '../../../src/import/tensorflow/tensor-header.ts';
import { writtenFile } from '../bytes/written-file.ts';

/** Two channels. */
const KERNEL = constant('kernel', [1, 1, 1, 2], 0);
/** The numbers 2, 3, 5, 7, 11 and so on in the file of a test. */
const PRIMES = Float32Array.of(2, 3, 5, 7, 11, 13, 17, 19);

function constant(name: string, shape: number[], first: number): ConstantTensor {
  const length = 4 * shape.reduce((product, size) => product * size, 1);
  return { name, dtype: FLOAT, shape, content: { offset: 4 * first, length }, floats: null };
}

function node(
  name: string,
  op: string,
  inputs: string[] = [],
  value: ConstantTensor | null = null,
): GraphNode {
  return { name, op, inputs, offset: 9, numbers: new Map(), flags: new Map(), value };
}

function mapOf(...nodes: GraphNode[]): Map<string, GraphNode> {
  return new Map(nodes.map((each) => [each.name, each]));
}

function problemOf(error: unknown) {
  assert.ok(error instanceof SourceError, String(error));
  const { expected, actual } = error.problem;
  return [error.code, expected, actual];
}

describe('outputs', () => {
  const NAMES = ['softmax', 'lstm/initial_state', 'lstm/state'];
  const under = (prefix: string, names = NAMES) => names.map((name) => node(prefix + name, 'Identity'));

  test('are found by their names, under any prefix that all three have', () => {
    for (const prefix of ['', 'import/', 'a/b/']) {
      const all = under(prefix);
      // Others that end so, but lack the rest.
      const { softmax, initialState, state } = findOutputs(
        'm.pb',
        mapOf(node('my_softmax', 'Softmax'), ...under('x/', ['softmax']), ...all),
      );
      assert.deepEqual([softmax, initialState, state], all);
    }
  });

  test('that are missing are named, with what the graph has instead', () => {
    const without = (...nodes: GraphNode[]) => {
      try {
        findOutputs('m.pb', mapOf(...nodes));
      } catch (error) {
        return problemOf(error);
      }
      assert.fail('found');
    };
    const expected =
      "im2txt's inference graph, with the nodes softmax, lstm/initial_state, lstm/state (under any prefix)";
    assert.deepEqual(without(), ['SourceUnsupported', expected, 'a graph without nodes']);
    for (const missing of NAMES) {
      const others = under(
        '',
        NAMES.filter((name) => name !== missing),
      );
      const names = ['a', 'b', ...others.map(({ name }) => name)];
      const actual = `4 nodes without these, the last: ${names.slice(-3).join(', ')}`;
      assert.deepEqual(without(node('a', 'Op'), node('b', 'Op'), ...others), [
        'SourceUnsupported',
        expected,
        actual,
      ]);
    }
    assert.equal(
      without(...under('').map((each) => ({ ...each, name: `${each.name}_` })))[2],
      '3 nodes without these, the last: softmax_, lstm/initial_state_, lstm/state_',
    );
    const training = without(node('a', 'Op'), node('step', 'ApplyGradientDescent'))[2];
    assert.match(training!, /^a training graph: .*\(ApplyGradientDescent step\)$/);
  });

  test('of training are told by what only that does', () => {
    const training = [
      ...['RandomUniform', 'RandomUniformInt', 'RandomShuffleQueueV2', 'FIFOQueue', 'PaddingFIFOQueueV2'],
      ...['QueueDequeueManyV2', 'ReaderReadV2', 'ParseSingleExample', 'ParseSingleSequenceExample'],
      ...[
        'SparseSoftmaxCrossEntropyWithLogits',
        'ApplyAdam',
        'ResourceApplyAdam',
        'IteratorGetNext',
        'While',
        'Enter',
      ],
    ];
    const others = ['Apply', 'Applyer', 'Softmax', 'MyWhile', 'Placeholder', 'Random', 'Const', ''];
    assert.deepEqual(
      [...training, ...others].filter((op) => isTrainingOperation(node('n', op))),
      training,
    );
  });
});

describe('convolutions', () => {
  const all = (edit: (scope: string) => string = (scope) => scope) =>
    CONVOLUTION_SCOPES.flatMap((scope, i) => [
      node(`x/InceptionV3/${edit(scope)}/weights`, 'Const', [], { ...KERNEL, name: `kernel ${i}` }),
      node(`c${i}`, 'Conv2D', ['image', `x/InceptionV3/${edit(scope)}/weights`]),
    ]);
  function find(nodes: GraphNode[]) {
    const convolutions = nodes.filter(({ op }) => op === 'Conv2D' || op === 'MatMul');
    return findConvolutions(walkBack('m.pb', mapOf(node('image', 'Placeholder'), ...nodes), convolutions));
  }
  const refusal = (nodes: GraphNode[]) => {
    try {
      find(nodes);
    } catch (error) {
      return problemOf(error);
    }
    assert.fail('found');
  };

  test('are found by the names of their kernels, or by their own', () => {
    assert.deepEqual(
      [...find(all())].map(
        ([
          scope,
          {
            node: { name },
            kernel,
          },
        ]) => `${scope} ${name} ${kernel.name}`,
      ),
      CONVOLUTION_SCOPES.map((scope, i) => `${scope} c${i} kernel ${i}`),
    );
    const [first] = CONVOLUTION_SCOPES;
    const renamed = all().map((each) => ({
      ...each,
      name: each.name.replace(/^c0$/, `${first}/Conv2D`).replace(`x/InceptionV3/${first}/weights`, 'k0'),
      inputs: each.inputs.map((input) => input.replace(`x/InceptionV3/${first}/weights`, 'k0')),
    }));
    assert.equal(find(renamed).get(first!)!.node.name, `${first}/Conv2D`);
  });

  test('of other names, of a name twice, without a constant, or missing are refused', () => {
    const [first, second] = CONVOLUTION_SCOPES as [string, string];
    const expected = (what: string) => `im2txt's inference graph: ${what}`;
    assert.deepEqual(refusal(all((scope) => (scope === first ? 'Conv2d_9z_3x3' : scope))), [
      'SourceUnsupported',
      expected('convolutions named as slim names them'),
      'Conv2D c0',
    ]);
    const twice = [...all(), node('again', 'Conv2D', ['image', `x/InceptionV3/${second}/weights`])];
    assert.deepEqual(refusal(twice), ['SourceUnsupported', expected(`one convolution ${second}`), 'two']);
    const computed = all().map((each) =>
      each.name === 'c0' ? { ...each, inputs: ['image', 'image'] } : each,
    );
    assert.deepEqual(refusal(computed), [
      'SourceUnsupported',
      expected('a constant kernel of c0'),
      'Conv2D c0',
    ]);
    const [code, wanted, actual] = refusal(all().filter(({ name }) => name !== 'c1'));
    assert.deepEqual(
      [code, wanted],
      ['TensorMissing', `a tensor InceptionV3/${second}/weights, float32 [height, width, in, out]`],
    );
    assert.match(actual!, new RegExp(`^${CONVOLUTION_SCOPES.length - 1} others, the nearest: c`));
  });
});

describe('what follows a convolution', () => {
  /** Nodes after the convolution `c`, as `name op input...`; constants p0 [2, 3], p2 [5, 7], ..., one = [2], three of 3. */
  async function affine(
    t: TestContext,
    lines: string[],
    edit: (nodes: Map<string, GraphNode>) => void = () => {},
  ) {
    const file = await writtenFile(t, new Uint8Array(PRIMES.buffer));
    const nodes = mapOf(
      node('image', 'Placeholder'),
      node('kernel', 'Const', [], KERNEL),
      node('c', 'Conv2D', ['image', 'kernel']),
      node('one', 'Const', [], constant('one', [], 0)),
      node('three', 'Const', [], constant('three', [3], 0)),
      ...[0, 2, 4, 6].map((at) => node(`p${at}`, 'Const', [], constant(`p${at}`, [2], at))),
      ...lines.map((line) => {
        const [name, op, ...inputs] = line.split(' ') as [string, string, ...string[]];
        return node(name, op, inputs);
      }),
    );
    edit(nodes);
    const ends = lines.map((line) => nodes.get(line.split(' ')[0]!)!);
    const graph = walkBack(file.path, nodes, ends);
    const { scale, offset } = await affineAfter(file, graph, { node: nodes.get('c')!, kernel: KERNEL });
    return [...scale, ...offset];
  }

  for (const [what, lines, expected] of [
    ['nothing', ['r Relu c'], [1, 1, 0, 0]],
    ['a bias', ['b BiasAdd c p0', 'r Relu b'], [1, 1, 2, 3]],
    ['a sum, the other way round', ['b Add p0 c', 'r Relu b'], [1, 1, 2, 3]],
    ['a later sum, of one number', ['b AddV2 c one', 'r Relu b'], [1, 1, 2, 2]],
    ['a product', ['b Mul c p2', 'r Relu b'], [5, 7, 0, 0]],
    ['a product, the other way round', ['b Mul p2 c', 'r Relu b'], [5, 7, 0, 0]],
    ['a difference', ['b Sub c p0', 'r Relu b'], [1, 1, -2, -3]],
    ['a sum that is multiplied', ['b Add c p0', 'm Mul b p2', 'i Identity m', 'r Relu i'], [5, 7, 10, 21]],
    ['a product that is increased', ['m Mul c p2', 'b Add m p0', 'r Relu b'], [5, 7, 2, 3]],
  ] as const) {
    test(`${what}: what it comes to`, async (t) => assert.deepEqual(await affine(t, [...lines]), expected));
  }

  test('a fused batch norm, with its epsilon or the usual one', async (t) => {
    for (const op of ['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3']) {
      const lines = [`n ${op} c p0 p2 p4 p6`, 'r Relu n'];
      const of = (epsilon: number) => {
        const scales = [2 / Math.sqrt(17 + epsilon), 3 / Math.sqrt(19 + epsilon)] as const;
        return [...scales, 5 - 11 * scales[0], 7 - 13 * scales[1]];
      };
      assert.deepEqual(await affine(t, lines), of(BATCH_NORM_EPSILON));
      const own = await affine(t, lines, (nodes) => {
        const norm = nodes.get('n')!;
        nodes.set('n', {
          ...norm,
          numbers: new Map([['epsilon', 0.5]]),
          flags: new Map([['is_training', false]]),
        });
      });
      assert.deepEqual(own, of(0.5));
    }
  });

  const refused: [what: string, lines: string[], expected: string, actual: string][] = [
    ['nothing at all', [], 'one operation after c, its batch norm at inference', '0 operations: '],
    [
      'two operations',
      ['a Mean c', 'r Relu c'],
      'one operation after c, its batch norm at inference',
      '2 operations: Mean, Relu',
    ],
    ['another operation', ['e Elu c', 'r Relu e'], 'a batch norm or a bias after each convolution', 'Elu e'],
    [
      'a difference from a constant',
      ['s Sub p0 c', 'r Relu s'],
      'a batch norm or a bias after each convolution',
      'Sub s',
    ],
    ['another number of values', ['b Add c three', 'r Relu b'], '2 values at b', '3'],
    [
      'ten operations',
      [...Array.from({ length: 10 }, (_, i) => `b${i} Add ${i === 0 ? 'c' : `b${i - 1}`} one`), 'r Relu b9'],
      'a batch norm and a Relu after c',
      'Conv2D c',
    ],
  ];
  for (const [what, lines, expected, actual] of refused) {
    test(`${what}: refused`, async (t) => {
      await assert.rejects(affine(t, lines), (error) => {
        assert.deepEqual(problemOf(error), [
          'SourceUnsupported',
          `im2txt's inference graph: ${expected}`,
          actual,
        ]);
        return true;
      });
    });
  }

  test('nine operations before the Relu are read', async (t) => {
    const chain = Array.from({ length: 9 }, (_, i) => `b${i} Add ${i === 0 ? 'c' : `b${i - 1}`} one`);
    assert.deepEqual(await affine(t, [...chain, 'r Relu b8']), [1, 1, 18, 18]);
  });

  test('a batch norm in training mode: refused', async (t) => {
    const read = affine(t, ['n FusedBatchNorm c p0 p2 p4 p6', 'r Relu n'], (nodes) => {
      nodes.set('n', { ...nodes.get('n')!, flags: new Map([['is_training', true]]) });
    });
    await assert.rejects(read, (error) => {
      assert.equal(problemOf(error)[2], 'n in training mode');
      return true;
    });
  });
});

describe('tensors', () => {
  const tensor = { name: 't', dtype: FLOAT, shape: [2, 3] };

  test('that are missing are told with the nearest', () => {
    assert.deepEqual(problemOf(tensorMissing('m', ['a/b', 'c'], ['V', 3], ['a/x', 'q', 'a/c', 'zzzz'])), [
      'TensorMissing',
      'a tensor a/b or c, float32 [V, 3]',
      '4 others, the nearest: a/x, a/c, q',
    ]);
    assert.equal(problemOf(tensorMissing('m', ['a'], [], []))[2], 'no tensors');
  });

  test('have their type, and each dimension as it is fixed, or any but none', () => {
    checkTensor('m', tensor, [2, 'V']);
    checkTensor('m', { ...tensor, shape: [] }, []);
    for (const [wrong, shape] of [
      [tensor, [2, 4]],
      [tensor, [2]],
      [tensor, [2, 3, 1]],
      [{ ...tensor, shape: [2, 0] }, [2, 'V']],
      [{ ...tensor, dtype: 3 }, [2, 3]],
    ] as const) {
      assert.throws(
        () => checkTensor('m', wrong, shape),
        (error) => problemOf(error)[1] === `t as float32 [${shape.join(', ')}]`,
      );
    }
  });

  test('have finite numbers', () => {
    checkFinite('m', 't', Float32Array.of(1, -3.4e38, 0));
    checkFinite('m', 't', new Float32Array());
    for (const bad of [NaN, Infinity, -Infinity]) {
      assert.throws(
        () => checkFinite('m', 't', Float32Array.of(1, 2, bad, 3)),
        (error) => {
          assert.deepEqual(problemOf(error), ['SourceDamaged', 'finite numbers in t', `${bad} at index 2`]);
          return true;
        },
      );
    }
  });
});

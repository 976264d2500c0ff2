import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { evaluate, readConstant } from '../../../src/import/tensorflow/graph-constants.ts';
import type { ConstantTensor, GraphNode } from '../../../src/import/tensorflow/graph-def.ts';
import { FLOAT, INT32 } from '../../../src/import/tensorflow/tensor-header.ts';
import { writtenFile } from '../bytes/written-file.ts';
import { rejectsSource } from '../source/source-failures.ts';

/** Numbers 10, 11, 12 and so on, as a file. */
const numbers = (count: number): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: count }, (_, i) => 10 + i).buffer);

function constant(shape: number[], parts: Partial<ConstantTensor> = {}): ConstantTensor {
  return { name: 'c', dtype: FLOAT, shape, content: null, floats: null, ...parts };
}

describe('numbers of a constant', () => {
  test('as content, or as packed floats, content first', async (t) => {
    const file = await writtenFile(t, numbers(6));
    const content = { offset: 4, length: 16 };
    const floats = { offset: 0, length: 16 };
    assert.deepEqual(
      await readConstant(file, constant([2, 2], { content })),
      Float32Array.of(11, 12, 13, 14),
    );
    assert.deepEqual(await readConstant(file, constant([4], { floats })), Float32Array.of(10, 11, 12, 13));
    assert.deepEqual(
      await readConstant(file, constant([4], { content, floats })),
      Float32Array.of(11, 12, 13, 14),
    );
  });

  test('of a vector the last one repeats, and none are zeros', async (t) => {
    const file = await writtenFile(t, numbers(6));
    const floats = { offset: 4, length: 8 };
    assert.deepEqual(
      await readConstant(file, constant([5], { floats })),
      Float32Array.of(11, 12, 12, 12, 12),
    );
    assert.deepEqual(
      await readConstant(file, constant([1, 1, 4, 1], { floats })),
      Float32Array.of(11, 12, 12, 12),
    );
    assert.deepEqual(await readConstant(file, constant([3])), new Float32Array(3));
    assert.deepEqual(await readConstant(file, constant([])), new Float32Array(1));
    assert.deepEqual(await readConstant(file, constant([65_536])), new Float32Array(65_536));
  });

  const floats = (length: number) => ({ floats: { offset: 8, length } });
  const refused: [
    what: string,
    shape: number[],
    parts: Partial<ConstantTensor>,
    at: number | undefined,
    actual: string,
  ][] = [
    ['a matrix that would repeat', [2, 2], floats(4), 8, '4 bytes'],
    ['an empty matrix', [2, 2], {}, undefined, 'none, its constant is empty'],
    ['a vector of more than 65,536 that would repeat', [65_537], floats(4), 8, '4 bytes'],
    ['half a number', [4], floats(6), 8, '6 bytes'],
    ['more numbers than elements', [2], floats(12), 8, '12 bytes'],
    ['content that is too short', [4], { content: { offset: 4, length: 8 } }, 4, '8 bytes'],
    ['empty content', [4], { content: { offset: 4, length: 0 } }, undefined, 'none, its constant is empty'],
    ['an impossible shape', [-1], floats(4), 8, '4 bytes'],
  ];
  for (const [what, shape, parts, at, actual] of refused) {
    test(`refused: ${what}`, async (t) => {
      const file = await writtenFile(t, numbers(6));
      const problem = await rejectsSource(readConstant(file, constant(shape, parts)), 'SourceDamaged');
      assert.deepEqual(
        [problem.file, problem.offset, problem.expected, problem.actual],
        [file.path, at, `the numbers of c, float32 [${shape.join(', ')}]`, actual],
      );
    });
  }

  test('another type is a misshapen tensor', async (t) => {
    const file = await writtenFile(t, numbers(1));
    assert.deepEqual(
      await rejectsSource(readConstant(file, constant([2], { dtype: INT32 })), 'TensorMisshapen'),
      { file: file.path, expected: 'c as float32', actual: 'int32 [2]' },
    );
  });
});

describe('expressions', () => {
  /** Constants `c0` = 10, `c1` = 11, ..., `v` = [10, 11], `w` = [12, 13], and the nodes `name op input...`. */
  async function value(t: TestContext, ...lines: string[]): Promise<number[]> {
    const file = await writtenFile(t, numbers(6));
    const nodes = new Map<string, GraphNode>();
    const add = (name: string, op: string, inputs: string[], tensor: ConstantTensor | null) =>
      nodes.set(name, { name, op, inputs, offset: 70, numbers: new Map(), flags: new Map(), value: tensor });
    for (let i = 0; i < 6; i++) {
      add(`c${i}`, 'Const', [], constant([], { content: { offset: 4 * i, length: 4 } }));
    }
    add('v', 'Const', [], constant([2], { content: { offset: 0, length: 8 } }));
    add('w', 'Const', [], constant([2], { content: { offset: 8, length: 8 } }));
    add('three', 'Const', [], constant([3], { content: { offset: 0, length: 12 } }));
    add('wide', 'Const', [], constant([65_537], { content: { offset: 0, length: 24 } }));
    add('empty', 'Const', [], null);
    for (const line of lines) {
      const [name, op, ...inputs] = line.split(' ') as [string, string, ...string[]];
      add(name, op, inputs, null);
    }
    const last = nodes.get(lines.at(-1)!.split(' ')[0]!)!;
    return [...(await evaluate(file, last, (input) => nodes.get(input)!))];
  }

  test('sums, differences and products, one by one or with one number for all', async (t) => {
    assert.deepEqual(await value(t, 'x Add v w'), [22, 24]);
    assert.deepEqual(await value(t, 'x AddV2 v c0'), [20, 21]);
    assert.deepEqual(await value(t, 'x Sub v w'), [-2, -2]);
    assert.deepEqual(await value(t, 'x Sub v c0'), [0, 1]);
    assert.deepEqual(await value(t, 'x Sub c0 v'), [0, -1]);
    assert.deepEqual(await value(t, 'x Mul v w'), [120, 143]);
    assert.deepEqual(await value(t, 'x Mul c2 c3'), [156]);
  });

  test('roots and what changes nothing', async (t) => {
    assert.deepEqual(await value(t, 'x Rsqrt v'), [1 / Math.sqrt(10), 1 / Math.sqrt(11)]);
    assert.deepEqual(await value(t, 'a Reshape v c0', 'b Identity a', 'x Mul b c1'), [110, 121]);
  });

  async function refusal(t: TestContext, ...lines: string[]) {
    const problem = await rejectsSource(value(t, ...lines), 'SourceUnsupported');
    return [problem.offset, problem.expected, problem.actual];
  }
  const at = (name: string) => [70, `constants and their sums and products at ${name}`];

  test('refused: other operations, other lengths, wide vectors, a Const without numbers', async (t) => {
    assert.deepEqual(await refusal(t, 'y Elu v', 'x Add y v'), [...at('y'), 'the operation Elu']);
    for (const op of ['constructor', 'toString', '']) {
      assert.deepEqual(await refusal(t, `x ${op} v w`), [...at('x'), `the operation ${op}`]);
    }
    assert.deepEqual(await refusal(t, 'x Add v three'), [...at('x'), 'vectors of 2 and 3']);
    assert.deepEqual(await refusal(t, 'x Add v wide'), [...at('wide'), 'float32 [65537]']);
    assert.deepEqual(await refusal(t, 'x Add v empty'), [...at('empty'), 'the operation Const']);
  });

  test('an expression of 500 nodes is read, a longer one is not', async (t) => {
    const chain = (length: number) =>
      Array.from({ length }, (_, i) => `i${i} Identity ${i === 0 ? 'v' : `i${i - 1}`}`);
    assert.deepEqual(await value(t, ...chain(499)), [10, 11]);
    assert.deepEqual(await refusal(t, ...chain(500)), [
      ...at('v'),
      'an expression of more than 500 operations',
    ]);
  });
});

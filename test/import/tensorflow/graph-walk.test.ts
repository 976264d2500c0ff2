import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import type { GraphNode } from '../../../src/import/tensorflow/graph-def.ts';
import {
  constantAt,
  parseInput,
  source,
  unexpected,
  usersOf,
  walkBack,
} from '../../../src/import/tensorflow/graph-walk.ts';

/** `name op input input...`, a line each; a Const has a value. */
function nodesOf(text: string): Map<string, GraphNode> {
  const lines = text.trim().split('\n');
  return new Map(
    lines.map((line, i) => {
      const [name, op, ...inputs] = line.trim().split(/\s+/) as [string, string, ...string[]];
      const value = op === 'Const' ? { name, dtype: 1, shape: [], content: null, floats: null } : null;
      return [name, { name, op, inputs, offset: 10 * i, numbers: new Map(), flags: new Map(), value }];
    }),
  );
}

function graphOf(text: string, ...outputs: string[]) {
  const nodes = nodesOf(text);
  return walkBack(
    'model.pb',
    nodes,
    outputs.map((name) => nodes.get(name)!),
  );
}

/** Code, place, expected, actual and remedy of what `work` throws. */
function problemOf(work: () => unknown): unknown[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SourceError, String(error));
    const { file, offset, expected, actual, remedy } = error.problem;
    assert.equal(file, 'model.pb');
    return [error.code, offset, expected, actual, remedy];
  }
  assert.fail('expected a SourceError');
}

test('an input is a name and a number, of a control input too', () => {
  const parsed = Object.fromEntries(
    ['a', 'a/b:1', '^a/b', '^a:2', 'a:b:12', 'a:b', ''].map((i) => [i, parseInput(i)]),
  );
  assert.deepEqual(parsed, {
    a: { name: 'a', output: 0 },
    'a/b:1': { name: 'a/b', output: 1 },
    '^a/b': { name: 'a/b', output: 0 },
    '^a:2': { name: 'a', output: 2 },
    'a:b:12': { name: 'a:b', output: 12 },
    'a:b': { name: 'a:b', output: 0 },
    '': { name: '', output: 0 },
  });
});

describe('walking back', () => {
  const text = `
    in Placeholder
    split Split in
    sum Add split:1 split
    twice Mul sum sum ^late
    late Op unread
    unread Op nowhere
  `;

  test('finds every user of what the outputs need, and nothing else', () => {
    const { users } = graphOf(text, 'twice');
    const named = [...users].map(([{ name }, list]) => [
      name,
      list.map(({ node, output, input }) => `${node.name} ${output} ${input}`),
    ]);
    assert.deepEqual(Object.fromEntries(named), {
      twice: [],
      sum: ['twice 0 0', 'twice 0 1'],
      split: ['sum 1 0', 'sum 0 1'],
      in: ['split 0 0'],
    });
  });

  test('an input that is not there is damage', () => {
    assert.deepEqual(problemOf(() => graphOf(text, 'late')).slice(0, 4), [
      'SourceDamaged',
      50,
      'a node nowhere, an input of unread',
      'none',
    ]);
  });
});

describe('through identities', () => {
  const text = `
    c Const
    i1 Identity c
    i2 StopGradient i1
    i3 Snapshot i2
    use Op i3 c none
    a Identity b
    b Identity a
    round Op a
    end Identity
    empty Op end
    split Split c
    j1 Identity split:1
    after Op j1 split:2
  `;
  const nodes = nodesOf(text);
  const graph = graphOf(text.replace(' none', ''), 'use', 'after');
  const get = (name: string) => nodes.get(name)!;

  test('the node behind an input', () => {
    const whole = { ...graph, nodes };
    assert.equal(source(whole, get('use'), 0).name, 'c');
    assert.equal(source(whole, get('use'), 1).name, 'c');
    assert.equal(source(whole, get('after'), 0).name, 'split');
    const missing = (input: number, name: string, actual: string, at: number) => [
      'SourceUnsupported',
      at,
      `im2txt's inference graph: an input number ${input} of ${name}`,
      actual,
      undefined,
    ];
    const failure = (name: string, input: number) => problemOf(() => source(whole, get(name), input));
    assert.deepEqual(failure('use', 2), missing(2, 'use', 'none', 40));
    assert.deepEqual(failure('use', 3), missing(3, 'use', 'none', 40));
    assert.deepEqual(failure('empty', 0), missing(0, 'empty', 'none', 90));
    assert.deepEqual(failure('round', 0), missing(0, 'round', 'identities in a circle', 70));
  });

  test('a chain of a hundred identities is followed, a longer one is a circle', () => {
    const chain = (length: number) => {
      const lines = Array.from({ length }, (_, i) => `i${i} Identity ${i === 0 ? 'c' : `i${i - 1}`}`);
      const text = `c Const\n${lines.join('\n')}\nuse Op i${length - 1}`;
      const long = nodesOf(text);
      return source({ file: 'model.pb', nodes: long, users: new Map() }, long.get('use')!, 0);
    };
    assert.equal(chain(100).name, 'c');
    assert.throws(() => chain(101), { code: 'SourceUnsupported' });
  });

  test('users, each once for each way, by the output of the node itself', () => {
    const found = (name: string) =>
      usersOf(graph, graph.nodes.get(name)!)
        .map(({ node, output, input }) => `${node.name} ${output} ${input}`)
        .sort();
    assert.deepEqual(found('c'), ['split 0 0', 'use 0 0', 'use 0 1']);
    assert.deepEqual(found('split'), ['after 1 0', 'after 2 1']);
    assert.deepEqual(found('use'), []);
    assert.deepEqual(usersOf(graph, get('round')), []);
  });

  test('users behind a circle of identities are found, and it ends', () => {
    const circle = graphOf('x Op\na Identity b x\nb Identity a\nuse Op a b', 'use');
    assert.deepEqual(
      usersOf(circle, circle.nodes.get('x')!)
        .map(({ input }) => input)
        .sort(),
      [0, 1],
    );
  });
});

describe('constants', () => {
  test('a constant, through identities; null for anything else', () => {
    const graph = graphOf('c Const\ni Identity c\np Placeholder\nuse Op i p', 'use');
    const use = graph.nodes.get('use')!;
    assert.equal(constantAt(graph, use, 0)?.name, 'c');
    assert.equal(constantAt(graph, use, 1), null);
  });

  test('a Const without a value is none', () => {
    const graph = graphOf('c Const\nuse Op c', 'use');
    graph.nodes.get('c')!.value = null;
    assert.equal(constantAt(graph, graph.nodes.get('use')!, 0), null);
  });

  for (const op of ['Variable', 'VariableV2', 'VarHandleOp', 'ReadVariableOp', 'TemporaryVariable']) {
    test(`${op} is a variable that was not frozen`, () => {
      const graph = graphOf(`x Op\nv ${op}\ni Identity v\nuse Op i`, 'use');
      assert.deepEqual(
        problemOf(() => constantAt(graph, graph.nodes.get('use')!, 0)),
        [
          'SourceUnsupported',
          10,
          'the constant v',
          `the variable v (${op}): the graph holds no weights`,
          'Import the checkpoint that belongs to this graph.',
        ],
      );
    });
  }
});

test('what is not as expected is named by operation and name, unless something else is said', () => {
  const graph = graphOf('x Op\ny Elu x', 'y');
  const node = graph.nodes.get('y')!;
  const told = (actual?: string) =>
    problemOf(() => {
      throw unexpected(graph, node, 'a Relu', actual);
    });
  const expected = "im2txt's inference graph: a Relu";
  assert.deepEqual(told(), ['SourceUnsupported', 10, expected, 'Elu y', undefined]);
  assert.deepEqual(told('none'), ['SourceUnsupported', 10, expected, 'none', undefined]);
});

/** How the decoder is found in a frozen graph, on one of the fewest nodes that will do. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import { findDecoder } from '../../../src/import/network/graph-decoder.ts';
import type { GraphNode } from '../../../src/import/tensorflow/graph-def.ts';
import { walkBack } from '../../../src/import/tensorflow/graph-walk.ts';
import { FLOAT } from '../../../src/import/tensorflow/tensor-header.ts';
import { writtenFile } from '../bytes/written-file.ts';

/** `name op input...`; of a constant its numbers. */
const cell = (n: number, input: string) => [
  `cat${n} ConcatV2 ${input} h${n} axis`,
  `product${n} MatMul cat${n} kernel`,
  `sum${n} BiasAdd product${n} bias`,
  `split${n} Split axis sum${n}`,
  `i${n} Sigmoid split${n}`,
  `j${n} Tanh split${n}:1`,
  `f${n} Add split${n}:2 forget`,
  `o${n} Sigmoid split${n}:3`,
  `h${n} Placeholder`,
  `state${n} Pack i${n} j${n} f${n} o${n}`,
];
const LINES = [
  ...['axis Const 0', 'kernel Const 0', 'bias Const 0', 'forget Const 1', 'half Const 0.5', 'two Const 1 1'],
  ...['features Placeholder', 'image Const 0', 'embedded MatMul features image'],
  ...cell(0, 'embedded'),
  ...['ids Placeholder', 'words Const 0', 'looked GatherV2 words ids axis'],
  ...cell(1, 'looked'),
  ...['out Const 0', 'outBias Const 0', 'outProduct MatMul state1 out', 'logits BiasAdd outProduct outBias'],
  'softmax Softmax logits',
];

/** @param edits lines in the place of those of the same name, or more of them; `name op input... !flag` */
async function find(t: TestContext, ...edits: string[]) {
  const nodes = new Map<string, GraphNode>();
  const numbers: number[] = [];
  for (const line of [...LINES, ...edits]) {
    const [name, op, ...rest] = line.split(' ') as [string, string, ...string[]];
    const flags = new Map(rest.filter((word) => word.startsWith('!')).map((word) => [word.slice(1), true]));
    const inputs = rest.filter((word) => !word.startsWith('!'));
    const node: GraphNode = { name, op, inputs, offset: 9, numbers: new Map(), flags, value: null };
    if (op === 'Const' && inputs.length > 0) {
      const content = { offset: 4 * numbers.length, length: 4 * inputs.length };
      node.value = { name, dtype: FLOAT, shape: [inputs.length], content, floats: null };
      numbers.push(...inputs.map(Number));
      node.inputs = [];
    }
    nodes.set(name, node);
  }
  const file = await writtenFile(t, new Uint8Array(Float32Array.from(numbers).buffer));
  const at = (name: string) => nodes.get(name)!;
  const outputs = { softmax: at('softmax'), initialState: at('state0'), state: at('state1') };
  const graph = walkBack(file.path, nodes, Object.values(outputs));
  const found = await findDecoder(file, graph, outputs);
  return Object.fromEntries(Object.entries(found).map(([part, { name }]) => [part, name]));
}

const FOUND = {
  imageEmbedding: 'image',
  wordEmbedding: 'words',
  lstmKernel: 'kernel',
  lstmBias: 'bias',
  logitsWeights: 'out',
  logitsBiases: 'outBias',
};

const same: [what: string, ...edits: string[]][] = [
  ['as it is'],
  ['with other additions', 'logits Add outProduct outBias', 'sum1 AddV2 product1 bias'],
  ['with sums the other way round', 'logits AddV2 outBias outProduct', 'f0 AddV2 forget split0:2'],
  ['with the first form of concatenation', 'cat0 Concat axis embedded h0', 'cat1 Concat axis looked h1'],
  ['with the first form of a look-up', 'looked Gather words ids'],
  ['with a Softmax that has another name', 'softmax Identity last', 'last Softmax logits'],
  [
    'with other ranks in between',
    'cat0 ConcatV2 flat h0 axis',
    'flat Squeeze shaped',
    'shaped Reshape wide axis',
    'wide ExpandDims embedded axis',
    'cat1 ConcatV2 row h1 axis',
    'row Squeeze looked',
  ],
  [
    'with identities in between',
    'softmax Softmax read',
    'read Identity logits',
    'product0 MatMul cat0 kernelRead',
    'kernelRead Identity kernel',
  ],
  ['with a flag that says nothing', 'outProduct MatMul state1 out !fast'],
  [
    'with ninety nodes between a cell and its state',
    'state0 Op n0',
    ...Array.from({ length: 90 }, (_, i) => `n${i} Op ${i === 89 ? 'i0 j0 f0 o0' : `n${i + 1}`}`),
  ],
];
for (const [what, ...edits] of same) {
  test(`${what}: found`, async (t) => assert.deepEqual(await find(t, ...edits), FOUND));
}

const refused: [what: string, edits: string[], expected: string, actual: string][] = [
  ['no Softmax', ['softmax Sigmoid logits'], 'a Softmax at softmax', 'Sigmoid softmax'],
  ['none behind the name', ['softmax Identity logits'], 'a Softmax at softmax', 'BiasAdd logits'],
  [
    'logits without a bias',
    ['softmax Softmax outProduct'],
    'a bias added to a matrix product',
    'MatMul outProduct',
  ],
  [
    'a bias that is computed',
    ['logits Add outProduct ids'],
    'a matrix product and a constant at logits',
    'Add logits',
  ],
  [
    'a bias on no product',
    ['logits Add state1 outBias'],
    'a matrix product and a constant at logits',
    'Add logits',
  ],
  [
    'a bias without numbers',
    ['outBias Const'],
    'a matrix product and a constant at logits',
    'BiasAdd logits',
  ],
  [
    'weights that are computed',
    ['outProduct MatMul state1 ids'],
    'a product with a constant matrix',
    'MatMul outProduct',
  ],
  [
    'an image that is not embedded',
    ['cat0 ConcatV2 features h0 axis'],
    'a product with a constant matrix',
    'Placeholder features',
  ],
  [
    'products of what is turned over, first',
    ['outProduct MatMul state1 out !transpose_a'],
    'a product without transposition',
    'outProduct with one',
  ],
  [
    'or second',
    ['embedded MatMul features image !transpose_b'],
    'a product without transposition',
    'embedded with one',
  ],
  [
    'words that are not looked up',
    ['cat1 ConcatV2 ids h1 axis'],
    "a look-up in the words' embedding before the LSTM",
    'Placeholder ids',
  ],
  [
    'words in no table',
    ['looked Gather ids ids'],
    "a look-up in the words' embedding before the LSTM",
    'Gather looked',
  ],
  ['a state without a cell', ['state1 Pack ids'], 'an LSTM before state1', 'Pack state1'],
  [
    'a cell that multiplies something else',
    ['product1 MatMul h1 kernel'],
    'an LSTM that multiplies concat(x, h)',
    'Placeholder h1',
  ],
  [
    'a cell that joins x and h otherwise',
    ['cat1 constructor looked h1 axis'],
    'an LSTM that multiplies concat(x, h)',
    'constructor cat1',
  ],
  [
    'another LSTM for the image',
    ['product0 MatMul cat0 other', 'other Const 0'],
    'one LSTM for the image and the words',
    'two',
  ],
  [
    'or another bias',
    ['sum0 BiasAdd product0 other', 'other Const 0'],
    'one LSTM for the image and the words',
    'two',
  ],
  ['gates that are not split', ['split0 Unpack sum0'], 'a Split into four gates', 'Unpack split0'],
  [
    'another activation of the first gate',
    ['i1 Relu split1'],
    'Sigmoid after gate 0 of i, j, f, o',
    'Relu i1',
  ],
  ['of the second', ['j0 Sigmoid split0:1'], 'Tanh after gate 1 of i, j, f, o', 'Sigmoid j0'],
  ['of the third', ['f0 Sigmoid split0:2'], 'Add after gate 2 of i, j, f, o', 'Sigmoid f0'],
  ['of the fourth', ['o1 Tanh split1:3'], 'Sigmoid after gate 3 of i, j, f, o', 'Tanh o1'],
  ['three gates', ['o1 Sigmoid h1'], 'Sigmoid after gate 3 of i, j, f, o', 'Split split1'],
  ['another forget bias', ['f0 Add split0:2 half'], 'a forget bias of 1', '0.5 at f0'],
  ['one for each unit', ['f1 Add split1:2 two'], 'a forget bias of 1', '1 at f1'],
  ['one that is computed', ['f1 Add split1:2 h1'], 'a forget bias of 1', 'none at f1'],
  [
    'more nodes between a cell and its state than an LSTM has',
    [
      'state1 Op n0',
      ...Array.from({ length: 101 }, (_, i) => `n${i} Op ${i === 100 ? 'sum1' : `n${i + 1}`}`),
    ],
    'an LSTM before state1',
    'Op state1',
  ],
];
for (const [what, edits, expected, actual] of refused) {
  test(`${what}: refused`, async (t) => {
    await assert.rejects(find(t, ...edits), (error) => {
      assert.ok(error instanceof SourceError, String(error));
      const { code, problem } = error;
      assert.deepEqual(
        [code, problem.offset, problem.expected, problem.actual],
        ['SourceUnsupported', 9, `im2txt's inference graph: ${expected}`, actual],
      );
      return true;
    });
  });
}

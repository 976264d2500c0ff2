/** Forms of graphs that the tiny exports do not have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { branchOf } from '../../../../src/import/captioner/graphs/branches.ts';
import { captionerGraphs } from '../../../../src/import/captioner/graphs/captioner-graphs.ts';
import {
  GraphBuilder,
  integers,
  type OnnxModel,
  tensorOf,
  type ValueInfo,
} from '../../../../src/onnx/graph.ts';
import { encodeModel } from '../../../../src/onnx/write.ts';

const WIDTH = 2;
const REGIONS = 3;
const WORDS = 4;
const float = (name: string, ...dims: (string | number)[]): ValueInfo => ({ name, type: 'float32', dims });

/** Regions are rows of pixels. */
function encoder(opset = 21): OnnxModel {
  const g = new GraphBuilder();
  g.constant('cells', integers(0, REGIONS, WIDTH));
  g.node('Reshape', ['pixel_values', 'cells'], 'last_hidden_state');
  const model = g.model(
    'encoder',
    [float('pixel_values', 'N', 3, 'H', 'W')],
    [float('last_hidden_state', 'N', 'R', WIDTH)],
  );
  return { ...model, opsets: { '': opset }, irVersion: 10 };
}

/** `attend` makes [batch, 1, WIDTH] of the regions. */
function decoder(attend: (g: GraphBuilder) => string, inputs: ValueInfo[] = []): OnnxModel {
  const g = new GraphBuilder();
  g.constant(
    'table',
    tensorOf(
      Float32Array.from({ length: WORDS * WIDTH }, (_, i) => Math.sin(i)),
      [WORDS, WIDTH],
    ),
  );
  g.node('Gather', ['table', 'input_ids'], 'words');
  g.node('Add', ['words', attend(g)], 'sum');
  g.constant(
    'head',
    tensorOf(
      Float32Array.from({ length: WORDS * WIDTH }, (_, i) => Math.cos(i)),
      [WIDTH, WORDS],
    ),
  );
  g.node('MatMul', ['sum', 'head'], 'logits');
  const model = g.model(
    'decoder',
    [
      { name: 'input_ids', type: 'int64', dims: ['B', 'T'] },
      float('encoder_hidden_states', 'B', 'R', WIDTH),
      ...inputs,
    ],
    [float('logits', 'B', 'T', WORDS)],
  );
  return { ...model, opsets: { '': 21 }, irVersion: 10 };
}

const rewritten = (whole: OnnxModel, opset?: number) =>
  captionerGraphs(
    {
      model: encoder(opset),
      regions: REGIONS,
      embeddingWidth: WIDTH,
      file: 'encoder_model.onnx',
      pixels: (g, image) => {
        g.node('Cast', [image], 'samples', { to: 1 });
        return g.node('Transpose', ['samples'], 'pixels', { perm: [0, 3, 1, 2] });
      },
    },
    { whole, next: null, embed: null, file: 'decoder_model.onnx' },
  );

/** Of two images with two rows each, the log-probabilities of the next word. */
async function said({ encoder, decoder, memory }: ReturnType<typeof rewritten>): Promise<number[][]> {
  const [first, second] = await Promise.all(
    [encoder, decoder].map((model) => InferenceSession.create(encodeModel(model))),
  );
  const image = Uint8Array.from({ length: 2 * 3 * 2 }, (_, i) => i % 5);
  const kept = await first!.run({ image: new Tensor('uint8', image, [2, 1, 2, 3]) });
  const ids = (...values: bigint[]) => new Tensor('int64', BigInt64Array.from(values), [values.length]);
  const out = await second!.run({
    word: ids(0n, 1n, 2n, 3n),
    parent: ids(0n, 1n, 2n, 3n),
    k: ids(1n),
    'state.0': new Tensor('int64', new BigInt64Array(0), [4, 0]),
    ...Object.fromEntries(memory.map((_, i) => [`memory.${i}`, kept[`memory.${i}`]!])),
  });
  const all = Array.from(out.log_probabilities!.data as Float32Array);
  return [0, 1, 2, 3].map((row) => all.slice(row * WORDS, (row + 1) * WORDS));
}

/** The same by hand. */
function expected(region: (cells: number[][], row: number) => number[]): number[][] {
  const image = Array.from({ length: 12 }, (_, i) => i % 5);
  return [0, 1, 2, 3].map((row) => {
    const pixels = image.slice(row < 2 ? 0 : 6).slice(0, 6);
    // Channels first, then cut into rows of two.
    const planes = [0, 1, 2].flatMap((channel) => [pixels[channel]!, pixels[3 + channel]!]);
    const cells = [0, 1, 2].map((cell) => planes.slice(2 * cell, 2 * cell + 2));
    const of = region(cells, row);
    const sum = [0, 1].map((i) => Math.sin(row * WIDTH + i) + of[i]!);
    const logits = [0, 1, 2, 3].map((word) => sum[0]! * Math.cos(word) + sum[1]! * Math.cos(WORDS + word));
    const total = Math.log(logits.reduce((all, value) => all + Math.exp(value), 0));
    return logits.map((value) => value - total);
  });
}

function near(actual: number[][], wanted: number[][]): void {
  for (const [i, value] of actual.flat().entries()) {
    assert.ok(Math.abs(value - wanted.flat()[i]!) < 1e-5, `${value}, not ${wanted.flat()[i]}`);
  }
}

const mean = (cells: number[][]) =>
  [0, 1].map((i) => cells.reduce((sum, cell) => sum + cell[i]!, 0) / REGIONS);

test('what is the image’s and in no product of matrices is repeated for each row', async () => {
  const graphs = rewritten(
    decoder((g) => {
      g.constant('regions', integers(1));
      return g.node('ReduceMean', ['encoder_hidden_states', 'regions'], 'mean', { keepdims: 1 });
    }),
  );
  assert.deepEqual(graphs.memory, [{ dtype: 'float32', shape: ['images', 1, 1, WIDTH] }]);
  near(await said(graphs), expected(mean));
});

test('what has no row for each image is computed in every step', async () => {
  const graphs = rewritten(
    decoder((g) => {
      // Regions first, as fairseq has them, times the first word's id.
      g.node('Transpose', ['encoder_hidden_states'], 'regions_first', { perm: [1, 0, 2] });
      g.constant('first', tensorOf(BigInt64Array.of(0n), []));
      g.node('Gather', ['input_ids', 'first'], 'first_ids', { axis: 1 });
      g.node('Cast', ['first_ids'], 'scales', { to: 1 });
      g.constant('middle', integers(1, -1, 1));
      g.node('Reshape', ['scales', 'middle'], 'scales_in_the_middle');
      g.node('Mul', ['regions_first', 'scales_in_the_middle'], 'scaled');
      g.constant('regions', integers(0));
      g.node('ReduceMean', ['scaled', 'regions'], 'mean', { keepdims: 0 });
      g.constant('words_axis', integers(1));
      return g.node('Unsqueeze', ['mean', 'words_axis'], 'mean_of_words');
    }),
  );
  assert.deepEqual(graphs.memory, [{ dtype: 'float32', shape: ['images', 1, REGIONS, WIDTH] }]);
  near(
    await said(graphs),
    expected((cells, row) => mean(cells).map((value) => value * row)),
  );
});

test('a slice to the largest int64 goes to the end', async () => {
  const graphs = rewritten(
    decoder((g) => {
      g.constant('begin', integers(1));
      g.constant('end', tensorOf(BigInt64Array.of(2n ** 63n - 1n)));
      g.constant('axis', integers(1));
      // The words' rows are read as well, so that this stays in the step.
      g.node('Gather', ['table', 'input_ids'], 'rows');
      g.constant('none', tensorOf(Float32Array.of(0)));
      g.node('Mul', ['rows', 'none'], 'zeros');
      g.node('Add', ['encoder_hidden_states', 'zeros'], 'cells');
      g.node('Slice', ['cells', 'begin', 'end', 'axis'], 'last');
      return g.node('ReduceMean', ['last', 'axis'], 'mean', { keepdims: 1 });
    }),
  );
  near(
    await said(graphs),
    expected((cells) => [0, 1].map((i) => (cells[1]![i]! + cells[2]![i]!) / 2)),
  );
});

test('an input that nothing is known of is refused by its name', () => {
  const strange = decoder((g) => g.node('Identity', ['strange'], 'same'), [float('strange', 'B', 1, WIDTH)]);
  assert.throws(() => rewritten(strange), {
    code: 'SourceUnsupported',
    message: /decoder_model\.onnx.*"strange"/,
  });
});

test('files of different opsets are refused', () => {
  const plain = decoder((g) => g.node('Identity', ['encoder_hidden_states'], 'same'));
  assert.throws(() => rewritten(plain, 14), { code: 'SourceUnsupported', message: /--opset/ });
});

test('files of a later format than onnxruntime reads are written in one that it reads', () => {
  const plain = decoder((g) => g.node('Identity', ['encoder_hidden_states'], 'same'));
  const { encoder, decoder: step } = rewritten({ ...plain, irVersion: 14 });
  assert.deepEqual([encoder.irVersion, step.irVersion], [10, 10]);
});

test('a branch keeps apart what it calls as the outside does', () => {
  const branch = (op: string) => {
    const g = new GraphBuilder();
    g.constant('one', tensorOf(Float32Array.of(1)));
    g.node(op, ['x', 'one'], 'logits');
    return { graph: g.graph(op, [], [float('logits', 'B')]) };
  };
  const g = new GraphBuilder();
  const branches = { then_branch: branch('Add'), else_branch: branch('Sub') };
  g.node('If', ['use_cache_branch'], 'logits', branches);
  const flag: ValueInfo = { name: 'use_cache_branch', type: 'bool', dims: [1] };
  const merged = g.model('merged', [float('x', 'B'), flag], [float('logits', 'B')]);
  for (const [withCache, op] of [
    [true, 'Add'],
    [false, 'Sub'],
  ] as const) {
    const { nodes, inputs, constants } = branchOf(merged, withCache);
    assert.deepEqual(
      nodes.map((node) => node.op),
      [op, 'Identity'],
    );
    assert.notEqual(nodes[0]!.outputs[0], 'logits');
    assert.deepEqual([inputs.map(({ name }) => name), [...constants.keys()]], [['x'], ['one']]);
  }
});

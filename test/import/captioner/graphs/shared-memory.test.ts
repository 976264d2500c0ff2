/** What is kept of an image is computed once, and all hypotheses of all images share it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OnnxModel } from '../../../../src/onnx/graph.ts';
import { begun, readGolden, resized, rewritten, step, type Tiny } from './tiny-captioners.ts';

const KINDS = ['vit-gpt2-merged', 'vit-trocr-merged', 'deit-roberta', 'florence2'];
const IMAGES = 2;
const ROWS = 3;
const STEPS = 4;

for (const kind of KINDS) {
  test(`${kind}: three hypotheses of two images at once are what each is alone`, async () => {
    const tiny = await rewritten(kind);
    const photographs = readGolden(kind).photographs.slice(0, IMAGES);
    const images = await Promise.all(photographs.map((path) => resized(tiny.image, path)));
    const together = await searched(tiny, images);
    for (let row = 0; row < IMAGES * ROWS; row++) {
      const alone = await alonely(tiny, images[Math.floor(row / ROWS)]!, together.words[row]!);
      const difference = largestDifference(alone, together.last[row]!);
      assert.ok(difference < 1e-5 * largest(alone), `row ${row}: ${difference}`);
    }
  });

  test(`${kind}: the decoder reads what the encoder keeps, and nothing else of the image`, async () => {
    const { graphs } = await rewritten(kind);
    const memory = graphs.memory.map((_, i) => `memory.${i}`);
    const states = graphs.state.map((_, i) => `state.${i}`);
    assert.deepEqual(names(graphs.decoder.inputs), ['word', 'parent', 'k', ...states, ...memory]);
    assert.deepEqual(names(graphs.encoder.outputs), ['region_embeddings', ...memory]);
    assert.equal(repeats(graphs.decoder), 0);
    for (const { shape } of graphs.memory) assert.equal(shape[0], 'images');
  });
}

const names = (values: OnnxModel['inputs']) => values.map(({ name }) => name);

/** Nodes that copy what is kept of an image for each of its rows. */
const repeats = ({ nodes }: OnnxModel) =>
  nodes.filter(
    ({ op, inputs }) => op !== 'MatMul' && op !== 'Shape' && inputs.some((i) => i.startsWith('memory.')),
  ).length;

/** Rows that continue others: in the second step row 1 goes on from row 2 and so on. */
async function searched(tiny: Tiny, images: Uint8Array[]) {
  const count = images.length * ROWS;
  const parents = Array.from({ length: count }, (_, row) => row - (row % ROWS) + ((row + 1) % ROWS));
  let words: number[][] = Array.from({ length: count }, () => []);
  let row = await begun(tiny, images, ROWS);
  let last: Float32Array[] = [];
  for (let i = 0; i < STEPS; i++) {
    const from = i === 0 ? parents.map((_, row) => row) : parents;
    words = from.map((parent, row) => [...words[parent]!, 5 + 7 * row + i]);
    const stepped = await step(
      tiny,
      row,
      words.map((said) => said.at(-1)!),
      from,
    );
    last = stepped.logProbabilities;
    row = stepped;
  }
  return { words, last };
}

async function alonely(tiny: Tiny, image: Uint8Array, words: number[]): Promise<Float32Array> {
  let row = await begun(tiny, [image], 1);
  let last: Float32Array | undefined;
  for (const word of words) {
    const stepped = await step(tiny, row, [word], [0]);
    [last] = stepped.logProbabilities;
    row = stepped;
  }
  return last!;
}

const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

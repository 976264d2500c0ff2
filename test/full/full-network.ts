/**
 * The network at full size, from a checkpoint of 149 MB that is written here by the golden data's formula:
 * `npm run test:full`. What the original TensorFlow code answered for it is in `fixtures/golden/full.json`.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { importWeights } from '../../src/import/import-weights.ts';
import type { Draft } from '../../src/model/write-bundle.ts';
import { quantizeBundle } from '../../src/quantize/quantize-bundle.ts';
import {
  checkFromFiles,
  checkFromStates,
  type GoldenSearches,
  lstmState,
  type OpenBundle,
  openBundle,
} from '../import/bundle-parity.ts';
import { goldenImage, goldenInput } from '../import/network/golden-network.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { readSamples } from '../support/samples.ts';
import { FULL, writeFullCheckpoint } from './full-checkpoint.ts';

/** Embeddings of INT8 and fp32 point the same way to within this cosine. */
const COSINE = 0.999;
/**
 * Of images whose embedding has at least this share of the largest one's length: random weights answer nearly nothing
 * to two flat pictures (bricks, a thumbnail), and nearly nothing has no direction.
 */
const ANSWERED = 0.1;
/** Mean absolute difference of the log-probabilities of the caption's words, INT8 to fp32. */
const LOG_PROBABILITY = 0.02;

describe('the full im2txt network', () => {
  const golden = JSON.parse(readFileSync(FULL, 'utf8')) as GoldenSearches;
  let place: ReturnType<typeof temporaryDirectory>;
  let draft: Draft;
  let fp32: OpenBundle;

  before(async () => {
    place = temporaryDirectory();
    const { prefix, vocabulary } = await writeFullCheckpoint(place.path);
    const started = performance.now();
    ({ draft } = await importWeights({
      from: prefix,
      vocabulary,
      repairVocabulary: false,
      out: join(place.path, 'fp32'),
      name: 'full',
      license: 'none',
    }));
    console.log(`imported in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    fp32 = await openBundle(draft.directory);
  });
  after(async () => {
    await fp32.captioner.close();
    await draft.discard();
    place.dispose();
  });

  it('says from each image file what the original code says', () => checkFromFiles(fp32, golden));

  it('searches from TensorFlow’s states as the original code does', () => checkFromStates(fp32, golden));

  it('keeps its embeddings and probabilities in INT8', async () => {
    const started = performance.now();
    const { draft: quantized } = await quantizeBundle({
      directory: draft.directory,
      images: readSamples().map(({ bytes }) => bytes),
      out: join(place.path, 'int8'),
      name: 'full-int8',
      onProgress: () => undefined,
    });
    console.log(`quantized in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const int8 = await openBundle(quantized.directory);
    const compared: { length: number; cosine: number }[] = [];
    const differences: number[] = [];
    for (const { file } of golden.images) {
      const image = await goldenInput(goldenImage(file));
      const [a, b] = [await fp32.encode([image]), await int8.encode([image])];
      compared.push({ length: length(a.embeddings), cosine: cosine(a.embeddings, b.embeddings) });
      differences.push(await differenceOfSteps(fp32, int8, golden, file));
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const longest = Math.max(...compared.map((c) => c.length));
    const cosines = compared.filter((c) => c.length >= ANSWERED * longest).map((c) => c.cosine);
    const least = Math.min(...cosines);
    console.log(
      `${cosines.length} images: least cosine ${least}, mean log-probability difference ${mean(differences)}`,
    );
    assert.ok(cosines.length >= golden.images.length - 2);
    assert.ok(least >= COSINE, `cosine ${least}`);
    assert.ok(mean(differences) <= LOG_PROBABILITY, `log-probabilities ${mean(differences)} apart`);
    await int8.captioner.close();
    await quantized.discard();
  });
});

const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
const length = (x: Float32Array) => Math.sqrt(dot(x, x));
const cosine = (x: Float32Array, y: Float32Array) => dot(x, y) / (length(x) * length(y));

/** Of the words of TensorFlow's best caption, from its state. */
async function differenceOfSteps(
  fp32: OpenBundle,
  int8: OpenBundle,
  golden: GoldenSearches,
  file: string,
): Promise<number> {
  const { initial_state, searches } = golden.images.find((i) => i.file === file)!.default;
  const { vocabulary } = fp32.bundle.manifest;
  const ids = searches[0]!.captions[0]!.ids;
  let state = lstmState(initial_state);
  const differences: number[] = [];
  for (let i = 0; i + 1 < ids.length; i++) {
    const input = { words: [ids[i]!], parents: [0], state, k: vocabulary.logits };
    const [a, b] = [await fp32.decoder.step(input), await int8.decoder.step(input)];
    const next = (step: typeof a) => step.logProbabilities[step.ids.indexOf(ids[i + 1]!)]!;
    differences.push(Math.abs(next(a) - next(b)));
    ({ state } = a);
  }
  return differences.reduce((sum, d) => sum + d, 0) / differences.length;
}

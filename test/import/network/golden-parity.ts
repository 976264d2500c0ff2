/** Holds the written graphs to what TensorFlow answered for the same weights. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import type { NetworkImage } from '../../../src/caption/ports.ts';
import { type DecoderGraph, decoderGraph } from '../../../src/import/network/decoder-graph.ts';
import { type EncoderGraph, encoderGraph } from '../../../src/import/network/encoder-graph.ts';
import { encoderFeeds } from '../../../src/model/networks/encoder-feeds.ts';
import { GraphBuilder, type OnnxModel, type ValueInfo } from '../../../src/onnx/graph.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { type Golden, type GoldenStep, goldenImage, goldenInput, goldenWeights } from './golden-network.ts';

/** LSTM states and log-probabilities; TensorFlow's own spread is 5e-6 and 2e-5 (golden README). */
export const TENSORFLOW = 1e-4;

export interface Network {
  golden: Golden;
  encoder: EncoderGraph;
  decoder: DecoderGraph;
  encode: InferenceSession;
  decode: InferenceSession;
}

/** Graphs by the formula's weights, opened in onnxruntime. */
export async function openNetwork(golden: Golden): Promise<Network> {
  const weights = goldenWeights(golden);
  const encoder = encoderGraph(weights);
  const decoder = decoderGraph(weights);
  return {
    golden,
    encoder,
    decoder,
    encode: await open(encodeModel(encoder.model)),
    decode: await open(encodeModel(decoder.model)),
  };
}

export function open(model: Uint8Array, threads = 2): Promise<InferenceSession> {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  return InferenceSession.create(model, { intraOpNumThreads: threads, logSeverityLevel: 3 });
}

export const feedsOf = (...images: NetworkImage[]) => encoderFeeds(images, IM2TXT_INPUT);

export async function embeddingOf({ encode }: Network, image: NetworkImage): Promise<Float32Array> {
  const out = await encode.run(feedsOf(image), ['image_embedding']);
  return out.image_embedding!.data as Float32Array;
}

/** The encoder as versions up to 1.0.0 wrote it: `image` is resampled already, float32 NHWC, -1 to 1. */
export function withoutResampler({ nodes, ...model }: OnnxModel): OnnxModel {
  const g = new GraphBuilder();
  g.node('Transpose', ['image'], 'resampled', { perm: [0, 3, 1, 2] });
  const rest = nodes.slice(1 + nodes.findIndex(({ outputs }) => outputs.includes('resampled')));
  const inputs: ValueInfo[] = [{ name: 'image', type: 'float32', dims: ['N', 299, 299, 3] }];
  return { ...model, inputs, nodes: [...g.nodes, ...rest] };
}

async function embeddingOfResampled({ encoder }: Network, pixels: Float32Array): Promise<Float32Array> {
  const session = await open(encodeModel(withoutResampler(encoder.model)));
  const out = await session.run({ image: new Tensor('float32', pixels, [1, 299, 299, 3]) });
  return out.image_embedding!.data as Float32Array;
}

export interface StepResult {
  state: Float32Array;
  /** `[B, V]`. */
  logProbabilities: Float32Array;
  topLogProbabilities: Float32Array;
  topIds: number[];
}

/** One decoder run; `embeddings` stays zeros where no row reads an image. */
export async function step(
  decode: InferenceSession,
  words: readonly number[],
  state: Float32Array,
  embeddingWidth: number,
  embeddings: Float32Array = new Float32Array(words.length * embeddingWidth),
  k = 5,
): Promise<StepResult> {
  const rows = words.length;
  const out = await decode.run({
    word: new Tensor('int64', BigInt64Array.from(words, BigInt), [rows]),
    image_embedding: new Tensor('float32', embeddings, [rows, embeddingWidth]),
    state: new Tensor('float32', state, [rows, state.length / rows]),
    k: new Tensor('int64', BigInt64Array.of(BigInt(k)), [1]),
  });
  return {
    state: out.next_state!.data as Float32Array,
    logProbabilities: out.log_probabilities!.data as Float32Array,
    topLogProbabilities: out.top_log_probabilities!.data as Float32Array,
    topIds: Array.from(out.top_ids!.data as BigInt64Array, Number),
  };
}

/** The state after reading an image's embedding. */
export async function initialState(network: Network, embedding: Float32Array): Promise<Float32Array> {
  const { stateWidth, embeddingWidth } = network.decoder;
  const zeros = new Float32Array(stateWidth);
  return (await step(network.decode, [-1], zeros, embeddingWidth, embedding)).state;
}

/** Embedding and state of one golden image, decoded as libvips does. */
export async function checkImage(network: Network, file: string): Promise<void> {
  const { accurate } = network.golden.images.find((i) => i.file === file)!;
  const embedding = await embeddingOf(network, await goldenInput(goldenImage(file)));
  const { index, value } = accurate.image_embedding.sample;
  // Embeddings are larger than states: measured against the largest value of this one.
  const largest = Math.max(Math.abs(accurate.image_embedding.min), accurate.image_embedding.max);
  assertClose(pick(embedding, index), value, TENSORFLOW * largest, `${file}: image embedding`);
  assertClose(await initialState(network, embedding), accurate.initial_state, TENSORFLOW, `${file}: state`);
}

/** From pixels that TensorFlow itself prepared, through all steps. */
export async function checkPreparedImage(network: Network): Promise<void> {
  const file = 'chelsea-small-64x48.jpg';
  const golden = network.golden.images.find((i) => i.file === file)!.default;
  const bytes = gunzipSync(
    readFileSync(new URL('../../fixtures/golden/preprocessed-small.f32.gz', import.meta.url)),
  );
  const pixels = new Float32Array(new Uint8Array(bytes).buffer);
  const state = await initialState(network, await embeddingOfResampled(network, pixels));
  assertClose(state, golden.initial_state, TENSORFLOW, `${file}: state`);
  await checkCaption(network, file, state, golden.teacher_forced);
}

/** The words of the best caption, one by one, from TensorFlow's state. */
export async function checkTeacherForcing(network: Network, file: string): Promise<void> {
  const golden = network.golden.images.find((i) => i.file === file)!.default;
  await checkCaption(network, file, Float32Array.from(golden.initial_state), golden.teacher_forced);
}

async function checkCaption(
  { decode, decoder, golden }: Network,
  file: string,
  initial: Float32Array,
  steps: readonly GoldenStep[],
): Promise<void> {
  let state = initial;
  for (const [i, expected] of steps.entries()) {
    const found = await step(decode, [expected.input], state, decoder.embeddingWidth);
    const what = `${file}, word ${i}`;
    const words = [...expected.top_ids, golden.vocabulary.end_id, expected.next];
    const wanted = [...expected.top_logprobs, expected.end_logprob, expected.next_logprob];
    assertClose(pick(found.logProbabilities, words), wanted, TENSORFLOW, `${what}: log-probabilities`);
    assert.deepEqual(found.topIds, expected.top_ids, what);
    const { index, value } = expected.state_sample;
    assertClose(pick(found.state, index), value, TENSORFLOW, `${what}: state`);
    if (expected.softmax)
      assertClose(found.logProbabilities.map(Math.exp), expected.softmax, TENSORFLOW, what);
    state = found.state;
  }
}

export const pick = (values: ArrayLike<number>, indices: readonly number[]): number[] =>
  indices.map((i) => values[i]!);

export function assertClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(found.length, expected.length, what);
  let worst = 0;
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!));
  assert.ok(worst <= tolerance, `${what}: off by ${worst}, at most ${tolerance} allowed`);
}

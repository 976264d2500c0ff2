/** onnxruntime sessions as the core's `Encode` and `Step`. */
import { fileURLToPath } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { type ImageInput, resamplesInGraph } from '../caption/image-input.ts';
import type { Encode, NetworkImage, Step } from '../caption/ports.ts';
import { type ModelProblem, ModelUnusable } from '../errors.ts';
import type { Manifest } from './bundle.ts';
import type { ExecutionProvider } from './execution-provider.ts';
import { isOutOfMemory, outOfMemory } from './memory/out-of-memory.ts';
import { onnxruntime } from './native/native-parts.ts';

export interface SessionSettings {
  /** Threads inside one run; 1 or more. */
  threads: number;
  executionProvider: ExecutionProvider;
}

/** A graph's agreed inputs and outputs: name to dtype and shape, `null` for a free dimension. */
export type Signature = Record<string, { dtype: Tensor.Type; shape: (number | null)[] }>;

export interface GraphContract {
  inputs: Signature;
  outputs: Signature;
}

/** What the encoder of a bundle takes and gives. */
export function encoderContract(manifest: Manifest): GraphContract {
  const { image, embeddingWidth, regions } = manifest;
  return {
    inputs: resamplesInGraph(image)
      ? {
          pixels: { dtype: 'uint8', shape: [null, null, null, 3] },
          sizes: { dtype: 'int64', shape: [null, 2] },
        }
      : { image: { dtype: image.dtype, shape: [null, image.height, image.width, 3] } },
    outputs: {
      image_embedding: { dtype: 'float32', shape: [null, embeddingWidth] },
      region_embeddings: { dtype: 'float32', shape: [null, regions, embeddingWidth] },
    },
  };
}

/** What the decoder of a bundle takes and gives: one step over B hypotheses. */
export function decoderContract({ embeddingWidth, stateWidth, vocabulary }: Manifest): GraphContract {
  return {
    inputs: {
      word: { dtype: 'int64', shape: [null] },
      image_embedding: { dtype: 'float32', shape: [null, embeddingWidth] },
      state: { dtype: 'float32', shape: [null, stateWidth] },
      k: { dtype: 'int64', shape: [1] },
    },
    outputs: {
      next_state: { dtype: 'float32', shape: [null, stateWidth] },
      top_log_probabilities: { dtype: 'float32', shape: [null, null] },
      top_ids: { dtype: 'int64', shape: [null, null] },
      log_probabilities: { dtype: 'float32', shape: [null, vocabulary.logits] },
    },
  };
}

/**
 * onnxruntime 1.29 and later report usage to their maker unless told not to, before the first session is made. What a
 * deployment captions must not leave it; and the reporting code ends the process by a segmentation fault when
 * the command line is longer than about 32 kB. Worker threads must share the process' environment for this to reach.
 */
export function refuseTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}

/**
 * Opens a graph and holds it to its contract.
 * @param file by path: onnxruntime then maps the file, a buffer would be held twice
 * @throws ModelUnusable; Overloaded where memory ran out
 */
export async function openSession(
  file: string,
  contract: GraphContract,
  settings: SessionSettings,
): Promise<InferenceSession> {
  refuseTelemetry();
  const { InferenceSession } = onnxruntime();
  const session = await InferenceSession.create(file, sessionOptions(settings)).catch((cause: unknown) => {
    // Of the machine, not of the bundle: the next start may find enough.
    if (isOutOfMemory(cause)) throw outOfMemory(cause);
    const actual = cause instanceof Error ? cause.message : String(cause);
    throw new ModelUnusable(whyUnopened(file, actual, settings.executionProvider), { cause });
  });
  checkSignature(file, 'input', contract.inputs, session.inputMetadata);
  checkSignature(file, 'output', contract.outputs, session.outputMetadata);
  return session;
}

/** A provider or a graph: onnxruntime gives both failures one type, and names the provider in the message. */
function whyUnopened(file: string, actual: string, provider: ExecutionProvider): ModelProblem {
  if (provider === 'cuda' && /cuda|cudnn|cublas/i.test(actual)) {
    return { file, expected: 'onnxruntime to start its CUDA provider', actual, remedy: cudaRemedy() };
  }
  const remedy = `Import or train it again; it must run on execution provider ${provider}.`;
  return { file, expected: 'a graph that onnxruntime opens', actual, remedy };
}

/** The package has no CUDA provider, which is 300 MB; the wheel of the same version has the same library. */
function cudaRemedy(): string {
  const version = onnxruntime().env.versions.node;
  const libraries = `../bin/napi-v6/${process.platform}/${process.arch}/`;
  const directory = fileURLToPath(new URL(libraries, import.meta.resolve('onnxruntime-node')));
  return (
    `Use the CUDA container (infra/container/build.sh), or unpack libonnxruntime_providers_cuda.so and ` +
    `libonnxruntime_providers_shared.so of the Python wheel onnxruntime-gpu ${version} into ${directory}, ` +
    'where CUDA 13, cuDNN 9 and a driver for them are installed; or leave out --execution-provider cuda.'
  );
}

function sessionOptions({ threads, executionProvider }: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: [executionProvider],
    // Unset, onnxruntime takes the host's physical cores, whatever the container may use.
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Two sessions take turns a hundred times a caption: spinning pools would fight for the cores.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  };
}

function checkSignature(
  file: string,
  kind: 'input' | 'output',
  expected: Signature,
  found: readonly InferenceSession.ValueMetadata[],
): void {
  for (const [name, want] of Object.entries(expected)) {
    const have = found.find((m) => m.name === name);
    const shown = have?.isTensor ? `${have.type} [${have.shape.join(', ')}]` : have ? 'no tensor' : 'none';
    const fits = have?.isTensor === true && have.type === want.dtype && shapesAgree(want.shape, have.shape);
    if (fits) continue;
    throw new ModelUnusable({
      file,
      expected: `${kind} "${name}" ${want.dtype} [${want.shape.map((d) => d ?? '?').join(', ')}]`,
      actual: have ? shown : `${kind}s ${found.map((m) => m.name).join(', ') || 'none'}`,
      remedy: 'The manifest and this graph do not belong together: import or train the model again.',
    });
  }
}

/** Symbolic dimensions (strings) may stand for anything. */
function shapesAgree(want: readonly (number | null)[], have: readonly (number | string)[]): boolean {
  return (
    want.length === have.length &&
    want.every((d, i) => d === null || typeof have[i] === 'string' || have[i] === d)
  );
}

/**
 * The mean of the regions is made here: onnxruntime sums in another order for one image than for several, and all else that it
 * does is the same to the bit.
 */
export function encoderOf(session: InferenceSession, { image, embeddingWidth }: Manifest): Encode {
  return async (images) => {
    const out = await session.run(encoderFeeds(images, image), ['region_embeddings']);
    const regions = floats(out.region_embeddings);
    return { embeddings: meansOf(regions, images.length, embeddingWidth), regions };
  };
}

/** @returns `[images, width]` of `[images, R, width]` */
function meansOf(values: Float32Array, images: number, width: number): Float32Array {
  const means = new Float32Array(images * width);
  const each = values.length / images;
  const sum = new Float64Array(width);
  for (let image = 0; image < images; image++) {
    sum.fill(0);
    for (let row = image * each; row < (image + 1) * each; row += width) {
      for (let i = 0; i < width; i++) sum[i]! += values[row + i]!;
    }
    for (let i = 0; i < width; i++) means[image * width + i] = (sum[i]! * width) / each;
  }
  return means;
}

/** The encoder's inputs for one or more images. */
export function encoderFeeds(images: readonly NetworkImage[], input: ImageInput): Record<string, Tensor> {
  const { Tensor } = onnxruntime();
  const pixels = new Tensor(input.dtype, ...stack(images));
  if (!resamplesInGraph(input)) return { image: pixels };
  const sizes = images.flatMap(({ height, width }) => [BigInt(height), BigInt(width)]);
  return { pixels, sizes: new Tensor('int64', BigInt64Array.from(sizes), [images.length, 2]) };
}

/**
 * One after the other, each in the upper left corner of as many rows and columns as the largest has.
 * @returns NHWC and the shape
 */
function stack(images: readonly NetworkImage[]): [Uint8Array | Float32Array, number[]] {
  const rows = Math.max(...images.map((image) => image.rows));
  const columns = Math.max(...images.map((image) => image.columns));
  const shape = [images.length, rows, columns, 3];
  const first = images[0]!.pixels;
  if (images.length === 1) return [first, shape];
  const [row, each] = [3 * columns, 3 * columns * rows];
  const all =
    first instanceof Float32Array
      ? new Float32Array(images.length * each)
      : new Uint8Array(images.length * each);
  for (const [i, image] of images.entries()) {
    const own = 3 * image.columns;
    // Rows of the full width lie as they will.
    const run = own === row ? image.pixels.length : own;
    for (let from = 0, at = i * each; from < image.pixels.length; from += run, at += row) {
      all.set(image.pixels.subarray(from, from + run), at);
    }
  }
  return [all, shape];
}

export function stepOf(session: InferenceSession, { embeddingWidth, stateWidth }: Manifest): Step {
  const { Tensor } = onnxruntime();
  const fetches = ['next_state', 'top_log_probabilities', 'top_ids'];
  return async ({ words, embeddings, state, k, all = false }) => {
    const rows = words.length;
    const out = await session.run(
      {
        word: new Tensor('int64', BigInt64Array.from(words, BigInt), [rows]),
        image_embedding: new Tensor('float32', embeddings, [rows, embeddingWidth]),
        state: new Tensor('float32', state, [rows, stateWidth]),
        k: new Tensor('int64', BigInt64Array.of(BigInt(k)), [1]),
      },
      all ? [...fetches, 'log_probabilities'] : fetches,
    );
    return {
      state: floats(out.next_state),
      logProbabilities: floats(out.top_log_probabilities),
      ids: Int32Array.from(out.top_ids!.data as BigInt64Array, Number),
      ...(all && { all: floats(out.log_probabilities) }),
    };
  };
}

function floats(tensor: Tensor | undefined): Float32Array {
  // Names and dtypes were checked when the session was opened.
  return tensor!.data as Float32Array;
}

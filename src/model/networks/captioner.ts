/**
 * An encoder and a decoder with attention between them, as `import` writes them of exports of Hugging Face: what the decoder
 * reads of an image (the keys and values of its cross-attention) is computed once, its cache is reordered inside its graph.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Decoder, DecoderState } from '../../caption/ports.ts';
import type { CaptionerManifest } from '../manifest.ts';
import { onnxruntime } from '../native/native-parts.ts';
import { encoderFeeds, encoderInputs } from './encoder-feeds.ts';
import { floats, meansOf, type Network } from './network.ts';
import type { Signature } from './session.ts';

type TensorSpec = CaptionerManifest['state' | 'memory'][number];

interface CacheState extends DecoderState {
  /** One for each of the manifest's `state`; rows as the graph had them. */
  cache: readonly Tensor[];
  /** Where each row of the search is among those of the cache. */
  at: readonly number[];
  /** Image of each row, its place in `memory`. */
  image: readonly number[];
  /** Of the images that are still searched for. */
  memory: readonly Tensor[];
}

export function captioner(manifest: CaptionerManifest): Network {
  const { image, embeddingWidth, regions, tokens, state, memory } = manifest;
  const remembered = signatureOf('memory', memory);
  return {
    encoder: {
      inputs: encoderInputs(image),
      outputs: {
        region_embeddings: { dtype: 'float32', shape: [null, regions, embeddingWidth] },
        ...remembered,
      },
    },
    decoder: {
      inputs: {
        word: { dtype: 'int64', shape: [null] },
        parent: { dtype: 'int64', shape: [null] },
        k: { dtype: 'int64', shape: [1] },
        ...signatureOf('state', state),
        ...remembered,
      },
      outputs: {
        top_log_probabilities: { dtype: 'float32', shape: [null, null] },
        top_ids: { dtype: 'int64', shape: [null, null] },
        log_probabilities: { dtype: 'float32', shape: [null, tokens.logits] },
        ...signatureOf('next', state),
      },
    },
    encode: (session) => async (images) => {
      const out = await session.run(encoderFeeds(images, image), [
        'region_embeddings',
        ...Object.keys(remembered),
      ]);
      const cells = floats(out.region_embeddings);
      return {
        embeddings: meansOf(cells, images.length, embeddingWidth),
        regions: cells,
        memory: memory.map((_, i) => out[`memory.${i}`]!),
      };
    },
    decode: (session) => cachingDecoder(session, manifest),
  };
}

function signatureOf(name: string, specs: readonly TensorSpec[]): Signature {
  return Object.fromEntries(
    specs.map(({ dtype, shape }, i) => [
      `${name}.${i}`,
      { dtype, shape: shape.map((d) => (typeof d === 'number' ? d : null)) },
    ]),
  );
}

function cachingDecoder(session: InferenceSession, { state: specs }: CaptionerManifest): Decoder {
  const { Tensor } = onnxruntime();
  const nexts = specs.map((_, i) => `next.${i}`);
  const fetches = [...nexts, 'top_log_probabilities', 'top_ids'];
  const integers = (values: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);
  return {
    async start({ memory }, places) {
      const rows = places.length;
      const image = places.map((_, row) => row);
      return {
        rows,
        cache: specs.map((spec) => emptyTensor(spec, rows)),
        at: image,
        image,
        memory: (memory as readonly Tensor[]).map((tensor) => rowsOf(tensor, places)),
      } satisfies CacheState;
    },
    async step({ words, parents, state, k, all = false }) {
      const { cache, at, image, memory } = state as CacheState;
      const images = [...new Set(parents.map((row) => image[row]!))];
      const layout = layRows(parents.map((row) => images.indexOf(image[row]!)));
      const left = memory.map((tensor) => rowsOf(tensor, images));
      const out = await session.run(
        {
          word: integers(layout.rows.map((row) => words[row]!)),
          parent: integers(layout.rows.map((row) => at[parents[row]!]!)),
          k: integers([k]),
          ...Object.fromEntries(cache.map((tensor, i) => [`state.${i}`, tensor])),
          ...Object.fromEntries(left.map((tensor, i) => [`memory.${i}`, tensor])),
        },
        all ? [...fetches, 'log_probabilities'] : fetches,
      );
      const ranked = rowsOf(out.top_log_probabilities!, layout.at);
      const ids = rowsOf(out.top_ids!, layout.at).data as BigInt64Array;
      const next: CacheState = {
        rows: words.length,
        cache: nexts.map((name) => out[name]!),
        at: layout.at,
        image: layout.image,
        memory: left,
      };
      return {
        state: next,
        logProbabilities: floats(ranked),
        ids: Int32Array.from(ids, Number),
        ...(all && { all: floats(rowsOf(out.log_probabilities!, layout.at)) }),
      };
    },
  };
}

/**
 * The graph takes as many rows of each image: where one has fewer, its last one comes again.
 * @param image of each row, from 0 on, rising
 */
function layRows(image: readonly number[]): {
  /** Of the search, in the order in which the graph takes them. */
  rows: number[];
  /** Where each row of the search then is. */
  at: number[];
  image: readonly number[];
} {
  const groups = Map.groupBy(image.keys(), (row) => image[row]!);
  const most = Math.max(...[...groups.values()].map((rows) => rows.length));
  const rows: number[] = [];
  const at: number[] = [];
  for (const own of groups.values()) {
    for (let i = 0; i < most; i++) {
      if (i < own.length) at.push(rows.length);
      rows.push(own[Math.min(i, own.length - 1)]!);
    }
  }
  return { rows, at, image };
}

/** Nothing said yet: a length of 0. */
function emptyTensor({ dtype, shape }: TensorSpec, rows: number): Tensor {
  const { Tensor } = onnxruntime();
  const dims = shape.map((d) => (d === 'rows' ? rows : d === 'length' ? 0 : (d as number)));
  return new Tensor(dtype, dtype === 'int64' ? new BigInt64Array(0) : new Float32Array(0), dims);
}

/** Those rows of a tensor, in their order; itself where they are all of it, a view where it is one. */
function rowsOf(tensor: Tensor, rows: readonly number[]): Tensor {
  const { Tensor } = onnxruntime();
  const [all = 0, ...dims] = tensor.dims;
  if (rows.length === all && rows.every((row, i) => row === i)) return tensor;
  const data = tensor.data as Float32Array;
  const width = data.length / all;
  const shape = [rows.length, ...dims];
  const one = (row: number) => data.subarray(row * width, (row + 1) * width);
  if (rows.length === 1) return new Tensor(tensor.type as 'float32', one(rows[0]!), shape);
  const chosen = new (data.constructor as Float32ArrayConstructor)(rows.length * width);
  rows.forEach((row, i) => {
    chosen.set(one(row), i * width);
  });
  return new Tensor(tensor.type as 'float32', chosen, shape);
}

/** Show and Tell: one embedding for an image, an LSTM that reads it before the first word. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Decoder, DecoderState, StepOutput } from '../../caption/ports.ts';
import type { ShowAndTellManifest } from '../manifest.ts';
import { onnxruntime } from '../native/native-parts.ts';
import { encoderFeeds, encoderInputs } from './encoder-feeds.ts';
import { floats, meansOf, type Network } from './network.ts';

/** In place of a word id: read the image embedding. */
export const READ_IMAGE = -1;

/** Float32 `[rows, S]`: concat(c, h) of the LSTM. */
interface LstmState extends DecoderState {
  values: Float32Array;
}

export function showAndTell(manifest: ShowAndTellManifest): Network {
  const { image, embeddingWidth, stateWidth, regions, vocabulary } = manifest;
  return {
    encoder: {
      inputs: encoderInputs(image),
      outputs: {
        image_embedding: { dtype: 'float32', shape: [null, embeddingWidth] },
        region_embeddings: { dtype: 'float32', shape: [null, regions, embeddingWidth] },
      },
    },
    decoder: {
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
    },
    encode: (session) => async (images) => {
      const out = await session.run(encoderFeeds(images, image), ['region_embeddings']);
      const regions = floats(out.region_embeddings);
      return { embeddings: meansOf(regions, images.length, embeddingWidth), regions };
    },
    decode: (session) => lstmDecoder(lstmOf(session, manifest), manifest),
  };
}

/** One run of the LSTM over B rows. */
export interface LstmInput {
  /** Last word of each row, or `READ_IMAGE`: B ids. */
  words: readonly number[];
  /** Float32 `[B, E]`; read only in rows whose word is `READ_IMAGE`. */
  embeddings: Float32Array;
  /** Float32 `[B, S]`. */
  state: Float32Array;
  k: number;
  all?: boolean;
}

export type Lstm = (input: LstmInput) => Promise<Omit<StepOutput, 'state'> & { state: Float32Array }>;

type Widths = Pick<ShowAndTellManifest, 'embeddingWidth' | 'stateWidth'>;

/** The LSTM as a search knows decoders. */
export function lstmDecoder(lstm: Lstm, { embeddingWidth, stateWidth }: Widths): Decoder {
  return {
    async start({ embeddings }, places) {
      const rows = places.length;
      const { state } = await lstm({
        words: Array<number>(rows).fill(READ_IMAGE),
        embeddings: rowsOf(embeddings, places, embeddingWidth),
        state: new Float32Array(rows * stateWidth),
        k: 1,
      });
      return { rows, values: state } satisfies LstmState;
    },
    async step({ parents, state: before, ...asked }) {
      const rows = parents.length;
      const { values } = before as LstmState;
      const { state, ...said } = await lstm({
        ...asked,
        embeddings: new Float32Array(rows * embeddingWidth),
        state: rowsOf(values, parents, stateWidth),
      });
      return { ...said, state: { rows, values: state } satisfies LstmState };
    },
  };
}

/** Those rows of a matrix, in their order; itself where they are all of it. */
function rowsOf(matrix: Float32Array, rows: readonly number[], width: number): Float32Array {
  if (rows.length * width === matrix.length && rows.every((row, i) => row === i)) return matrix;
  const chosen = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    chosen.set(matrix.subarray(row * width, (row + 1) * width), i * width);
  });
  return chosen;
}

function lstmOf(session: InferenceSession, { embeddingWidth, stateWidth }: Widths): Lstm {
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

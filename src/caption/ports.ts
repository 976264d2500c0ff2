/** What the core needs from the native side; `src/model` implements it. */
import type { CallLimits } from './deadline.ts';
import type { ImageInput } from './image-input.ts';

/** One decoded image, ready for `networkInput`. */
export interface DecodedImage {
  /** RGB, HWC, uint8: at the network's size for an `antialiased` input, at the photograph's size otherwise. */
  pixels: Uint8Array;
  width: number;
  height: number;
  /** The photograph as a person sees it (after EXIF orientation), in pixels. */
  originalWidth: number;
  originalHeight: number;
  /** As found in the bytes, e.g. `jpeg`. */
  format: string;
  /** Gives the memory of the pixels to other images; there where that is much, to be called when they were used. */
  release?: () => void;
}

/**
 * Bytes of an image file to pixels, as soon as there is memory for them.
 * @param limits of the wait for memory
 * @throws UnsupportedImage, ImageTooLarge; Overloaded, DeadlineExceeded; the reason of the limits' signal
 */
export type DecodeImage = (
  bytes: Uint8Array,
  input: ImageInput,
  limits?: CallLimits,
) => Promise<DecodedImage>;

/** What the encoder says of N images. */
export interface EncodedImages {
  /** Float32, `[N, E]`. */
  embeddings: Float32Array;
  /** Float32, `[N, R, E]`: one embedding for each cell of the last feature map; their mean is the image's. */
  regions: Float32Array;
  /** What else the decoder of this encoder reads of the images: only that decoder looks inside. */
  memory?: unknown;
}

/** One image as the encoder reads it. */
export interface NetworkImage {
  /**
   * HWC in the size, dtype and range of the bundle's input; of an image that the graph resamples the pixels that it
   * reads: see `readPixels`.
   */
  pixels: Uint8Array | Float32Array;
  /** Of `pixels`. */
  rows: number;
  columns: number;
  /** Of the photograph, or of as much of it as was decoded. */
  width: number;
  height: number;
}

/** One or more images to embeddings. */
export type Encode = (images: readonly NetworkImage[]) => Promise<EncodedImages>;

/** What a decoder keeps of hypotheses between two runs, a row for each: an LSTM's state, a transformer's cache. */
export interface DecoderState {
  readonly rows: number;
}

/**
 * The state before the first word, one row for each of `places`.
 * @param places of the images among those that were encoded
 */
export type Start = (images: EncodedImages, places: readonly number[]) => Promise<DecoderState>;

/** One decoder run over B hypotheses. */
export interface StepInput {
  /** Last word of each hypothesis: B ids. */
  words: readonly number[];
  /** Row of `state` that each hypothesis goes on from: B rows, those of an image beside each other. */
  parents: readonly number[];
  /** Of the run before, or of `Start`; not changed. */
  state: DecoderState;
  /** Best words wanted for each hypothesis, 1 to the vocabulary's size. */
  k: number;
  /** Asks for `all` in the output. @default false */
  all?: boolean;
}

export interface StepOutput {
  /** B rows. */
  state: DecoderState;
  /** Float32 `[B, k]`, natural log, at most 0, falling in each row; equal ones by rising id. */
  logProbabilities: Float32Array;
  /** `[B, k]`, beside `logProbabilities`. */
  ids: Int32Array;
  /** Float32 `[B, V]`: the log-probability of every word, when asked for. */
  all?: Float32Array;
}

export type Step = (input: StepInput) => Promise<StepOutput>;

/** What a search needs of a decoder. */
export interface Decoder {
  start: Start;
  step: Step;
}

/** All that the core needs of one model. */
export interface NativeParts extends Decoder {
  decode: DecodeImage;
  encode: Encode;
}

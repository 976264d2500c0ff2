/** What captioning one image ends in, as its reader needs it told; a test holds it to the core's schema. */
import type { ImageArea } from '../caption/preprocess.ts';

/** One sentence about an image. */
export interface Caption {
  /** As the network says it: `a dog runs on the grass .`, or `a dog runs on the grass.` of pieces of words. */
  text: string;
  /** Natural log, at most 0. */
  logProbability: number;
  /** exp(logProbability): of this very sentence, `</S>` included; not a confidence. */
  probability: number;
  /**
   * What captions are ranked by, the highest first: logProbability / length^lengthNormalization, as the model counts lengths,
   * or logProbability where Show and Tell was cut off.
   * Absent in documents of versions up to 1.0.0.
   */
  score?: number | undefined;
  /** Its words in their order, each with its log-probability after those before it: natural log, at most 0. */
  words: { word: string; logProbability: number }[];
  /** True when the maximum length cut the sentence off; its probability then has no `</S>` in it. */
  truncated: boolean;
}

/** Where the time went, in milliseconds. */
export interface Timings {
  /** From the bytes of the file to pixels. */
  decode: number;
  /** From pixels to what the encoder takes. */
  preprocess: number;
  /** In the encoder. */
  encode: number;
  /** In the beam search, all runs of the decoder included. */
  search: number;
  /** From the call to the result. */
  total: number;
}

/** A word that the search looked at. */
export interface TraceNode {
  /** Index of the word before it in the list; `null` at the start. */
  parent: number | null;
  /** 0 at the start, 1 at the first word. */
  step: number;
  /** `</S>` where a caption ended. */
  word: string;
  /** Whether it goes on with the word before; there in models that say words in pieces. */
  continues?: boolean | undefined;
  /** Of this word, natural log. */
  logProbability: number;
  /** Sum from the start on. */
  total: number;
  /** `alive`: kept for the next step. `complete`: a caption that was kept. `dropped`: better ones pushed it out. */
  fate: 'alive' | 'dropped' | 'complete';
  /** Index of the caption in the result that ends here. */
  caption?: number | undefined;
}

/** How much each part of the image adds to each word of the best caption. */
export interface Explanation {
  /** Cells from top to bottom. */
  rows: number;
  /** Cells from left to right. */
  columns: number;
  /** What the cells together cover. */
  area: ImageArea;
  /**
   * Of the best caption, `</S>` not among them. `importance` has `rows * columns` numbers, row after row: by how much
   * the word's log-probability falls without the cell; below 0 where it rises.
   */
  words: { word: string; importance: number[] }[];
}

/** What is said of one image. */
export interface CaptionResult {
  /** Best first. */
  captions: Caption[];
  /** What said it: the bundle's name, and the SHA-256 of its manifest, which names the model exactly. */
  model: { name: string; hash: string };
  /** How long it took; of several images captioned together, all stages but `decode` are those of the whole call. */
  timings: Timings;
  /** Of the photograph as a person sees it, in pixels. */
  width: number;
  /** As `width`. */
  height: number;
  /** Of the file, e.g. `jpeg`. */
  format: string;
  /** Probability that the best caption is acceptable, 0 to 1; there when the bundle was calibrated. */
  confidence?: number | undefined;
  /** True when the confidence is below the line that the caller or else the bundle draws. */
  needsReview?: boolean | undefined;
  /** Every continuation that the search looked at, the start first; when asked for. */
  trace?: TraceNode[] | undefined;
  /** Where in the image the words of the best caption came from; when asked for. */
  explanation?: Explanation | undefined;
}

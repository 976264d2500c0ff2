import { InvalidRequest } from '../errors.ts';
import { beamSearch, type FoundCaption, type SearchResult } from './beam-search.ts';
import { saysTwice } from './confidence/says-twice.ts';
import { constraintOf } from './constraint.ts';
import { checkDeadline } from './deadline.ts';
import { explain } from './explain.ts';
import type { ImageInput } from './image-input.ts';
import { type Calibration, judge, seenImage } from './judge.ts';
import type { CaptionOptionsInput } from './options.ts';
import { type CaptionPlan, type PlannedModel, planCaptions } from './plan.ts';
import type { DecodeImage, Encode, Step } from './ports.ts';
import { networkInput, seenArea } from './preprocess.ts';
import type { Caption, CaptionResult, Explanation, Stage, TraceNode } from './result.ts';
import type { TracedWord } from './trace.ts';
import { type Vocabulary, wordAt, wordsOf } from './vocabulary.ts';

/** What concerns one call rather than the captions wanted. */
export interface CaptionCall {
  /** Milliseconds since the epoch; looked at between the stages and between decoder runs. @default none */
  deadline?: number | undefined;
  /** Ends the call where `deadline` would, with the signal's own reason. @default none */
  signal?: AbortSignal | undefined;
  /** Asks for `trace` in the result. @default false */
  trace?: boolean | undefined;
  /** Asks for `features` in the result, to fit a confidence on. @default false */
  features?: boolean | undefined;
  /** Asks for `explanation` in the result; costs a few times the search. @default false */
  explain?: boolean | undefined;
}

/** A loaded model as the core uses it. */
export interface CaptionerParts extends Omit<PlannedModel, 'calibrated'> {
  decode: DecodeImage;
  encode: Encode;
  step: Step;
  image: ImageInput;
  embeddingWidth: number;
  stateWidth: number;
  model: { name: string; hash: string };
  calibration: Calibration;
}

export interface Captioner {
  readonly model: { name: string; hash: string };
  /**
   * Checks options against this model, before any image is read.
   * @throws InvalidRequest naming what is out of bounds or cannot be said
   */
  plan(options?: CaptionOptionsInput): CaptionPlan;
  /**
   * Captions one image file.
   * @param plan of this model @default the model's own options
   * @throws UnsupportedImage, ImageTooLarge, ModelUnusable; DeadlineExceeded, Overloaded; InvalidRequest when the longest
   * caption allowed has no room for the words that it must say
   */
  caption(bytes: Uint8Array, plan?: CaptionPlan, call?: CaptionCall): Promise<CaptionResult>;
  /**
   * Captions several image files in shared encoder and decoder runs; fails as a whole when one cannot be read.
   * `preprocess`, `encode` and `search` are those of the whole call.
   */
  captionAll(files: readonly Uint8Array[], plan?: CaptionPlan, call?: CaptionCall): Promise<CaptionResult[]>;
}

export function createCaptioner(parts: CaptionerParts): Captioner {
  const model: PlannedModel = { ...parts, calibrated: parts.calibration.confidence !== undefined };
  const plan: Captioner['plan'] = (options = {}) => planCaptions(options, model);
  const captionAll: Captioner['captionAll'] = async (files, asked, call = {}) => {
    const planned = asked ?? plan();
    if (files.length === 0) return [];
    const clock = startClock();
    const images = await Promise.all(files.map((bytes) => readTimed(bytes, call, parts)));
    clock.lap('decode');
    const inputs = images.map(({ input }) => input);
    checkDeadline(call);
    const encoded = await parts.encode(inputs);
    clock.lap('encode');
    const { captions, traces } = await search(encoded.embeddings, files.length, planned, call, parts);
    clock.lap('search');
    if (captions.some((found) => found.length === 0)) {
      const message = 'leaves no room for the words that a caption must say';
      throw new InvalidRequest([{ field: 'maxLength', message }]);
    }
    const explanations = call.explain ? await explainAll(captions, encoded.regions, call, parts) : [];
    const said = captions.map((found) => found.map((caption) => toCaption(caption, parts.vocabulary)));
    const preprocess = images.reduce((sum, { laps }) => sum + laps.preprocess, 0);
    return images.map(({ image, laps }, i) => ({
      captions: said[i]!,
      ...judge(
        said[i]![0]!,
        () => seenImage(inputs, encoded, parts.image, i),
        { ...planned.options, ...call },
        parts.calibration,
      ),
      model: parts.model,
      timings: { ...clock.laps, decode: laps.decode, preprocess, total: clock.total() },
      width: image.originalWidth,
      height: image.originalHeight,
      format: image.format,
      ...(call.trace && { trace: traces[i]!.map((word) => toTraceNode(word, parts.vocabulary)) }),
      ...(call.explain && { explanation: explanations[i]! }),
    }));
  };
  return {
    model: parts.model,
    plan,
    captionAll,
    caption: async (bytes, asked, call) => (await captionAll([bytes], asked, call))[0]!,
  };
}

/** Each image as soon as it is decoded: no more than one needs to be in memory whole. */
async function readTimed(bytes: Uint8Array, call: CaptionCall, parts: CaptionerParts) {
  const clock = startClock();
  const image = await parts.decode(bytes, parts.image, call);
  clock.lap('decode');
  try {
    const input = networkInput(image, parts.image);
    clock.lap('preprocess');
    return { image, input, laps: clock.laps };
  } finally {
    image.release?.();
  }
}

async function search(
  embeddings: Float32Array,
  images: number,
  { options, words }: CaptionPlan,
  call: CaptionCall,
  { step, vocabulary, vocabularySize, embeddingWidth, stateWidth }: CaptionerParts,
): Promise<SearchResult> {
  const count = options.count ?? options.beamWidth;
  const result = await beamSearch(
    step,
    { embeddings, images, width: embeddingWidth, stateWidth },
    {
      ...options,
      count: options.avoidRepeats ? options.beamWidth : count,
      bannedIds: new Set(words.banned),
      constraint: constraintOf(words.prefix, words.required),
      startId: vocabulary.startId,
      endId: vocabulary.endId,
      vocabularySize,
      trace: call.trace === true,
      checkpoint: () => checkDeadline(call),
    },
  );
  if (!options.avoidRepeats) return result;
  return {
    ...result,
    captions: result.captions.map((found) => repeatsLast(found, vocabulary).slice(0, count)),
  };
}

/** The order of the search, those that say a thing twice behind all others. */
function repeatsLast(found: readonly FoundCaption[], vocabulary: Vocabulary): FoundCaption[] {
  const twice = (caption: FoundCaption) => Number(saysTwice(wordsOf(caption.ids, vocabulary)));
  return found.toSorted((a, b) => twice(a) - twice(b));
}

async function explainAll(
  captions: readonly FoundCaption[][],
  regions: Float32Array,
  call: CaptionCall,
  { step, vocabulary, image: input, embeddingWidth: width, stateWidth }: CaptionerParts,
): Promise<Explanation[]> {
  const explanations: Explanation[] = [];
  const size = regions.length / captions.length;
  for (const [i, found] of captions.entries()) {
    const cells = regions.subarray(i * size, (i + 1) * size);
    const image = { regions: cells, width, stateWidth, area: seenArea(input) };
    explanations.push(await explain(step, image, found[0]!.ids, vocabulary, () => checkDeadline(call)));
  }
  return explanations;
}

function toTraceNode({ id, ...node }: TracedWord, vocabulary: Vocabulary): TraceNode {
  return { ...node, word: wordAt(id, vocabulary) };
}

function toCaption(found: FoundCaption, vocabulary: Vocabulary): Caption {
  const words = wordsOf(found.ids, vocabulary);
  return {
    text: words.join(' '),
    logProbability: found.logProbability,
    probability: Math.exp(found.logProbability),
    words: words.map((word, i) => ({ word, logProbability: found.wordLogProbabilities[i]! })),
    truncated: !found.complete,
  };
}

function startClock() {
  const start = performance.now();
  let last = start;
  const laps: Record<Exclude<Stage, 'total'>, number> = { decode: 0, preprocess: 0, encode: 0, search: 0 };
  return {
    laps,
    lap(stage: keyof typeof laps): void {
      const now = performance.now();
      laps[stage] = now - last;
      last = now;
    },
    total: () => performance.now() - start,
  };
}

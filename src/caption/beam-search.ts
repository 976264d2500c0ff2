/**
 * Beam search as the im2txt inference code of the Show and Tell tutorial does it (Vinyals et al. 2015), over any
 * `Step`. Complete captions are ranked by log-probability / length^lengthNormalization, partial ones by plain
 * log-probability; the two are never mixed.
 */
import { READ_IMAGE, type Step } from './ports.ts';
import { type Candidate, candidatesOf } from './search/candidates.ts';
import { type Constraint, NO_CONSTRAINT } from './search/constraint.ts';
import { TopN } from './search/top-n.ts';
import {
  startTrace,
  type Trace,
  type TracedWord,
  traceCaptions,
  traceFate,
  traceWord,
} from './search/trace.ts';

/** im2txt drops words below this probability. */
const MIN_LOG_PROBABILITY = Math.log(1e-12);

export interface SearchOptions {
  beamWidth: number;
  /** Words of the longest caption, start and end included. */
  maxLength: number;
  /** Words of the shortest caption, start and end not counted. */
  minLength: number;
  lengthNormalization: number;
  bannedIds: ReadonlySet<number>;
  /** What a caption must say; a beam is kept for each of its states. */
  constraint: Constraint;
  /** Captions wanted for each image, at most `beamWidth`. */
  count: number;
  startId: number;
  endId: number;
  /** Width of the decoder's softmax. */
  vocabularySize: number;
  /** Off only to prove that it changes nothing. */
  earlyStop?: boolean;
  /** Records every continuation that was looked at. @default false */
  trace?: boolean;
  /** Called before each decoder run for each image; what it throws ends the search for that one. */
  checkpoint?: (image: number) => void;
}

export interface FoundCaption {
  /** From the start id on; ends with the end id when `complete`. */
  ids: readonly number[];
  /** Natural log, of each id after the first. */
  wordLogProbabilities: readonly number[];
  /** Their sum. */
  logProbability: number;
  /** What complete captions are ranked by; `logProbability` in partial ones. */
  score: number;
  complete: boolean;
}

export interface SearchResult {
  /**
   * For each image its captions, best first. All complete, or, if none was, all partial; none where the maximum
   * length leaves no room for what a caption must say, or where the search failed.
   */
  captions: FoundCaption[][];
  /** Decoder runs, the one that reads the images included. */
  steps: number;
  /** For each image what its search looked at; empty unless asked for. */
  traces: TracedWord[][];
  /** What `checkpoint` threw, by image. */
  failures: ReadonlyMap<number, unknown>;
}

/** What a step reads and writes for one image: N embeddings of `width` numbers, row after row. */
export interface ImageEmbeddings {
  embeddings: Float32Array;
  images: number;
  /** E of `[N, E]`. */
  width: number;
  /** S of the decoder's `[B, S]` state. */
  stateWidth: number;
}

interface Hypothesis extends FoundCaption {
  /** Where its LSTM state stands: this row of a step's output. */
  state: Float32Array;
  row: number;
  /** State of the constraint. */
  said: number;
}

interface ImageSearch {
  image: number;
  live: readonly Hypothesis[];
  complete: TopN<Hypothesis>;
  trace?: Trace;
}

/**
 * Searches captions for all images at once: every live hypothesis of every image goes into one decoder run a step.
 *
 * @param step the decoder; its errors pass through
 * @returns for each image at most `options.count` captions
 */
export async function beamSearch(
  step: Step,
  images: ImageEmbeddings,
  options: SearchOptions,
): Promise<SearchResult> {
  const failures = new Map<number, unknown>();
  const mayGoOn = ({ image }: { image: number }) => {
    try {
      if (!failures.has(image)) options.checkpoint?.(image);
    } catch (error) {
      failures.set(image, error);
    }
    return !failures.has(image);
  };
  const all = Array.from({ length: images.images }, (_, image) => ({ image }));
  const searches = all.filter(mayGoOn).length === 0 ? [] : await readImages(step, images, options);
  let active = searches;
  let steps = searches.length === 0 ? 0 : 1;
  for (let length = 1; length < options.maxLength; length++) {
    active = active.filter(mayGoOn);
    if (active.length === 0) break;
    await advance(step, active, images, options);
    steps++;
    active = active.filter((s) => s.live.length > 0 && !isDecided(s, options));
  }
  const found = all.map(({ image }) => (failures.has(image) ? undefined : searches[image]));
  return {
    captions: found.map((s) => (s ? best(s, options) : [])),
    steps,
    traces: options.trace ? found.map((s) => s?.trace?.words ?? []) : [],
    failures,
  };
}

/** The first run: each image's embedding goes through the LSTM from zero state; what it would say is not asked. */
async function readImages(
  step: Step,
  { embeddings, images, stateWidth }: ImageEmbeddings,
  options: SearchOptions,
): Promise<ImageSearch[]> {
  const { state } = await step({
    words: Array<number>(images).fill(READ_IMAGE),
    embeddings,
    state: new Float32Array(images * stateWidth),
    k: 1,
  });
  return Array.from({ length: images }, (_, image) => {
    const start: Hypothesis = {
      ids: [options.startId],
      wordLogProbabilities: [],
      logProbability: 0,
      score: 0,
      complete: false,
      state,
      row: image,
      said: options.constraint.start,
    };
    return {
      image,
      live: [start],
      complete: new TopN<Hypothesis>(options.beamWidth),
      ...(options.trace && { trace: startTrace(start, options.startId) }),
    };
  });
}

async function advance(
  step: Step,
  active: readonly ImageSearch[],
  { width, stateWidth }: ImageEmbeddings,
  options: SearchOptions,
): Promise<void> {
  const rows = active.flatMap((s) => s.live);
  const wanted = rows.map((h) => options.constraint.wanted(h.said));
  const k = candidatesWanted(options, Math.max(...wanted.map((ids) => ids.length)));
  const output = await step({
    words: rows.map((h) => h.ids[h.ids.length - 1]!),
    embeddings: new Float32Array(rows.length * width),
    state: gatherState(rows, stateWidth),
    k,
    all: options.constraint !== NO_CONSTRAINT,
  });
  let row = 0;
  for (const search of active) {
    const beams = new Map<number, TopN<Hypothesis>>();
    for (const parent of search.live) {
      const candidates = candidatesOf(output, row, k, wanted[row]!);
      extend(parent, { candidates, state: output.state, row }, beams, search, options);
      row++;
    }
    search.live = [...beams.values()].flatMap((beam) => beam.items());
    if (search.trace) traceFate(search.trace, search.live, 'alive');
  }
}

/** As many that `beamWidth` remain when every word that may be refused or belongs to another beam is among them. */
function candidatesWanted(
  { beamWidth, bannedIds, minLength, constraint, vocabularySize }: SearchOptions,
  wanted: number,
): number {
  const end = minLength > 0 || constraint !== NO_CONSTRAINT ? 1 : 0;
  return Math.min(vocabularySize, beamWidth + bannedIds.size + end + wanted);
}

function gatherState(rows: readonly Hypothesis[], width: number): Float32Array {
  const state = new Float32Array(rows.length * width);
  rows.forEach((h, i) => {
    state.set(h.state.subarray(h.row * width, (h.row + 1) * width), i * width);
  });
  return state;
}

/** Pushes, for each state that one hypothesis can come to, its `beamWidth` best allowed continuations. */
function extend(
  parent: Hypothesis,
  { candidates, state, row }: { candidates: readonly Candidate[]; state: Float32Array; row: number },
  beams: Map<number, TopN<Hypothesis>>,
  { complete, trace }: ImageSearch,
  options: SearchOptions,
): void {
  const { beamWidth, bannedIds, endId, constraint } = options;
  const mayEnd = parent.ids.length - 1 >= options.minLength && constraint.accepts(parent.said);
  const taken = new Map<number, number>();
  for (const { id, logProbability: wordLogProbability, wanted } of candidates) {
    if (bannedIds.has(id) || (id === endId && !mayEnd)) continue;
    const said = constraint.next(parent.said, id);
    const before = said === null ? beamWidth : (taken.get(said) ?? 0);
    if (said === null || before === beamWidth) continue;
    taken.set(said, before + 1);
    // The comparisons are turned round so that NaN is dropped too.
    const least = wanted ? -Number.MAX_VALUE : MIN_LOG_PROBABILITY;
    if (!(wordLogProbability >= least)) continue;
    const logProbability = parent.logProbability + wordLogProbability;
    const isEnd = id === endId;
    const child: Hypothesis = {
      ids: [...parent.ids, id],
      wordLogProbabilities: [...parent.wordLogProbabilities, wordLogProbability],
      logProbability,
      score: isEnd ? normalize(logProbability, parent.ids.length + 1, options) : logProbability,
      complete: isEnd,
      state,
      row,
      said,
    };
    if (trace) traceWord(trace, parent, child, { id, logProbability: wordLogProbability });
    (isEnd ? complete : beamOf(beams, said, beamWidth)).push(child);
  }
}

function beamOf(beams: Map<number, TopN<Hypothesis>>, said: number, width: number): TopN<Hypothesis> {
  const beam = beams.get(said) ?? new TopN<Hypothesis>(width);
  beams.set(said, beam);
  return beam;
}

/** Score of a complete caption of `length` words, start and end counted. */
function normalize(logProbability: number, length: number, { lengthNormalization }: SearchOptions): number {
  return lengthNormalization > 0 ? logProbability / length ** lengthNormalization : logProbability;
}

/**
 * True when no live hypothesis can change the captions wanted. Log-probabilities only fall, so a hypothesis can at
 * best be completed at no cost, with the length that normalisation favours most: the longest one.
 */
function isDecided(search: ImageSearch, options: SearchOptions): boolean {
  if (options.earlyStop === false) return false;
  const worstWanted = search.complete.scoreOfRank(options.count);
  return search.live.every((h) => normalize(h.logProbability, options.maxLength, options) < worstWanted);
}

function best(search: ImageSearch, options: SearchOptions): FoundCaption[] {
  const captions = ranked(search, options).slice(0, options.count);
  if (search.trace) {
    traceFate(search.trace, search.complete.items(), 'complete');
    traceCaptions(search.trace, captions);
  }
  return captions.map(({ state: _state, row: _row, said: _said, ...caption }) => caption);
}

function ranked(search: ImageSearch, options: SearchOptions): Hypothesis[] {
  if (search.complete.size > 0) return search.complete.sorted();
  const partial = new TopN<Hypothesis>(options.beamWidth);
  for (const h of search.live) if (options.constraint.accepts(h.said)) partial.push(h);
  return partial.sorted();
}

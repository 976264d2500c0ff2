/**
 * Beam search over any `Decoder`, as the im2txt inference code of the Show and Tell tutorial does it (Vinyals et al. 2015)
 * or as transformers does: `search/ending.ts` has what they do not share.
 */
import type { Decoder, DecoderState, EncodedImages } from './ports.ts';
import { type Candidate, candidatesOf } from './search/candidates.ts';
import { type Constraint, NO_CONSTRAINT } from './search/constraint.ts';
import type { EndingRule } from './search/ending.ts';
import { idsThatRepeat } from './search/repeated-run.ts';
import { TopN } from './search/top-n.ts';
import {
  startTrace,
  type Trace,
  type TracedWord,
  traceCaptions,
  traceFate,
  traceWord,
} from './search/trace.ts';

export interface SearchOptions {
  beamWidth: number;
  /** Words of the longest caption, start and end included. */
  maxLength: number;
  /** Words of the shortest caption, start and end not counted. */
  minLength: number;
  lengthNormalization: number;
  bannedIds: ReadonlySet<number>;
  /** No run of so many ids comes twice in a caption, start counted; 0 for as they come. @default 0 */
  noRepeatNgram?: number | undefined;
  /** What a caption must say; a beam is kept for each group of its states. */
  constraint: Constraint;
  /** Captions wanted for each image, at most `beamWidth`. */
  count: number;
  /** What every caption begins with, in most networks one id. */
  startIds: readonly number[];
  endId: number;
  ending: EndingRule;
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
  /** From the first start id on; ends with the end id when `complete`. */
  ids: readonly number[];
  /** Natural log, of each id after those of the start. */
  wordLogProbabilities: readonly number[];
  /** Their sum. */
  logProbability: number;
  /** What captions are ranked by. */
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

/** Images of those that were encoded together. */
export interface SearchedImages {
  encoded: EncodedImages;
  places: readonly number[];
}

interface Hypothesis extends FoundCaption {
  /** Of the last run's state. */
  row: number;
  /** State of the constraint. */
  said: number;
}

/** What may follow in one step, by twice the group of the constraint, and one more where the word in progress must go on. */
type Beams = Map<number, Hypothesis[]>;
const OPEN = 1;
const isOpen = (beam: number): boolean => beam % 2 === OPEN;

interface ImageSearch {
  image: number;
  live: readonly Hypothesis[];
  complete: TopN<Hypothesis>;
  trace?: Trace;
}

/**
 * Searches captions for all images at once: every live hypothesis of every image goes into one decoder run a step.
 *
 * @param decoder its errors pass through
 * @returns for each image at most `options.count` captions
 */
export async function beamSearch(
  decoder: Decoder,
  { encoded, places }: SearchedImages,
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
  const all = places.map((_, image) => ({ image }));
  const searches = all.filter(mayGoOn).length === 0 ? [] : all.map(({ image }) => begin(image, options));
  let active = searches;
  let steps = 0;
  if (searches.length > 0) {
    let state = await readStart(decoder, encoded, places, options);
    steps = options.startIds.length;
    for (let length = steps; length < options.maxLength; length++) {
      active = active.filter(mayGoOn);
      if (active.length === 0) break;
      if (options.ending.forcesEnd && length + 1 === options.maxLength) {
        for (const search of active) forceEnd(search, options);
        break;
      }
      state = await advance(decoder, active, state, options);
      steps++;
      active = active.filter((s) => s.live.length > 0 && !isDecided(s, options));
    }
  }
  const found = all.map(({ image }) => (failures.has(image) ? undefined : searches[image]));
  return {
    captions: found.map((s) => (s ? best(s, options) : [])),
    steps,
    traces: options.trace ? found.map((s) => s?.trace?.words ?? []) : [],
    failures,
  };
}

function begin(image: number, { startIds, beamWidth, constraint, trace }: SearchOptions): ImageSearch {
  const start: Hypothesis = {
    ids: startIds,
    wordLogProbabilities: [],
    logProbability: 0,
    score: 0,
    complete: false,
    row: image,
    said: constraint.start,
  };
  return {
    image,
    live: [start],
    complete: new TopN<Hypothesis>(beamWidth),
    ...(trace && { trace: startTrace(start, startIds.at(-1)!) }),
  };
}

/** Each image read, and the ids of the start but the last; what would follow those is not asked. */
async function readStart(
  { start, step }: Decoder,
  encoded: EncodedImages,
  places: readonly number[],
  { startIds }: SearchOptions,
): Promise<DecoderState> {
  let state = await start(encoded, places);
  const parents = places.map((_, row) => row);
  for (const id of startIds.slice(0, -1)) {
    ({ state } = await step({ words: places.map(() => id), parents, state, k: 1 }));
  }
  return state;
}

async function advance(
  { step }: Decoder,
  active: readonly ImageSearch[],
  state: DecoderState,
  options: SearchOptions,
): Promise<DecoderState> {
  const rows = active.flatMap((s) => s.live);
  const wanted = rows.map((h) => options.constraint.wanted(h.said));
  const repeated = rows.map((h) => idsThatRepeat(h.ids, options.noRepeatNgram ?? 0));
  const beside = rows.map((h, i) => wanted[i]!.length + options.constraint.apart(h.said) + repeated[i]!.size);
  const k = candidatesWanted(options, Math.max(...beside));
  const output = await step({
    words: rows.map((h) => h.ids.at(-1)!),
    parents: rows.map((h) => h.row),
    state,
    k,
    all: wanted.some((ids) => ids.length > 0),
  });
  let row = 0;
  for (const search of active) {
    const beams: Beams = new Map();
    for (const parent of search.live) {
      const candidates = candidatesOf(output, row, k, wanted[row]!);
      extend(parent, { candidates, row, repeated: repeated[row]! }, beams, search, options);
      row++;
    }
    search.live = settle(beams, search, options);
    if (search.trace) traceFate(search.trace, search.live, 'alive');
  }
  return output.state;
}

/** Every live hypothesis ends, whatever the decoder would say; none is complete by itself. */
function forceEnd(search: ImageSearch, options: SearchOptions): void {
  const { constraint, ending, endId, lengthNormalization, beamWidth } = options;
  const { trace, complete } = search;
  const children = search.live.flatMap((parent): Hypothesis[] => {
    if (!constraint.accepts(parent.said)) return [];
    const ids = [...parent.ids, endId];
    const score = ending.score(parent.logProbability, ids.length, lengthNormalization);
    const child = { ...parent, ids, wordLogProbabilities: [...parent.wordLogProbabilities, 0], score };
    if (trace) traceWord(trace, parent, child, { id: endId, logProbability: 0 });
    return [child];
  });
  const live = new TopN<Hypothesis>(beamWidth);
  ending.settle(children, () => true, { live, complete, beamWidth });
  search.live = live.items();
}

/** As many that enough remain when every id that may be refused or belongs to another beam is among them. */
function candidatesWanted(
  { beamWidth, bannedIds, minLength, constraint, ending, vocabularySize }: SearchOptions,
  beside: number,
): number {
  const end = minLength > 0 || constraint !== NO_CONSTRAINT ? 1 : 0;
  return Math.min(vocabularySize, ending.continuations(beamWidth) + bannedIds.size + end + beside);
}

/** Adds, for each beam that one hypothesis can come to, its best allowed continuations. */
function extend(
  parent: Hypothesis,
  {
    candidates,
    row,
    repeated,
  }: { candidates: readonly Candidate[]; row: number; repeated: ReadonlySet<number> },
  beams: Beams,
  { trace }: ImageSearch,
  options: SearchOptions,
): void {
  const { beamWidth, bannedIds, endId, constraint, ending, lengthNormalization } = options;
  const mayEnd = parent.ids.length - 1 >= options.minLength && constraint.accepts(parent.said);
  const most = ending.continuations(beamWidth);
  const taken = new Map<number, number>();
  for (const { id, logProbability: wordLogProbability, wanted } of candidates) {
    if (bannedIds.has(id) || repeated.has(id) || (id === endId && !mayEnd)) continue;
    const said = constraint.next(parent.said, id);
    if (said === null) continue;
    const beam = 2 * constraint.group(said) + (constraint.mustGoOn(said) ? OPEN : 0);
    const before = taken.get(beam) ?? 0;
    if (before === most) continue;
    taken.set(beam, before + 1);
    // The comparisons are turned round so that NaN is dropped too.
    const least = wanted ? -Number.MAX_VALUE : ending.least;
    if (!(wordLogProbability >= least)) continue;
    const logProbability = parent.logProbability + wordLogProbability;
    const child: Hypothesis = {
      ids: [...parent.ids, id],
      wordLogProbabilities: [...parent.wordLogProbabilities, wordLogProbability],
      logProbability,
      score: logProbability,
      complete: id === endId,
      row,
      said,
    };
    if (isOver(child, options)) {
      child.score = ending.score(logProbability, child.ids.length, lengthNormalization);
      if (!child.complete && !constraint.accepts(said)) continue;
    }
    if (trace) traceWord(trace, parent, child, { id, logProbability: wordLogProbability });
    const mates = beams.get(beam);
    if (mates) mates.push(child);
    else beams.set(beam, [child]);
  }
}

function isOver({ complete, ids }: Hypothesis, { ending, maxLength }: SearchOptions): boolean {
  return complete || ending.cutsOff(ids.length, maxLength);
}

/** @returns what lives on of all beams; what is over goes to the search's captions */
function settle(beams: Beams, { complete }: ImageSearch, options: SearchOptions): Hypothesis[] {
  const { beamWidth, ending } = options;
  const live = [...beams].map(([beam, children]) => {
    const kept = new TopN<Hypothesis>(beamWidth);
    ending.settle(children, (child) => isOver(child, options), { live: kept, complete, beamWidth });
    return [beam, kept] as const;
  });
  const whole = new Map(live.filter(([beam]) => !isOpen(beam)));
  // Whoever must go on is beside the others, not in the place of one, and only where it would have been among them.
  const open = live.flatMap(([beam, kept]) => {
    if (!isOpen(beam)) return [];
    const least = whole.get(beam - OPEN)?.scoreOfRank(beamWidth) ?? Number.NEGATIVE_INFINITY;
    return kept.items().filter(({ score }) => score > least);
  });
  return [...[...whole.values()].flatMap((kept) => kept.items()), ...open];
}

function isDecided(search: ImageSearch, options: SearchOptions): boolean {
  return options.earlyStop !== false && options.ending.isDecided(search, options);
}

function best(search: ImageSearch, options: SearchOptions): FoundCaption[] {
  const captions = ranked(search, options).slice(0, options.count);
  if (search.trace) {
    traceFate(search.trace, search.complete.items(), 'complete');
    traceCaptions(search.trace, captions);
  }
  return captions.map(({ row: _row, said: _said, ...caption }) => caption);
}

function ranked(search: ImageSearch, options: SearchOptions): Hypothesis[] {
  if (search.complete.size > 0) return search.complete.sorted();
  const partial = new TopN<Hypothesis>(options.beamWidth);
  for (const h of search.live) if (options.constraint.accepts(h.said)) partial.push(h);
  return partial.sorted();
}

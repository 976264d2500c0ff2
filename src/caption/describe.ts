/** From images that were read to their results: those that are described together share the runs of the networks. */
import { InvalidRequest } from '../errors.ts';
import { beamSearch, type FoundCaption, type SearchedImages } from './beam-search.ts';
import { saysTwice } from './confidence/says-twice.ts';
import { type CallLimits, checkDeadline } from './deadline.ts';
import { explain } from './explain.ts';
import type { ImageInput } from './image-input.ts';
import { type Calibration, judge, seenImage } from './judge.ts';
import { type CaptionPlan, checkExplains, type PlannedModel } from './plan.ts';
import type { Decoder, EncodedImages, NativeParts } from './ports.ts';
import { type ImageArea, seenArea } from './preprocess.ts';
import type { ReadImage } from './read-image.ts';
import type { Caption, CaptionResult, Explanation, TraceNode } from './result.ts';
import type { EndingRule } from './search/ending.ts';
import type { TracedWord } from './search/trace.ts';
import { sumsOfWords, type Vocabulary } from './vocabulary/vocabulary.ts';

/** What concerns one call rather than the captions wanted. */
export interface CaptionCall extends CallLimits {
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

/** What describing needs of a loaded model. */
export interface DescriberParts extends Decoder, Pick<NativeParts, 'encode'> {
  image: ImageInput;
  vocabulary: Vocabulary;
  embeddingWidth: number;
  /** How captions end and are ranked. */
  ending: EndingRule;
  explains: PlannedModel['explains'];
  model: { name: string; hash: string };
  calibration: Calibration;
}

/** An image, and what is wanted of it. */
export interface DescribeJob {
  image: ReadImage;
  plan: CaptionPlan;
  call: CaptionCall;
}

/** What became of one image. */
export type Described = { result: CaptionResult } | { error: unknown };

interface Found {
  captions: readonly FoundCaption[];
  trace: readonly TracedWord[];
}

/**
 * One encoder run for all images, one search for those whose captions are wanted in the same way. Deadlines and signals are
 * each image's own, and no image's failure is another's; what fails in a network fails all.
 *
 * `encode` and `search` of the timings are those of the runs that the image shared.
 * @returns in the order of the jobs
 */
export async function describeImages(
  jobs: readonly DescribeJob[],
  parts: DescriberParts,
): Promise<Described[]> {
  const start = performance.now();
  const errors = new Map<DescribeJob, unknown>();
  const attempt = async (job: DescribeJob, work: () => unknown): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      errors.set(job, error);
      return false;
    }
  };
  const wanted: DescribeJob[] = [];
  const check = ({ call }: DescribeJob) => {
    checkDeadline(call);
    checkExplains(call, parts);
  };
  for (const job of jobs) if (await attempt(job, () => check(job))) wanted.push(job);
  if (wanted.length === 0) return jobs.map((job) => ({ error: errors.get(job) }));

  const encoded = await parts.encode(wanted.map(({ image }) => image.input));
  const encode = performance.now() - start;
  const results = new Map<DescribeJob, CaptionResult>();
  for (const group of sameSearches(wanted)) {
    const searchStart = performance.now();
    const places = group.map((job) => wanted.indexOf(job));
    const { found, failures } = await search(group, { encoded, places }, parts);
    const timings = { encode, search: performance.now() - searchStart };
    for (const [i, job] of group.entries()) {
      await attempt(job, async () => {
        if (failures.has(i)) throw failures.get(i);
        const one = { job, found: found[i]!, encoded, at: places[i]!, inputs: wanted };
        const told = await tell(one, parts);
        const { decode, preprocess } = job.image.timings;
        const total = decode + preprocess + performance.now() - start;
        results.set(job, { ...told, timings: { decode, preprocess, ...timings, total } });
      });
    }
  }
  return jobs.map((job) => {
    const result = results.get(job);
    return result ? { result } : { error: errors.get(job) };
  });
}

/** Those that one search can serve. */
function sameSearches(jobs: readonly DescribeJob[]): DescribeJob[][] {
  const groups = Map.groupBy(jobs, ({ plan, call }) =>
    JSON.stringify([plan.options, plan.words, call.trace === true]),
  );
  return [...groups.values()];
}

async function search(
  jobs: readonly DescribeJob[],
  images: SearchedImages,
  { start, step, vocabulary, ending }: DescriberParts,
): Promise<{ found: Found[]; failures: ReadonlyMap<number, unknown> }> {
  const [{ plan, call }] = jobs as [DescribeJob];
  const { options, words } = plan;
  const count = options.count ?? options.beamWidth;
  const { captions, traces, failures } = await beamSearch({ start, step }, images, {
    ...options,
    count: options.avoidRepeats ? options.beamWidth : count,
    ...vocabulary.constraint(words),
    startIds: vocabulary.startIds,
    endId: vocabulary.endId,
    ending,
    vocabularySize: vocabulary.size,
    trace: call.trace === true,
    checkpoint: (image) => checkDeadline(jobs[image]!.call),
  });
  const ordered = options.avoidRepeats
    ? captions.map((found) => repeatsLast(found, vocabulary).slice(0, count))
    : captions;
  return { found: ordered.map((found, i) => ({ captions: found, trace: traces[i] ?? [] })), failures };
}

/** The order of the search, those that say a thing twice behind all others. */
function repeatsLast(found: readonly FoundCaption[], vocabulary: Vocabulary): FoundCaption[] {
  const twice = (caption: FoundCaption) =>
    Number(saysTwice(vocabulary.words(caption.ids).map(({ word }) => word)));
  return found.toSorted((a, b) => twice(a) - twice(b));
}

/** All of a result but what it took. */
async function tell(
  {
    job: { image, plan, call },
    found,
    encoded,
    at,
    inputs,
  }: {
    job: DescribeJob;
    found: Found;
    encoded: EncodedImages;
    /** Place of the image among `inputs`, which were encoded together. */
    at: number;
    inputs: readonly DescribeJob[];
  },
  parts: DescriberParts,
): Promise<Omit<CaptionResult, 'timings'>> {
  const { vocabulary, calibration, model, image: input } = parts;
  const best = found.captions[0];
  if (best === undefined) {
    const message = 'leaves no room for the words that a caption must say';
    throw new InvalidRequest([{ field: 'maxLength', message }]);
  }
  const captions = found.captions.map((caption) => toCaption(caption, vocabulary));
  const seen = () => seenImage(image.input, encoded, input, { at, of: inputs.length });
  return {
    captions,
    ...judge(captions[0]!, seen, { ...plan.options, ...call }, calibration),
    model,
    width: image.width,
    height: image.height,
    format: image.format,
    ...(call.trace && { trace: found.trace.map((word) => toTraceNode(word, vocabulary)) }),
    ...(call.explain && {
      explanation: await explainBest(best, seen().regions, seenArea(input, image.input), call, parts),
    }),
  };
}

function explainBest(
  best: FoundCaption,
  regions: Float32Array,
  area: ImageArea,
  call: CaptionCall,
  { start, step, vocabulary, embeddingWidth: width }: DescriberParts,
): Promise<Explanation> {
  const image = { regions, width, area };
  return explain({ start, step }, image, best.ids, vocabulary, () => checkDeadline(call));
}

function toTraceNode({ id, ...node }: TracedWord, vocabulary: Vocabulary): TraceNode {
  return { ...node, ...vocabulary.piece(id, node.step) };
}

function toCaption(found: FoundCaption, vocabulary: Vocabulary): Caption {
  const words = vocabulary.words(found.ids);
  const logProbabilities = sumsOfWords(words, found.wordLogProbabilities);
  return {
    text: vocabulary.text(found.ids),
    logProbability: found.logProbability,
    probability: Math.exp(found.logProbability),
    score: found.score,
    words: words.map(({ word }, i) => ({ word, logProbability: logProbabilities[i]! })),
    truncated: !found.complete,
  };
}

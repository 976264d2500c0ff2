/** What the values of a step depend on: what is the image's is computed once, what is the words' in every step. */
import type { OnnxGraph } from '../../../onnx/graph.ts';
import { readsOf } from './compose.ts';
import type { Fact } from './facts/fact.ts';
import { isSettled } from './facts/facts.ts';
import { asNumber, divide, symbol } from './facts/size.ts';

/** The rows of a step: hypotheses. In the encoder, where each image is one, images. */
export const ROWS = 'rows';

export interface Memory {
  /** The value of the step that is computed with the image. */
  value: string;
  type: NonNullable<Fact['type']>;
  /** Of one image; [matrices, height, width] unless it is a vector. */
  dims: readonly number[];
}

/**
 * The values that depend on the image alone and that something reads which depends on words. Whatever else leads there is
 * computed with them.
 * @param image what the step gets of the image
 * @param words what else it gets
 * @param outputs of the step
 */
export function memoryOf(
  graph: OnnxGraph,
  facts: ReadonlyMap<string, Fact>,
  { image, words, outputs }: { image: string; words: readonly string[]; outputs: readonly string[] },
): Memory[] {
  const perStep = new Set(words);
  for (;;) {
    const frontier = frontierOf(graph, facts, image, perStep, outputs);
    const shared = frontier.map((value) => ({ value, memory: asMemory(value, facts.get(value)) }));
    // What has no row for each image cannot be kept for each: it is computed in every step, and what it needs is kept.
    const others = shared.filter(({ memory }) => memory === null);
    if (others.length === 0) return shared.map(({ memory }) => memory!);
    for (const { value } of others) perStep.add(value);
  }
}

function frontierOf(
  graph: OnnxGraph,
  facts: ReadonlyMap<string, Fact>,
  image: string,
  perStep: ReadonlySet<string>,
  outputs: readonly string[],
): string[] {
  const words = new Set(perStep);
  const images = new Set([image]);
  const isImages = (value: string) => images.has(value) && !words.has(value) && !isSettled(facts.get(value));
  const frontier = new Set<string>();
  for (const node of graph.nodes) {
    const reads = readsOf(node).filter((value) => !isSettled(facts.get(value)));
    const ofWords = reads.some((value) => words.has(value)) || node.outputs.some((value) => words.has(value));
    if (ofWords) {
      for (const output of node.outputs) words.add(output);
      for (const value of reads) if (isImages(value)) frontier.add(value);
    } else if (reads.some((value) => images.has(value))) {
      for (const output of node.outputs) images.add(output);
    }
  }
  for (const output of outputs) if (isImages(output)) frontier.add(output);
  return [...frontier];
}

function asMemory(value: string, fact: Fact | undefined): Memory | null {
  const [first, ...rest] = fact?.dims ?? [];
  if (!fact?.type || !first) return null;
  const perRow = divide(first, symbol(ROWS));
  const dims = (perRow ? [perRow, ...rest] : []).map(asNumber);
  if (dims.length < 2 || (dims.length === 2 && dims[0] !== 1) || !dims.every((size) => size !== null))
    return null;
  const own = dims as number[];
  if (own.length < 3) return { value, type: fact.type, dims: own.slice(1) };
  const matrices = own.slice(0, -2).reduce((product, size) => product * size, 1);
  return { value, type: fact.type, dims: [matrices, ...own.slice(-2)] };
}

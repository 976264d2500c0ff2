/** An export's graphs become ours: `encoder.onnx`, once an image, and `decoder.onnx`, once a step. */
import { SourceError } from '../../../errors.ts';
import {
  type ElementType,
  GraphBuilder,
  integers,
  type OnnxModel,
  tensorOf,
  type ValueInfo,
} from '../../../onnx/graph.ts';
import { DATA_TYPES } from '../../../onnx/schema.ts';
import { commonIrVersion, commonOpsets, include, inputsOf, nameOutputs, pruned } from './compose.ts';
import { factsOf } from './facts/facts.ts';
import { asNumber } from './facts/size.ts';
import { type Memory, memoryOf, ROWS } from './origins.ts';
import { addResidual, type Context, reduced } from './residual.ts';
import { addRepeated, addSharedProduct, IMAGES, productOf } from './shared-products.ts';
import { SizeValues } from './sizes.ts';
import { type Decoders, HIDDEN, LENGTH, type State, type Step, stepOf } from './step.ts';
import { withoutDequantizedConstants, withoutHalves } from './stored-weights.ts';

export interface Tensors {
  dtype: ElementType;
  shape: readonly (string | number)[];
}

export interface CaptionerGraphs {
  encoder: OnnxModel;
  decoder: OnnxModel;
  /** What a step hands to the next: 'rows' and 'length' are open, all begin with length 0. */
  state: readonly Tensors[];
  /** What the encoder hands to every step: 'images' is open. */
  memory: readonly Tensors[];
  regions: number;
  embeddingWidth: number;
  /** How many tokens the softmax is over. */
  logits: number;
}

/** Adds the nodes that make an encoder's input of `image` uint8 [N, H, W, 3]; gives the name of float32 [N, 3, H, W]. */
export type PixelsFront = (g: GraphBuilder, image: string) => string;

export interface Encoder {
  /** From `pixel_values` to `last_hidden_state`. */
  model: OnnxModel;
  /** What `last_hidden_state` is for one image. */
  regions: number;
  embeddingWidth: number;
  pixels: PixelsFront;
  file: string;
}

/** @throws SourceError where the graphs are put together in a way that is not known here */
export function captionerGraphs(given: Encoder, of: Decoders): CaptionerGraphs {
  const plain = (model: OnnxModel) => withoutDequantizedConstants(withoutHalves(model));
  const encoder = { ...given, model: plain(given.model) };
  const [next, whole, embed] = [of.next, of.whole, of.embed].map((model) => model && plain(model));
  const decoders: Decoders = { file: of.file, next: next!, whole: whole!, embed: embed! };
  const { regions, embeddingWidth } = encoder;
  const models = [encoder.model, decoders.next, decoders.whole, decoders.embed].filter((m) => m !== null);
  const opsets = commonOpsets(models);
  if (!opsets) throw differentOpsets(encoder, decoders, models);
  const hiddenType = hiddenTypeOf(decoders);
  const step = stepOf(decoders, [regions, embeddingWidth], hiddenType);
  const facts = factsOf(step.graph, step.given);
  const words = ['word', 'parent', 'k', ...step.states.map((_, i) => `state.${i}`)];
  const outputs = [step.logits.value, ...step.next];
  const context = { graph: reduced({ graph: step.graph, facts }, outputs), facts };
  const memory = memoryOf(context.graph, facts, { image: HIDDEN, words, outputs });
  const versions = { opsets, irVersion: commonIrVersion(models, opsets['']!) };
  const logits = vocabularySize(step, context, decoders);
  return {
    encoder: { ...pruned(encoderGraph(encoder, context, memory, hiddenType)), ...versions },
    decoder: { ...pruned(decoderGraph(step, context, memory, logits)), ...versions },
    state: step.states.map(({ dtype, shape }) => ({ dtype, shape })),
    memory: memory.map(({ type, dims }) => ({ dtype: type, shape: [IMAGES, ...dims] })),
    regions,
    embeddingWidth,
    logits,
  };
}

function hiddenTypeOf({ whole, next }: Decoders): ElementType {
  const inputs = [whole, next].flatMap((model) => model?.inputs ?? []);
  return inputs.find(({ name }) => name === HIDDEN)?.type ?? 'float32';
}

function differentOpsets(encoder: Encoder, decoders: Decoders, models: readonly OnnxModel[]): SourceError {
  return new SourceError('SourceUnsupported', {
    file: decoders.file,
    expected: `the version of ONNX's operators that ${encoder.file} has`,
    actual: models.map(({ opsets }) => opsets['']).join(', '),
    remedy: 'Export both with the same --opset.',
  });
}

function vocabularySize({ logits }: Step, { facts }: Context, { whole, next, file }: Decoders): number {
  const declared = (next ?? whole)!.outputs.find(({ name }) => name === 'logits')?.dims?.at(-1);
  const known = facts.get(logits.value)?.dims?.at(-1);
  const size = (known && asNumber(known)) ?? declared;
  if (typeof size === 'number') return size;
  throw new SourceError('SourceUnsupported', {
    file,
    expected: 'logits of a known width',
    actual: String(size),
  });
}

function encoderGraph(
  { model, pixels, regions, embeddingWidth }: Encoder,
  context: Context,
  memory: readonly Memory[],
  hiddenType: ElementType,
): OnnxModel {
  const g = new GraphBuilder();
  const [input] = inputsOf(model) as [ValueInfo];
  const output = model.outputs.find(({ name }) => name === 'last_hidden_state') ?? model.outputs[0]!;
  const made = casted(g, pixels(g, 'image'), 'float32', input.type!, 'pixel_values');
  include(g, model, 'e/', { [input.name]: made });
  const hidden = `e/${output.name}`;
  const decoded = casted(g, hidden, output.type!, hiddenType, HIDDEN);
  const embeddings = casted(g, hidden, output.type!, 'float32', 'region_embeddings/cast');
  const sizes = new SizeValues(g, { [ROWS]: { value: hidden, axis: 0 } });
  const values = memory.map(({ value }) => value);
  const computed = addResidual(g, context, values, new Map([[HIDDEN, decoded]]), sizes);
  memory.forEach(({ dims }, i) => {
    const shape = g.constant(`memory_shape.${i}`, integers(-1, ...dims));
    g.node('Reshape', [computed[i]!, shape], `memory.${i}`);
  });
  nameOutputs(g, [[embeddings, 'region_embeddings']]);
  return g.model(
    'encoder',
    [{ name: 'image', type: 'uint8', dims: ['N', 'H', 'W', 3] }],
    [
      { name: 'region_embeddings', type: 'float32', dims: ['N', regions, embeddingWidth] },
      ...memory.map(memoryInfo),
    ],
  );
}

const memoryInfo = ({ type, dims }: Memory, i: number): ValueInfo => ({
  name: `memory.${i}`,
  type,
  dims: ['N', ...dims],
});

function casted(g: GraphBuilder, value: string, from: ElementType, to: ElementType, name: string): string {
  return from === to ? value : g.node('Cast', [value], name, { to: DATA_TYPES[to] });
}

function decoderGraph(
  { states, next, logits }: Step,
  context: Context,
  memory: readonly Memory[],
  vocabulary: number,
): OnnxModel {
  const g = new GraphBuilder();
  const { facts } = context;
  const inputs: ValueInfo[] = [
    { name: 'word', type: 'int64', dims: ['B'] },
    { name: 'parent', type: 'int64', dims: ['B'] },
    { name: 'k', type: 'int64', dims: [1] },
    ...states.map((state, i) => stateInfo(state, `state.${i}`, 'Bprev', 'L')),
    ...memory.map(memoryInfo),
  ];
  const given = new Map(inputs.map(({ name }) => [name, name]));
  memory.forEach(({ value }, i) => {
    given.set(value, `memory.${i}`);
  });
  const sizes = new SizeValues(g, {
    [ROWS]: { value: 'word', axis: 0 },
    [LENGTH]: { value: 'state.0', axis: states[0]!.axis },
    [IMAGES]: { value: 'memory.0', axis: 0 },
  });
  const sharing = new Sharing(g, sizes, context, memory);
  const targets = [logits.value, ...next];
  const [computed, ...grown] = addResidual(g, context, targets, given, sizes, (node, names) =>
    sharing.rewrite(node, names),
  ) as [string, ...string[]];
  const last = lastPosition(
    g,
    computed,
    asNumber(facts.get(logits.value)?.dims?.[1] ?? new Map()),
    vocabulary,
  );
  addSearch(g, casted(g, last, logits.type, 'float32', 'logits'));
  nameOutputs(
    g,
    grown.map((value, i) => [value, `next.${i}`]),
  );
  return g.model('decoder', inputs, [
    ...states.map((state, i) => stateInfo(state, `next.${i}`, 'B', 'Lnext')),
    { name: 'top_log_probabilities', type: 'float32', dims: ['B', 'K'] },
    { name: 'top_ids', type: 'int64', dims: ['B', 'K'] },
    { name: 'log_probabilities', type: 'float32', dims: ['B', vocabulary] },
  ]);
}

function stateInfo({ dtype, shape }: State, name: string, rows: string, length: string): ValueInfo {
  const dims = shape.map((size) => (size === ROWS ? rows : size === LENGTH ? length : size));
  return { name, type: dtype, dims };
}

/** [rows, V] of [rows, words, V]. */
function lastPosition(g: GraphBuilder, logits: string, words: number | null, vocabulary: number): string {
  if (words === 1) {
    const flat = g.constant('logits_shape', integers(-1, vocabulary));
    return g.node('Reshape', [logits, flat], 'last_logits');
  }
  const last = g.constant('last_place', tensorOf(BigInt64Array.of(-1n), []));
  return g.node('Gather', [logits, last], 'last_logits', { axis: 1 });
}

function addSearch(g: GraphBuilder, logits: string): void {
  g.node('LogSoftmax', [logits], 'log_probabilities', { axis: 1 });
  const best = ['top_log_probabilities', 'top_ids'];
  g.node('TopK', ['log_probabilities', 'k'], best, { axis: 1, largest: 1, sorted: 1 });
}

/** Lets the rows of an image share what is kept of it. */
class Sharing {
  readonly #g: GraphBuilder;
  readonly #sizes: SizeValues;
  readonly #context: Context;
  readonly #kept: ReadonlyMap<string, { name: string; memory: Memory }>;
  readonly #repeated = new Map<string, string>();

  constructor(g: GraphBuilder, sizes: SizeValues, context: Context, memory: readonly Memory[]) {
    this.#g = g;
    this.#sizes = sizes;
    this.#context = context;
    this.#kept = new Map(memory.map((m, i) => [m.value, { name: `memory.${i}`, memory: m }]));
  }

  rewrite(node: OnnxModel['nodes'][number], inputs: readonly string[]): string | null {
    const kept = node.inputs.filter((value) => this.#kept.has(value));
    if (kept.length === 0) return null;
    const { facts } = this.#context;
    const second = this.#kept.get(node.inputs[1] ?? '');
    const product = second && productOf(node, facts, second.memory);
    const [output] = node.outputs as [string];
    if (second && product) {
      const dims = facts.get(output)!.dims!;
      return addSharedProduct(this.#g, this.#sizes, product, [inputs[0]!, second.name, output], dims);
    }
    const all = node.inputs.map((value, i) => (this.#kept.has(value) ? this.#repeat(value) : inputs[i]!));
    this.#g.nodes.push({ ...node, inputs: all });
    return output;
  }

  #repeat(value: string): string {
    const found = this.#repeated.get(value);
    if (found !== undefined) return found;
    const { name, memory } = this.#kept.get(value)!;
    const made = addRepeated(this.#g, this.#sizes, [name, memory], this.#context.facts.get(value)!.dims!);
    this.#repeated.set(value, made);
    return made;
  }
}

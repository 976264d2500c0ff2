/** One step of an export: its decoder with what we give it in front, before anything is rewritten. */
import { SourceError } from '../../../errors.ts';
import {
  type ElementType,
  GraphBuilder,
  integers,
  type OnnxGraph,
  type OnnxModel,
  tensorOf,
  type ValueInfo,
} from '../../../onnx/graph.ts';
import { include, inputsOf } from './compose.ts';
import type { Fact } from './facts/fact.ts';
import { number, type Size, symbol } from './facts/size.ts';
import { ROWS } from './origins.ts';

/** Decoders of an export, merged ones taken apart. */
export interface Decoders {
  /** Without a cache: runs over all words so far. Null where none is there. */
  whole: OnnxModel | null;
  /** With a cache: runs over the last word. Null: the whole sequence runs in every step. */
  next: OnnxModel | null;
  /** Word ids to what decoders with `inputs_embeds` read. */
  embed: OnnxModel | null;
  /** For messages. */
  file: string;
}

export interface State {
  dtype: ElementType;
  /** The axis that grows by one with each step. */
  axis: number;
  /** 'rows', 'length' or numbers. */
  shape: readonly (string | number)[];
}

export interface Step {
  graph: OnnxGraph;
  given: ReadonlyMap<string, Fact>;
  states: readonly State[];
  /** The states after the step, as values of the graph. */
  next: readonly string[];
  logits: { value: string; type: ElementType };
}

export const LENGTH = 'length';
/** Rows of the state before the step. */
const BEFORE = 'before';
export const HIDDEN = 'encoder_hidden_states';

/** @param hidden [regions, width] of what the encoder makes of an image */
export function stepOf(decoders: Decoders, hidden: readonly [number, number], hiddenType: ElementType): Step {
  const { next, whole, file } = decoders;
  const decoder = next ?? whole;
  if (!decoder) throw new TypeError('no decoder');
  const g = new GraphBuilder();
  const inputs = inputsOf(decoder);
  const caches = next ? inputs.filter(({ name }) => isCache(name)) : [];
  const states: State[] = next
    ? caches.map((cache) => cacheState(cache, file))
    : [{ dtype: 'int64', axis: 1, shape: [ROWS, LENGTH] }];
  const front = new Front(g, decoders, states, !next);
  const prefix = 'd/';
  const bound: Record<string, string> = { [HIDDEN]: HIDDEN };
  caches.forEach(({ name }, i) => {
    bound[name] = front.continued(i);
  });
  const lent = inputs.filter(({ name }) => isLent(name));
  if (lent.length > 0) {
    if (!whole) throw missing(file, `a decoder without a cache, which computes ${lent[0]!.name}`);
    includeDecoder(g, whole, 'f/', { [HIDDEN]: HIDDEN }, front, file);
    for (const { name } of lent) bound[name] = lentFrom(whole, name, file);
  }
  includeDecoder(g, decoder, prefix, bound, front, file);
  const grown = next ? caches.map(({ name }) => prefix + present(decoder, name, file)) : [front.ids()];
  const logits = decoder.outputs.find(({ name }) => name === 'logits');
  if (!logits) throw missing(file, 'an output "logits"');
  return {
    graph: g.graph('step', [], []),
    given: givenFacts(states, hidden, hiddenType),
    states,
    next: grown,
    logits: { value: `${prefix}logits`, type: logits.type! },
  };
}

/** The decoder's own keys and values. */
const isCache = (name: string) => name.startsWith('past_key_values.') && !isLent(name);
/** Keys and values of what the encoder made. */
const isLent = (name: string) => /^past_key_values\..*\.encoder\./.test(name);

const presentName = (past: string) => past.replace(/^past_key_values\./, 'present.');

function present(model: OnnxModel, past: string, file: string): string {
  const name = presentName(past);
  if (model.outputs.some((output) => output.name === name)) return name;
  throw missing(file, `an output "${name}"`);
}

const lentFrom = (whole: OnnxModel, past: string, file: string) => `f/${present(whole, past, file)}`;

function missing(file: string, expected: string): SourceError {
  return new SourceError('SourceUnsupported', { file, expected, actual: 'none' });
}

function cacheState({ name, type, dims }: ValueInfo, file: string): State {
  const open = dims?.flatMap((size, i) => (typeof size === 'string' ? [i] : []));
  if (dims?.length !== 4 || open?.length !== 2 || open[0] !== 0) {
    throw new SourceError('SourceUnsupported', {
      file,
      expected: `a cache "${name}" of [batch, heads, length, width], two of them numbers`,
      actual: `[${dims?.join(', ') ?? '?'}]`,
    });
  }
  const axis = open[1]!;
  return { dtype: type!, axis, shape: dims.map((size, i) => (i === 0 ? ROWS : i === axis ? LENGTH : size)) };
}

/** Includes a decoder with all of its inputs bound. */
function includeDecoder(
  g: GraphBuilder,
  model: OnnxModel,
  prefix: string,
  bound: Record<string, string>,
  front: Front,
  file: string,
): void {
  const all = { ...bound };
  for (const input of inputsOf(model)) {
    if (all[input.name] !== undefined) continue;
    const made = front.input(input);
    if (made === null) {
      throw new SourceError('SourceUnsupported', {
        file,
        expected: 'a decoder that reads words, a cache and what the encoder made',
        actual: `one with an input "${input.name}"`,
      });
    }
    all[input.name] = made;
  }
  include(g, model, prefix, all);
}

/** Makes what an export's decoder reads of `word`, `parent` and the states. */
class Front {
  readonly #g: GraphBuilder;
  readonly #decoders: Decoders;
  readonly #states: readonly State[];
  /** All words so far are read, and not only the last. */
  readonly #whole: boolean;
  readonly #made = new Map<string, string>();

  constructor(g: GraphBuilder, decoders: Decoders, states: readonly State[], whole: boolean) {
    this.#g = g;
    this.#decoders = decoders;
    this.#states = states;
    this.#whole = whole;
  }

  /** Null: nothing that is known here. */
  input({ name, type }: ValueInfo): string | null {
    switch (name.replace(/^decoder_/, '')) {
      case 'input_ids':
        return this.ids();
      case 'inputs_embeds':
        return this.#embedded();
      case 'attention_mask':
        return this.#filled('mask', [ROWS_VALUE, this.#total()], type, 1);
      case 'encoder_attention_mask':
        return this.#filled('encoder_mask', [ROWS_VALUE, this.#regions()], type, 1);
      case 'token_type_ids':
        return this.#once('types', (out) =>
          this.#g.node('Mul', [this.ids(), this.#g.constant('none', integers(0))], out),
        );
      case 'position_ids':
        return this.#once('positions', (out) => {
          const row = this.#g.node('Reshape', [this.#places(), this.#vector('row', [1, -1])], `${out}/row`);
          const shape = this.#shape('positions_shape', [ROWS_VALUE, this.#count()]);
          return this.#g.node('Expand', [row, shape], out);
        });
      case 'cache_position':
        return this.#places();
      default:
        return null;
    }
  }

  /** State `i`, each row that of its parent. */
  continued(i: number): string {
    return this.#once(`continued.${i}`, (out) =>
      this.#g.node('Gather', [`state.${i}`, 'parent'], out, { axis: 0 }),
    );
  }

  /** [rows, words that are read]. */
  ids(): string {
    return this.#once('ids', (out) => {
      const last = this.#g.node('Reshape', ['word', this.#vector('column', [-1, 1])], 'last_word');
      return this.#whole ? this.#g.node('Concat', [this.continued(0), last], out, { axis: 1 }) : last;
    });
  }

  #embedded(): string | null {
    const { embed } = this.#decoders;
    if (!embed) return null;
    return this.#once('embedded', () => {
      include(this.#g, embed, 'w/', { [inputsOf(embed)[0]!.name]: this.ids() });
      return `w/${embed.outputs[0]!.name}`;
    });
  }

  /** Words before this step, [1]. */
  #past(): string {
    return this.#once('past', (out) => {
      const shape = this.#g.node('Shape', ['state.0'], 'state_shape');
      const axis = this.#vector('length_axis', [this.#states[0]!.axis]);
      return this.#g.node('Gather', [shape, axis], out, { axis: 0 });
    });
  }

  #total(): string {
    return this.#once('total', (out) => this.#g.node('Add', [this.#past(), this.#vector('one', [1])], out));
  }

  /** How many words are read, [1]. */
  #count(): string {
    return this.#whole ? this.#total() : this.#vector('one', [1]);
  }

  #regions(): string {
    return this.#once('regions', (out) => {
      const shape = this.#g.node('Shape', [HIDDEN], 'hidden_shape');
      return this.#g.node('Gather', [shape, this.#vector('region_axis', [1])], out, { axis: 0 });
    });
  }

  /** Of the words that are read, from 0. */
  #places(): string {
    return this.#once('places', (out) => {
      const scalar = (name: string, from: string) =>
        this.#g.node('Reshape', [from, this.#g.constant('no_axes', tensorOf(new BigInt64Array(0)))], name);
      const from = this.#whole
        ? this.#g.constant('zero', tensorOf(BigInt64Array.of(0n), []))
        : scalar('past_scalar', this.#past());
      const step = this.#g.constant('by_one', tensorOf(BigInt64Array.of(1n), []));
      return this.#g.node('Range', [from, scalar('total_scalar', this.#total()), step], out);
    });
  }

  #filled(name: string, parts: readonly string[], type: ElementType | null, value: number): string {
    return this.#once(`${name}:${type}`, (out) => {
      const tensor = type === 'float32' ? tensorOf(Float32Array.of(value)) : integers(value);
      const one = type === 'bool' ? ({ ...tensorOf(Uint8Array.of(value)), type: 'bool' } as const) : tensor;
      const shape = this.#shape(`${name}_shape`, parts);
      return this.#g.node('ConstantOfShape', [shape], out, { value: { tensor: one } });
    });
  }

  #shape(name: string, parts: readonly string[]): string {
    const made = parts.map((part) => (part === ROWS_VALUE ? this.#rows() : part));
    return this.#once(name, (out) => this.#g.node('Concat', made, out, { axis: 0 }));
  }

  #rows(): string {
    return this.#once('row_count', (out) => this.#g.node('Shape', ['word'], out));
  }

  #vector(name: string, values: number[]): string {
    return this.#g.constant(name, integers(...values));
  }

  #once(key: string, make: (out: string) => string): string {
    const found = this.#made.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    this.#made.set(key, made);
    return made;
  }
}

/** Stands for the number of rows in a list of sizes. */
const ROWS_VALUE = ' rows';

function givenFacts(
  states: readonly State[],
  hidden: readonly [number, number],
  hiddenType: ElementType,
): Map<string, Fact> {
  const rows = symbol(ROWS);
  const value = (type: ElementType, ...dims: Size[]): Fact => ({ type, dims, content: null });
  const facts = new Map([
    ['word', value('int64', rows)],
    ['parent', value('int64', rows)],
    [HIDDEN, value(hiddenType, rows, ...hidden.map(number))],
  ]);
  states.forEach(({ dtype, shape }, i) => {
    const sizes = shape.map((size) =>
      typeof size === 'number' ? number(size) : symbol(size === ROWS ? BEFORE : size),
    );
    facts.set(`state.${i}`, value(dtype, ...sizes));
  });
  return facts;
}

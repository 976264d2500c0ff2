/** Sizes as values of a graph: what shape arithmetic becomes once it is understood. */
import { type GraphBuilder, int64Tensor, integers, type OnnxTensor, tensorOf } from '../../../onnx/graph.ts';
import { DATA_TYPES } from '../../../onnx/schema.ts';
import type { Fact } from './facts/fact.ts';
import { asNumber, keyOf, number, type Size } from './facts/size.ts';

/** Where a named size is read from. */
export type Sources = Readonly<Record<string, { value: string; axis: number }>>;

export class SizeValues {
  readonly #g: GraphBuilder;
  readonly #sources: Sources;
  readonly #made = new Map<string, string>();

  constructor(g: GraphBuilder, sources: Sources) {
    this.#g = g;
    this.#sources = sources;
  }

  /** int64, one element for each size. */
  list(sizes: readonly Size[]): string {
    return this.#once(`sizes(${sizes.map(keyOf).join(',')})`, (name) => {
      const numbers = sizes.map(asNumber);
      if (numbers.every((n) => n !== null)) return this.#g.constant(name, integers(...numbers));
      if (sizes.length === 1) return this.#one(sizes[0]!, name);
      const parts: Size[][] = [];
      for (const size of sizes) {
        const last = parts.at(-1);
        const joins = asNumber(size) !== null && last?.every((s) => asNumber(s) !== null);
        if (joins) last!.push(size);
        else parts.push([size]);
      }
      return this.#g.node(
        'Concat',
        parts.map((part) => this.list(part)),
        name,
        { axis: 0 },
      );
    });
  }

  /** The elements of a value that follows from sizes, in its type and shape. */
  value(fact: Fact): string {
    const { type, content, dims } = fact;
    const shape = dims!.map((size) => asNumber(size)!);
    const key = `${content!.map(keyOf).join(',')}:${type}[${shape.join(',')}]`;
    return this.#once(key, (name) => {
      const numbers = content!.map(asNumber);
      if (numbers.every((n) => n !== null))
        return this.#g.constant(name, tensorOfNumbers(numbers, type, shape));
      let found = this.list(content!);
      if (shape.length === 0) {
        const first = this.#g.constant('first', tensorOf(BigInt64Array.of(0n), []));
        found = this.#g.node('Gather', [found, first], `${name}/scalar`, { axis: 0 });
      } else if (shape.length > 1) {
        const target = this.#g.constant(`${name}/shape`, integers(...shape));
        found = this.#g.node('Reshape', [found, target], `${name}/shaped`);
      }
      if (type === 'int64') return found;
      return this.#g.node('Cast', [found], name, { to: DATA_TYPES[type!] });
    });
  }

  /** A polynomial, one element. */
  #one(size: Size, name: string): string {
    const terms = [...size].map(([names, coefficient]) => this.#term(names, coefficient));
    return terms.reduce((sum, term, i) => {
      const last = i === terms.length - 1;
      return this.#g.node('Add', [sum, term], last ? name : `${name}/${i}`);
    });
  }

  #term(names: string, coefficient: number): string {
    if (names === '') return this.list([number(coefficient)]);
    const factors = names.split('*').map((source) => this.#source(source));
    if (coefficient !== 1) factors.push(this.list([number(coefficient)]));
    return factors.reduce((product, factor) =>
      this.#once(`${product}*${factor}`, (name) => this.#g.node('Mul', [product, factor], name)),
    );
  }

  #source(source: string): string {
    return this.#once(`size(${source})`, (name) => {
      const { value, axis } = this.#sources[source]!;
      const shape = this.#once(`shape(${value})`, (all) => this.#g.node('Shape', [value], all));
      const place = this.#g.constant(`axis(${axis})`, integers(axis));
      return this.#g.node('Gather', [shape, place], name, { axis: 0 });
    });
  }

  #once(key: string, make: (name: string) => string): string {
    const found = this.#made.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    this.#made.set(key, made);
    return made;
  }
}

function tensorOfNumbers(
  numbers: readonly number[],
  type: Fact['type'],
  dims: readonly number[],
): OnnxTensor {
  switch (type) {
    case 'float32':
      return tensorOf(Float32Array.from(numbers), dims);
    case 'int32':
      return tensorOf(Int32Array.from(numbers), dims);
    case 'bool':
      return { ...tensorOf(Uint8Array.from(numbers), dims), type: 'bool' };
    default:
      return int64Tensor(numbers, dims);
  }
}

/** What is known of a value before anything runs. */
import { type ElementType, elementsOf, type OnnxNode, type OnnxTensor } from '../../../../onnx/graph.ts';
import { asNumber, number, type Size, symbol } from './size.ts';

export interface Fact {
  /** Null: unknown. */
  type: ElementType | null;
  /** Null: not even their number. Sizes that nothing is known of have names of their own. */
  dims: readonly Size[] | null;
  /** The elements, row by row, where they follow from sizes and constants alone. Floats are always numbers, true is 1. */
  content: readonly Size[] | null;
}

/** What is known of a node's outputs, from what is known of its inputs. */
export type Rule = (node: OnnxNode, inputs: readonly (Fact | undefined)[]) => readonly Fact[];

export const UNKNOWN: Fact = { type: null, dims: null, content: null };

/** Longer ones are data. */
export const MAX_CONTENT = 64;

/** Names of sizes that nothing is known of. */
const FRESH = '?';
let freshSizes = 0;
export const fresh = (): Size => symbol(`${FRESH}${++freshSizes}`);
export const isFresh = (name: string): boolean => name.startsWith(FRESH);

export const isInteger = (type: ElementType | null): boolean => /^u?int|^bool/.test(type ?? '');

export function tensorFact(tensor: OnnxTensor): Fact {
  const { type, dims } = tensor;
  const elements = elementsOf(dims) <= MAX_CONTENT ? elementsOfTensor(tensor) : null;
  return { type, dims: dims.map(number), content: elements?.map(number) ?? null };
}

function elementsOfTensor({ type, bytes }: OnnxTensor): number[] | null {
  if (!['int64', 'int32', 'bool', 'float32'].includes(type)) return null;
  const { buffer } = new Uint8Array(bytes());
  switch (type) {
    case 'int64':
      return [...new BigInt64Array(buffer)].map(Number);
    case 'int32':
      return [...new Int32Array(buffer)];
    case 'float32':
      return [...new Float32Array(buffer)];
    default:
      return [...new Uint8Array(buffer)];
  }
}

/** Numbers of a content that has no names in it, else null. */
export function numbersOf(fact: Fact | undefined): number[] | null {
  const numbers = fact?.content?.map(asNumber);
  return numbers?.every((n) => n !== null) ? numbers : null;
}

/** An integer attribute; `otherwise` where it is not there. */
export function integerOf({ attributes }: OnnxNode, name: string, otherwise: number): number {
  const value = attributes[name];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : otherwise;
}

/** Integers that are an attribute in older versions of an operator and an input in newer ones. */
export function integersOf({ attributes }: OnnxNode, name: string, input: Fact | undefined): number[] | null {
  const value = attributes[name];
  if (Array.isArray(value)) return value.map(Number);
  return numbersOf(input);
}

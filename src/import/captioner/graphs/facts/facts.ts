/** Follows sizes through a graph. */
import type { OnnxGraph, OnnxNode } from '../../../../onnx/graph.ts';
import { type Fact, isFresh, tensorFact, UNKNOWN } from './fact.ts';
import { ruleOf } from './rules.ts';
import { namesOf } from './size.ts';

/** What is known of every value of a graph; of its inputs what `given` says. */
export function factsOf(graph: OnnxGraph, given: ReadonlyMap<string, Fact>): Map<string, Fact> {
  const facts = new Map<string, Fact>(given);
  for (const [name, tensor] of graph.constants) facts.set(name, tensorFact(tensor));
  for (const node of graph.nodes) {
    const found = factsOfNode(
      node,
      node.inputs.map((input) => facts.get(input)),
    );
    node.outputs.forEach((output, i) => {
      if (output !== '') facts.set(output, found[i] ?? UNKNOWN);
    });
  }
  return facts;
}

function factsOfNode(node: OnnxNode, inputs: (Fact | undefined)[]): readonly Fact[] {
  const rule = ruleOf(node);
  return rule ? rule(node, inputs) : [];
}

export interface Settled extends Fact {
  content: NonNullable<Fact['content']>;
  dims: NonNullable<Fact['dims']>;
}

const TYPES = new Set<unknown>(['int64', 'int32', 'bool', 'float32']);

/** Whether its elements follow from named sizes and constants alone, so that it can be made from these. */
export const isSettled = (fact: Fact | undefined): fact is Settled =>
  fact?.content != null &&
  fact.dims !== null &&
  TYPES.has(fact.type) &&
  !fact.content.some((size) => namesOf(size).some(isFresh));

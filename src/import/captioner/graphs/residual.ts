/** The part of a graph that some values need, with all arithmetic of sizes done beforehand. */
import type { GraphBuilder, OnnxGraph, OnnxNode } from '../../../onnx/graph.ts';
import { integers, producersOf } from '../../../onnx/graph.ts';
import { readsOf, renamedNode } from './compose.ts';
import { type Fact, integerOf } from './facts/fact.ts';
import { isSettled } from './facts/facts.ts';
import { sameDims } from './facts/layout.ts';
import { asNumber, equal } from './facts/size.ts';
import type { SizeValues } from './sizes.ts';

export interface Context {
  graph: OnnxGraph;
  facts: ReadonlyMap<string, Fact>;
}

/** Another way to do a node; null: as it is. Gives the name of its output. */
export type Rewrite = (node: OnnxNode, inputs: readonly string[]) => string | null;

/**
 * Adds to `g` what computes `targets`.
 * @param given values of the graph that are there already, by their name in `g`
 * @returns what the targets are called in `g`, in their order
 */
export function addResidual(
  g: GraphBuilder,
  { graph, facts }: Context,
  targets: readonly string[],
  given: ReadonlyMap<string, string>,
  sizes: SizeValues,
  rewrite: Rewrite = () => null,
): string[] {
  const { needed, settled } = neededFor({ graph, facts }, targets, given);
  const names = new Map(given);
  for (const value of settled) names.set(value, sizes.value(facts.get(value)!));
  const nameOf = (value: string) => names.get(value) ?? value;
  for (const node of graph.nodes) {
    if (!needed.has(node)) continue;
    for (const value of readsOf(node)) {
      const tensor = graph.constants.get(value);
      if (tensor && !names.has(value)) g.constant(value, tensor);
    }
    const renamed = renamedNode(node, nameOf);
    const [output] = node.outputs as [string];
    const other = passedOn(node, facts) ?? null;
    if (other !== null) names.set(output, nameOf(other));
    else {
      const rewritten = rewrite(node, renamed.inputs) ?? staticReshape(g, node, facts, renamed, sizes);
      if (rewritten !== null) names.set(output, rewritten);
      else g.nodes.push(renamed);
    }
  }
  return targets.map((target) => {
    const tensor = graph.constants.get(target);
    return tensor && !names.has(target) ? g.constant(target, tensor) : nameOf(target);
  });
}

/** The graph without nodes that the targets do not need once all sizes are known. */
export function reduced(context: Context, targets: readonly string[]): OnnxGraph {
  const { needed } = neededFor(context, targets, new Map());
  return { ...context.graph, nodes: context.graph.nodes.filter((node) => needed.has(node)) };
}

function neededFor(
  { graph, facts }: Context,
  targets: readonly string[],
  given: ReadonlyMap<string, string>,
): { needed: Set<OnnxNode>; settled: Set<string> } {
  const producers = producersOf(graph.nodes);
  const needed = new Set<OnnxNode>();
  const settled = new Set<string>();
  const seen = new Set<string>();
  const open = [...targets];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (seen.has(value) || given.has(value)) continue;
    seen.add(value);
    if (isSettled(facts.get(value))) {
      settled.add(value);
      continue;
    }
    const node = producers.get(value);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    open.push(...readsOf(node));
  }
  // A node that is needed for another output makes this one as well.
  for (const value of settled) if (needed.has(producers.get(value)!)) settled.delete(value);
  return { needed, settled };
}

/** What a node only hands on. */
function passedOn({ op, inputs, outputs }: OnnxNode, facts: ReadonlyMap<string, Fact>): string | null {
  const [input] = inputs as [string];
  if (op === 'Identity') return input;
  const [from, to] = [facts.get(input), facts.get(outputs[0]!)];
  if (op === 'Cast' && from?.type && from.type === to?.type) return input;
  if (op !== 'Expand' && op !== 'Reshape') return null;
  return from?.dims && to?.dims && sameDims(from.dims, to.dims) ? input : null;
}

/** A target that is the same for all sizes where there is one: 0 for a size that stays, -1 for one that follows. */
function staticReshape(
  g: GraphBuilder,
  node: OnnxNode,
  facts: ReadonlyMap<string, Fact>,
  { inputs, outputs }: OnnxNode,
  sizes: SizeValues,
): string | null {
  if (node.op !== 'Reshape' || integerOf(node, 'allowzero', 0) !== 0) return null;
  const from = facts.get(node.inputs[0]!)?.dims;
  const to = facts.get(node.outputs[0]!)?.dims;
  if (!from || !to || !isSettled(facts.get(node.inputs[1]!))) return null;
  const target = to.map((size, i) => asNumber(size) ?? (from[i] && equal(size, from[i]) ? 0 : -1));
  const shape =
    target.filter((n) => n === -1).length <= 1
      ? g.constant(`shape[${target.join(',')}]`, integers(...target))
      : sizes.list(to);
  return g.node('Reshape', [inputs[0]!, shape], outputs[0]!);
}

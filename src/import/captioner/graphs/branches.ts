/** Merged decoders have two in one: the graph of the first word, and that of all others, in the branches of an `If`. */
import { type OnnxModel, type OnnxNode, tensorOf } from '../../../onnx/graph.ts';
import { isGraph, pruned, readsOf, renamedNode } from './compose.ts';
import { numbersOf } from './facts/fact.ts';
import { factsOf } from './facts/facts.ts';

const BRANCH_INPUT = 'use_cache_branch';

export const isMerged = ({ inputs }: OnnxModel): boolean => inputs.some(({ name }) => name === BRANCH_INPUT);

/** The graph that a merged decoder is with or without a cache; both share the weights. */
export function branchOf(model: OnnxModel, withCache: boolean): OnnxModel {
  const flag = tensorOf(Uint8Array.of(withCache ? 1 : 0));
  const taken = pruned(
    withoutDecidedBranches({
      ...model,
      constants: new Map([...model.constants, [BRANCH_INPUT, { ...flag, type: 'bool' }]]),
    }),
  );
  const read = new Set(taken.nodes.flatMap(readsOf));
  return { ...taken, inputs: taken.inputs.filter(({ name }) => name !== BRANCH_INPUT && read.has(name)) };
}

/** Every `If` whose condition is constant becomes the branch that it takes. */
function withoutDecidedBranches(model: OnnxModel): OnnxModel {
  if (!model.nodes.some(({ op }) => op === 'If')) return model;
  const facts = factsOf(model, new Map());
  const nodes: OnnxNode[] = [];
  const constants = new Map(model.constants);
  let decided = false;
  for (const node of model.nodes) {
    const condition = node.op === 'If' ? numbersOf(facts.get(node.inputs[0]!)) : null;
    const branch = node.attributes[condition?.[0] ? 'then_branch' : 'else_branch'];
    if (!condition || !isGraph(branch)) {
      nodes.push(node);
      continue;
    }
    decided = true;
    const { graph } = branch;
    for (const [name, tensor] of graph.constants) constants.set(name, tensor);
    nodes.push(...graph.nodes.map((inner) => apart(inner, node, graph.outputs)));
    nodes.push(...outputsOf(node, graph.outputs));
  }
  const inlined = { ...model, nodes, constants };
  return decided ? withoutDecidedBranches(inlined) : model;
}

/** What a branch calls `logits` inside may not be called so outside as well. */
const INSIDE = ' (inside)';

/** Both the `If` and its branch may call a value the same: the branch's is renamed. */
function apart(inner: OnnxNode, outer: OnnxNode, outputs: readonly { name: string }[]): OnnxNode {
  const taken = new Set(outer.outputs.filter((name) => outputs.some((output) => output.name === name)));
  return renamedNode(inner, (value) => (taken.has(value) ? value + INSIDE : value));
}

function outputsOf(node: OnnxNode, inner: readonly { name: string }[]): OnnxNode[] {
  return node.outputs.map((output, i) => {
    const from = inner[i]!.name;
    const input = node.outputs.includes(from) ? from + INSIDE : from;
    return { op: 'Identity', domain: '', name: output, inputs: [input], outputs: [output], attributes: {} };
  });
}

/** Moving about in a graph: from an input to its node, from a node to its users. */
import { SourceError } from '../../errors.ts';
import { damaged } from '../bytes/damaged.ts';
import type { GraphNode } from './graph-def.ts';

/** Operations that change nothing in values that matter here. */
const TRANSPARENT = new Set(['Identity', 'StopGradient', 'Snapshot']);
/** Longer chains of identities are cycles. */
const MAX_CHAIN = 100;
/** The nodes that stand for a variable in a graph that is not frozen. */
const VARIABLES = new Set(['Variable', 'VariableV2', 'VarHandleOp', 'ReadVariableOp', 'TemporaryVariable']);

export interface Graph {
  file: string;
  nodes: ReadonlyMap<string, GraphNode>;
  /** Users of a node's outputs, among the nodes that the outputs of the network need. */
  users: ReadonlyMap<GraphNode, readonly { node: GraphNode; output: number; input: number }[]>;
}

/** `^a/b:1` is output 1 of `a/b`. */
export function parseInput(input: string): { name: string; output: number } {
  const bare = input.startsWith('^') ? input.slice(1) : input;
  const colon = bare.lastIndexOf(':');
  const output = colon < 0 ? 0 : Number(bare.slice(colon + 1));
  return colon < 0 || !Number.isInteger(output)
    ? { name: bare, output: 0 }
    : { name: bare.slice(0, colon), output };
}

/** Only the nodes that `outputs` need, with their users. @throws SourceDamaged for an input that is not there */
export function walkBack(
  file: string,
  nodes: ReadonlyMap<string, GraphNode>,
  outputs: readonly GraphNode[],
): Graph {
  const users = new Map<GraphNode, { node: GraphNode; output: number; input: number }[]>();
  const queue = [...outputs];
  for (const output of outputs) users.set(output, []);
  for (let node = queue.pop(); node; node = queue.pop()) {
    for (const [input, written] of node.inputs.entries()) {
      if (written.startsWith('^')) continue;
      const { name, output } = parseInput(written);
      const source = nodes.get(name);
      if (!source) throw damaged(file, node.offset, `a node ${name}, an input of ${node.name}`, 'none');
      let known = users.get(source);
      if (!known) {
        known = [];
        users.set(source, known);
        queue.push(source);
      }
      known.push({ node, output, input });
    }
  }
  return { file, nodes, users };
}

/** The node behind an input, through identities. */
export function source(graph: Graph, user: GraphNode, input: number): GraphNode {
  let node = graph.nodes.get(parseInput(user.inputs[input] ?? '').name);
  for (let steps = 0; node && TRANSPARENT.has(node.op) && steps < MAX_CHAIN; steps++) {
    node = graph.nodes.get(parseInput(node.inputs[0] ?? '').name);
  }
  if (node && !TRANSPARENT.has(node.op)) return node;
  throw unexpected(
    graph,
    user,
    `an input number ${input} of ${user.name}`,
    node ? 'identities in a circle' : 'none',
  );
}

/** Users through identities. */
export function usersOf(graph: Graph, node: GraphNode): { node: GraphNode; output: number; input: number }[] {
  const found: { node: GraphNode; output: number; input: number }[] = [];
  const queue = [...(graph.users.get(node) ?? [])];
  const seen = new Set<GraphNode>();
  for (let user = queue.pop(); user; user = queue.pop()) {
    if (!TRANSPARENT.has(user.node.op)) found.push(user);
    else if (!seen.has(user.node)) {
      seen.add(user.node);
      const { output } = user;
      queue.push(...(graph.users.get(user.node) ?? []).map((next) => ({ ...next, output })));
    }
  }
  return found;
}

/** Whether an input is a constant, through identities; a variable that was not frozen is refused. */
export function constantAt(graph: Graph, user: GraphNode, input: number): GraphNode | null {
  const node = source(graph, user, input);
  if (!VARIABLES.has(node.op)) return node.op === 'Const' && node.value ? node : null;
  throw new SourceError('SourceUnsupported', {
    file: graph.file,
    offset: node.offset,
    expected: `the constant ${node.name}`,
    actual: `the variable ${node.name} (${node.op}): the graph holds no weights`,
    remedy: 'Import the checkpoint that belongs to this graph.',
  });
}

export function unexpected(graph: Graph, node: GraphNode, expected: string, actual?: string): SourceError {
  return new SourceError('SourceUnsupported', {
    file: graph.file,
    offset: node.offset,
    expected: `im2txt's inference graph: ${expected}`,
    actual: actual ?? `${node.op} ${node.name}`,
  });
}

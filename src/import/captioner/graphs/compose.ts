/** Graphs put together: values renamed so that none meets another, and what a node reads. */
import type { Attribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../../../onnx/graph.ts';

type Naming = (value: string) => string;

/** All values that a node reads, those that graphs inside of it read from around them included. */
export function readsOf(node: OnnxNode): string[] {
  const inner = Object.values(node.attributes).flatMap((attribute) =>
    isGraph(attribute) ? capturedBy(attribute.graph) : [],
  );
  return [...node.inputs, ...inner].filter((value) => value !== '');
}

export function isGraph(attribute: Attribute | undefined): attribute is { graph: OnnxGraph } {
  return typeof attribute === 'object' && 'graph' in attribute;
}

function capturedBy({ nodes, constants, inputs, outputs }: OnnxGraph): string[] {
  const own = new Set([
    ...constants.keys(),
    ...inputs.map(({ name }) => name),
    ...nodes.flatMap((node) => node.outputs),
  ]);
  const read = [...nodes.flatMap(readsOf), ...outputs.map(({ name }) => name)];
  return read.filter((value) => !own.has(value));
}

/** A node whose values are called otherwise, inside of its graphs too. */
export function renamedNode(node: OnnxNode, nameOf: Naming): OnnxNode {
  const rename = (value: string) => (value === '' ? '' : nameOf(value));
  const attributes = Object.entries(node.attributes).map(([name, attribute]) => [
    name,
    isGraph(attribute) ? { graph: renamedGraph(attribute.graph, nameOf) } : attribute,
  ]);
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: Object.fromEntries(attributes),
  };
}

function renamedGraph(graph: OnnxGraph, nameOf: Naming): OnnxGraph {
  const named = <T extends { name: string }>(value: T) => ({ ...value, name: nameOf(value.name) });
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renamedNode(node, nameOf)),
    constants: new Map([...graph.constants].map(([name, tensor]) => [nameOf(name), tensor])),
    inputs: graph.inputs.map(named),
    outputs: graph.outputs.map(named),
  };
}

/** What a graph is made of, while it grows. */
export interface Assembly {
  nodes: OnnxNode[];
  constants: Map<string, OnnxTensor>;
}

/**
 * Puts a graph into another one.
 * @param prefix for all of its values
 * @param bound what its inputs are there; inputs that are not named keep their name, with the prefix
 */
export function include(
  into: Assembly,
  graph: OnnxGraph,
  prefix: string,
  bound: Record<string, string>,
): void {
  const nameOf = (value: string) => (Object.hasOwn(bound, value) ? bound[value]! : prefix + value);
  for (const node of graph.nodes) {
    into.nodes.push({ ...renamedNode(node, nameOf), name: prefix + node.name });
  }
  for (const [name, tensor] of graph.constants) into.constants.set(nameOf(name), tensor);
}

/** Inputs that have to be given: older files list their constants among them. */
export const inputsOf = ({ inputs, constants }: OnnxGraph): OnnxGraph['inputs'] =>
  inputs.filter(({ name }) => !constants.has(name));

/** The versions of operators that all of these models use, or null where they differ in ONNX's own. */
export function commonOpsets(models: readonly OnnxModel[]): Record<string, number> | null {
  const opsets: Record<string, number> = {};
  for (const { opsets: own } of models) {
    for (const [domain, version] of Object.entries(own)) {
      if (opsets[domain] !== undefined && opsets[domain] !== version) {
        if (domain === '') return null;
      }
      opsets[domain] = Math.max(version, opsets[domain] ?? 0);
    }
  }
  return opsets;
}

/** Up to opset 21 files need no later version of the format than this, and newer ones than onnxruntime reads are about. */
const IR_OF_OPSET_21 = 10;
/** From here on constants are no inputs. */
const OLDEST_IR = 4;

export function commonIrVersion(models: readonly OnnxModel[], opset: number): number {
  const latest = Math.max(OLDEST_IR, ...models.map(({ irVersion }) => irVersion ?? 0));
  return opset <= 21 ? Math.min(latest, IR_OF_OPSET_21) : latest;
}

/**
 * Gives outputs their names: the node that computes a value calls it so, since an `Identity` would copy it in every run.
 * @param named value to name; values that no node computes are copied
 */
export function nameOutputs(g: Assembly, named: readonly (readonly [value: string, name: string])[]): void {
  const computed = new Set(g.nodes.flatMap((node) => node.outputs));
  const names = new Map<string, string>();
  for (const [value, name] of named) {
    if (computed.has(value) && !names.has(value)) names.set(value, name);
    else g.nodes.push({ op: 'Identity', domain: '', name, inputs: [value], outputs: [name], attributes: {} });
  }
  g.nodes.forEach((node, i) => {
    g.nodes[i] = renamedNode(node, (value) => names.get(value) ?? value);
  });
}

/** Without what no output needs. */
export function pruned<T extends OnnxGraph>(graph: T): T {
  const wanted = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => wanted.has(output))) return false;
    for (const value of readsOf(node)) wanted.add(value);
    return true;
  });
  const constants = new Map([...graph.constants].filter(([name]) => wanted.has(name)));
  return { ...graph, nodes: nodes.toReversed(), constants };
}

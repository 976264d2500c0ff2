/** The tensors that every im2txt program fetches, and what else a graph without them may be. */
import { SourceError } from '../../errors.ts';
import type { GraphNode } from '../tensorflow/graph-def.ts';

/** The names that im2txt's programs fetch, below whatever prefix the graph was imported under. */
const OUTPUTS = ['softmax', 'lstm/initial_state', 'lstm/state'] as const;

/** Operations that only training has: reading batches, losses, dropout, loops over whole captions, steps. */
const TRAINING =
  /^(RandomUniform|RandomShuffleQueue|FIFOQueue|PaddingFIFOQueue|QueueDequeue|ReaderRead|ParseSingleExample|ParseSingleSequenceExample|SparseSoftmaxCrossEntropyWithLogits|Apply[A-Z]|ResourceApply|Iterator|While|Enter)/;

export interface Outputs {
  softmax: GraphNode;
  initialState: GraphNode;
  state: GraphNode;
}

/** @throws SourceUnsupported with what was looked for, and what the graph is instead */
export function findOutputs(file: string, nodes: ReadonlyMap<string, GraphNode>): Outputs {
  const [first] = OUTPUTS;
  for (const name of nodes.keys()) {
    if (name !== first && !name.endsWith(`/${first}`)) continue;
    const prefix = name.slice(0, -first.length);
    const [softmax, initialState, state] = OUTPUTS.map((output) => nodes.get(prefix + output));
    if (softmax && initialState && state) return { softmax, initialState, state };
  }
  const training = [...nodes.values()].find(({ op }) => TRAINING.test(op));
  throw training ? trainingGraph(file, training) : otherGraph(file, nodes);
}

export function isTrainingOperation(node: GraphNode): boolean {
  return TRAINING.test(node.op);
}

export function trainingGraph(file: string, sign: GraphNode): SourceError {
  return new SourceError('SourceUnsupported', {
    file,
    offset: sign.offset,
    expected: `im2txt's inference graph, which decodes one fed image, advances the LSTM by one fed word and ends in ${OUTPUTS.join(', ')}`,
    actual: `a training graph: it reads batches of captions, drops out at random and computes a loss (${sign.op} ${sign.name})`,
    remedy: 'Import the checkpoint of that training instead: it has the same variables.',
  });
}

function otherGraph(file: string, nodes: ReadonlyMap<string, GraphNode>): SourceError {
  const names = [...nodes.keys()];
  const last = names.slice(-3).join(', ');
  return new SourceError('SourceUnsupported', {
    file,
    expected: `im2txt's inference graph, with the nodes ${OUTPUTS.join(', ')} (under any prefix)`,
    actual:
      names.length === 0 ? 'a graph without nodes' : `${names.length} nodes without these, the last: ${last}`,
    remedy: 'Freeze the graph with these three as output nodes, or import the checkpoint.',
  });
}

/** The LSTM of Show and Tell as one decoder step. */
import { GraphBuilder, type OnnxModel, tensorOf } from '../../onnx/graph.ts';
import type { Matrix, ShowAndTellWeights } from './weights.ts';

export interface DecoderGraph {
  /** Its constants are converted when they are written: `encodeModel` makes the file. */
  model: OnnxModel;
  /** E. */
  embeddingWidth: number;
  /** S: c and h together, twice the LSTM's units. */
  stateWidth: number;
  /** V, the softmax's width. */
  logits: number;
}

/**
 * One step for B hypotheses, as im2txt's `show_and_tell_model.py` computes it.
 *
 * In: `word` int64 `[B]` (negative: read the image), `image_embedding` float32 `[B, E]`, `state` float32 `[B, 2U]` =
 * concat(c, h), `k` int64 `[1]`. Out: `next_state`, the k best `top_log_probabilities` and `top_ids` `[B, K]` (equal
 * ones by rising id, as ONNX promises of TopK), all `log_probabilities` `[B, V]`.
 */
export function decoderGraph(weights: ShowAndTellWeights): DecoderGraph {
  const units = weights.logitsWeights.rows;
  const embeddingWidth = weights.wordEmbedding.columns;
  const logits = weights.logitsBiases.length;
  const g = new GraphBuilder();
  chooseInput(g, weights.wordEmbedding);
  g.node('Split', ['state'], ['cell', 'hidden'], { axis: 1, num_outputs: 2 });
  g.node('Concat', ['input', 'hidden'], 'lstm_input', { axis: 1 });
  linear(g, 'lstm_input', 'lstm', weights.lstmKernel, withForgetBias(weights.lstmBias), 'gates');
  lstmCell(g);
  linear(g, 'next_hidden', 'output', weights.logitsWeights, weights.logitsBiases, 'logits');
  g.node('LogSoftmax', ['logits'], 'log_probabilities', { axis: 1 });
  const best = ['top_log_probabilities', 'top_ids'];
  g.node('TopK', ['log_probabilities', 'k'], best, { axis: 1, largest: 1, sorted: 1 });
  const model = g.model(
    'decoder',
    [
      { name: 'word', type: 'int64', dims: ['B'] },
      { name: 'image_embedding', type: 'float32', dims: ['B', embeddingWidth] },
      { name: 'state', type: 'float32', dims: ['B', 2 * units] },
      { name: 'k', type: 'int64', dims: [1] },
    ],
    [
      { name: 'next_state', type: 'float32', dims: ['B', 2 * units] },
      { name: 'top_log_probabilities', type: 'float32', dims: ['B', 'K'] },
      { name: 'top_ids', type: 'int64', dims: ['B', 'K'] },
      { name: 'log_probabilities', type: 'float32', dims: ['B', logits] },
    ],
  );
  return { model, embeddingWidth, stateWidth: 2 * units, logits };
}

/** `input` `[B, E]`: the image's embedding where the word is negative, the word's elsewhere. */
function chooseInput(g: GraphBuilder, words: Matrix): void {
  g.constant('zero', tensorOf(BigInt64Array.of(0n), []));
  g.constant('last_axis', tensorOf(BigInt64Array.of(1n)));
  g.constant('words', tensorOf(words.data, [words.rows, words.columns]));
  g.node('Less', ['word', 'zero'], 'is_image');
  g.node('Unsqueeze', ['is_image', 'last_axis'], 'is_image_column');
  // Gather refuses ids below zero minus the rows, and -1 would read the last word for nothing.
  g.node('Max', ['word', 'zero'], 'word_or_first');
  g.node('Gather', ['words', 'word_or_first'], 'word_embedding', { axis: 0 });
  g.node('Where', ['is_image_column', 'image_embedding', 'word_embedding'], 'input');
}

function linear(
  g: GraphBuilder,
  x: string,
  name: string,
  weight: Matrix,
  bias: Float32Array,
  output: string,
): void {
  g.constant(`${name}_weight`, tensorOf(weight.data, [weight.rows, weight.columns]));
  g.constant(`${name}_bias`, tensorOf(bias));
  g.node('MatMul', [x, `${name}_weight`], `${output}_product`);
  g.node('Add', [`${output}_product`, `${name}_bias`], output);
}

/** BasicLSTMCell adds its forget bias of 1 when it runs; here it is in the weights. Gates i, j, f, o. */
function withForgetBias(bias: Float32Array): Float32Array {
  const units = bias.length / 4;
  return bias.map((b, i) => (Math.floor(i / units) === 2 ? b + 1 : b));
}

/** Gates in TensorFlow's order: input, candidate, forget, output. */
function lstmCell(g: GraphBuilder): void {
  const gates = ['in_gate', 'candidate', 'forget_gate', 'out_gate'];
  g.node('Split', ['gates'], gates, { axis: 1, num_outputs: 4 });
  for (const name of ['in', 'forget', 'out']) g.node('Sigmoid', [`${name}_gate`], `${name}_open`);
  g.node('Tanh', ['candidate'], 'new');
  g.node('Mul', ['forget_open', 'cell'], 'kept');
  g.node('Mul', ['in_open', 'new'], 'added');
  g.node('Add', ['kept', 'added'], 'next_cell');
  g.node('Tanh', ['next_cell'], 'squashed');
  g.node('Mul', ['out_open', 'squashed'], 'next_hidden');
  g.node('Concat', ['next_cell', 'next_hidden'], 'next_state', { axis: 1 });
}

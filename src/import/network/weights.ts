/** The weights of one Show and Tell network, as every reader delivers them and every graph writer takes them. */

export interface Matrix {
  rows: number;
  columns: number;
  /** Row-major, `[rows, columns]`. */
  data: Float32Array;
}

/** One convolution with its batch norm folded in: `y = relu(conv(x, kernel) + bias)`. */
export interface FoldedConvolution {
  /** TensorFlow's layout: `[height, width, in, out]`. */
  shape: readonly [number, number, number, number];
  kernel: Float32Array;
  /** `[out]`. */
  bias: Float32Array;
}

/** im2txt's network; widths are read from the tensors. E: embedding, U: LSTM units, V: softmax width. */
export interface ShowAndTellWeights {
  /** By scope below `InceptionV3/`, e.g. `Conv2d_1a_3x3` or `Mixed_5b/Branch_1/Conv2d_0a_1x1`; 94 of them. */
  convolutions: ReadonlyMap<string, FoldedConvolution>;
  /** `[features, E]`, no bias. */
  imageEmbedding: Matrix;
  /** `[V, E]`. */
  wordEmbedding: Matrix;
  /** `[E + U, 4U]`: input is concat(x, h); gates i, j, f, o. The forget bias of 1 is not in `lstmBias`. */
  lstmKernel: Matrix;
  /** `[4U]`. */
  lstmBias: Float32Array;
  /** `[U, V]`. */
  logitsWeights: Matrix;
  /** `[V]`. */
  logitsBiases: Float32Array;
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SourceError } from '../../../src/errors.ts';
import { BLOCKS, CONVOLUTIONS } from '../../../src/import/network/inception-scopes.ts';
import {
  checkNetwork,
  DECODER_PARTS,
  type DecoderPart,
  matrix,
} from '../../../src/import/network/network-shapes.ts';
import { FLOAT, INT32, type TensorHeader } from '../../../src/import/tensorflow/tensor-header.ts';

/** Widths that are all different, so that no dimension fits another's place. */
const [EMBEDDING, UNITS, WORDS] = [5, 3, 11];

const header = (name: string, ...shape: number[]): TensorHeader => ({ name, dtype: FLOAT, shape });

/** Channels where each convolution has one output. */
function channels(input: string): number {
  if (input === 'image') return 3;
  return BLOCKS[input]?.reduce((sum, part) => sum + channels(part), 0) ?? 1;
}

function kernelsOf(): Map<string, TensorHeader> {
  return new Map(
    CONVOLUTIONS.map(({ scope, height, width, input }) => [
      scope,
      header(scope, height, width, channels(input), 1),
    ]),
  );
}

function decoderOf(): Record<DecoderPart, TensorHeader> {
  return {
    imageEmbedding: header('image_embedding/weights', channels('Mixed_7c'), EMBEDDING),
    wordEmbedding: header('seq_embedding/map', WORDS, EMBEDDING),
    lstmKernel: header('lstm/kernel', EMBEDDING + UNITS, 4 * UNITS),
    lstmBias: header('lstm/bias', 4 * UNITS),
    logitsWeights: header('logits/weights', UNITS, WORDS),
    logitsBiases: header('logits/biases', WORDS),
  };
}

/** What is refused, in the words of the error. */
function refusal(
  kernels: Map<string, TensorHeader>,
  decoder: Record<DecoderPart, TensorHeader>,
): SourceError {
  try {
    checkNetwork('model.ckpt', kernels, decoder);
  } catch (error) {
    assert.ok(error instanceof SourceError);
    assert.equal(error.code, 'TensorMisshapen');
    assert.equal(error.problem.file, 'model.ckpt');
    return error;
  }
  assert.fail('accepted');
}

describe('a network', () => {
  test('whose tensors fit one another is taken', () => {
    checkNetwork('model.ckpt', kernelsOf(), decoderOf());
  });

  for (const part of Object.keys(DECODER_PARTS) as DecoderPart[]) {
    const { shape } = decoderOf()[part];
    for (const [at, right] of shape.entries()) {
      // What the tensor itself decides may have any size but none.
      const free =
        (part === 'imageEmbedding' || part === 'wordEmbedding') && at === (part === 'imageEmbedding' ? 1 : 0);
      for (const wrong of free ? [0] : [right - 1, right + 1]) {
        test(`is refused when ${part} has ${wrong} for ${right} in dimension ${at}`, () => {
          const decoder = decoderOf();
          decoder[part] = { ...decoder[part], shape: shape.with(at, wrong) };
          const { problem } = refusal(kernelsOf(), decoder);
          assert.ok(problem.expected.startsWith(`${decoder[part].name} as float32 [`), problem.expected);
          assert.equal(problem.actual, `float32 [${shape.with(at, wrong).join(', ')}]`);
        });
      }
    }

    test(`is refused when ${part} has another type, or a dimension more or less`, () => {
      for (const change of [{ dtype: INT32 }, { shape: [...shape, 1] }, { shape: shape.slice(1) }]) {
        const decoder = decoderOf();
        decoder[part] = { ...decoder[part], ...change };
        assert.match(refusal(kernelsOf(), decoder).problem.expected, new RegExp(`^${decoder[part].name} as`));
      }
    });
  }

  test('may have one LSTM unit', () => {
    const decoder = decoderOf();
    decoder.lstmKernel = header('lstm/kernel', EMBEDDING + 1, 4);
    decoder.lstmBias = header('lstm/bias', 4);
    decoder.logitsWeights = header('logits/weights', 1, WORDS);
    checkNetwork('model.ckpt', kernelsOf(), decoder);
  });

  test('is told which dimensions are free', () => {
    const expected = (part: DecoderPart) => {
      const decoder = decoderOf();
      decoder[part] = { ...decoder[part], dtype: INT32 };
      return refusal(kernelsOf(), decoder).problem.expected.replace(/.* as /, '');
    };
    assert.deepEqual(
      [expected('imageEmbedding'), expected('wordEmbedding'), expected('lstmKernel')],
      [`float32 [${channels('Mixed_7c')}, E]`, `float32 [V, ${EMBEDDING}]`, 'float32 [E + U, 4 U]'],
    );
  });

  test('is refused when its LSTM leaves no units beside the embedding', () => {
    const decoder = decoderOf();
    decoder.lstmKernel = header('lstm/kernel', EMBEDDING, 4 * UNITS);
    const { problem } = refusal(kernelsOf(), decoder);
    assert.equal(problem.expected, `lstm/kernel as float32 [${EMBEDDING} + U, 4 U]`);
  });

  test('is refused when a convolution reads another number of channels', () => {
    for (const scope of [
      'Conv2d_1a_3x3',
      'Mixed_5c/Branch_0/Conv2d_0a_1x1',
      'Mixed_7c/Branch_2/Conv2d_0b_3x3',
    ]) {
      for (const at of [0, 1, 2]) {
        const kernels = kernelsOf();
        const kernel = kernels.get(scope)!;
        kernels.set(scope, { ...kernel, shape: kernel.shape.with(at, 9) });
        const { problem } = refusal(kernels, decoderOf());
        assert.equal(problem.expected, `${scope} as float32 [${kernel.shape.slice(0, 3).join(', ')}, out]`);
      }
    }
  });

  test('hands the number of outputs on to what reads them', () => {
    const kernels = kernelsOf();
    kernels.set('Conv2d_1a_3x3', header('Conv2d_1a_3x3', 3, 3, 3, 2));
    assert.match(
      refusal(kernels, decoderOf()).problem.expected,
      /^Conv2d_2a_3x3 as float32 \[3, 3, 2, out\]/,
    );
    kernels.set('Conv2d_2a_3x3', header('Conv2d_2a_3x3', 3, 3, 2, 1));
    checkNetwork('model.ckpt', kernels, decoderOf());
  });
});

test('names stand newest first, and messages name all generations', () => {
  assert.deepEqual(DECODER_PARTS, {
    imageEmbedding: { names: ['image_embedding/weights'], shape: ['features', 'E'] },
    wordEmbedding: { names: ['seq_embedding/map'], shape: ['V', 'E'] },
    lstmKernel: {
      names: [
        'lstm/basic_lstm_cell/kernel',
        'lstm/basic_lstm_cell/weights',
        'lstm/BasicLSTMCell/Linear/Matrix',
      ],
      shape: ['E + U', '4 U'],
    },
    lstmBias: {
      names: ['lstm/basic_lstm_cell/bias', 'lstm/basic_lstm_cell/biases', 'lstm/BasicLSTMCell/Linear/Bias'],
      shape: ['4 U'],
    },
    logitsWeights: { names: ['logits/weights'], shape: ['U', 'V'] },
    logitsBiases: { names: ['logits/biases'], shape: ['V'] },
  });
});

test('a matrix has the rows and columns of its header, and its numbers uncopied', () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6);
  const { rows, columns, data: taken } = matrix(header('m', 2, 3), data);
  assert.deepEqual([rows, columns], [2, 3]);
  assert.equal(taken, data);
});

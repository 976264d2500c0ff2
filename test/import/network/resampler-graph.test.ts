import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { InferenceSession } from 'onnxruntime-node';
import { IM2TXT_INPUT } from '../../../src/caption/image-input.ts';
import { networkInput } from '../../../src/caption/preprocess.ts';
import { resampleTf1 } from '../../../src/caption/resampling/tf1-bilinear.ts';
import { resampler } from '../../../src/import/network/resampler-graph.ts';
import { encoderFeeds } from '../../../src/model/networks/encoder-feeds.ts';
import { GraphBuilder } from '../../../src/onnx/graph.ts';
import { decodeModel } from '../../../src/onnx/read.ts';
import { encodeModel } from '../../../src/onnx/write.ts';
import { xorshift } from '../../support/random.ts';
import { assertClose, open } from './golden-parity.ts';

/** Neither square nor cropped evenly: 47 columns and 30 rows of 60. */
const SMALL = { ...IM2TXT_INPUT, width: 47, height: 30, resizedTo: 60 };
const SIZES: [number, number][] = [
  [1, 1],
  [2, 1],
  [1, 7],
  [60, 60],
  [59, 61],
  [640, 427],
  [1196, 1197],
  [31, 2000],
  [3000, 5],
];

async function sessionOf(input: typeof IM2TXT_INPUT): Promise<InferenceSession> {
  const g = new GraphBuilder();
  const planes = resampler(g, 'pixels', 'sizes', input);
  const model = g.model(
    'resampler',
    [
      { name: 'pixels', type: 'uint8', dims: ['N', 'H', 'W', 3] },
      { name: 'sizes', type: 'int64', dims: ['N', 2] },
    ],
    [{ name: planes, type: 'float32', dims: ['N', 3, input.height, input.width] }],
  );
  // Read and written once more, as `quantize` does.
  return await open(encodeModel(decodeModel('resampler.onnx', encodeModel(model))));
}

const random = xorshift(1);
const image = (width: number, height: number) => ({
  pixels: Uint8Array.from({ length: 3 * width * height }, () => random.below(256)),
  width,
  height,
});

/** Within rounding: every bit of TensorFlow's golden tensors is the resampler's in TypeScript. */
function assertResampled(
  planes: Float32Array,
  photograph: ReturnType<typeof image>,
  input: typeof IM2TXT_INPUT,
): void {
  assertClose(planes, planesOf(resampleTf1(photograph, input), input), 1e-6, 'resampled');
}

/** HWC as CHW. */
function planesOf(pixels: Float32Array, { width, height }: { width: number; height: number }): Float32Array {
  const cells = width * height;
  return pixels.map((_, i) => pixels[3 * (i % cells) + Math.floor(i / cells)]!);
}

for (const input of [IM2TXT_INPUT, SMALL]) {
  const name = `${input.width} x ${input.height} of ${input.resizedTo}`;
  let session: InferenceSession;
  before(async () => {
    session = await sessionOf(input);
  });

  for (const [width, height] of SIZES) {
    test(`${name} from ${width} x ${height}: within 1e-6 of the resampler in TypeScript`, async () => {
      const photograph = image(width, height);
      const { resampled } = await session.run(encoderFeeds([networkInput(photograph, input)], input));
      assert.deepEqual(resampled!.dims, [1, 3, input.height, input.width]);
      assertResampled(resampled!.data as Float32Array, photograph, input);
    });
  }

  test(`${name}: images of a batch have sizes of their own`, async () => {
    const photographs = SIZES.map(([width, height]) => image(width, height));
    const feeds = encoderFeeds(
      photographs.map((photograph) => networkInput(photograph, input)),
      input,
    );
    const data = (await session.run(feeds)).resampled!.data as Float32Array;
    const size = 3 * input.width * input.height;
    for (const [i, photograph] of photographs.entries()) {
      const own = data.subarray(i * size, (i + 1) * size);
      assertResampled(own, photograph, input);
    }
  });
}

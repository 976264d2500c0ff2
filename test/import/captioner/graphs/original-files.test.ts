/** The rewritten graphs beside the files that they were made of, as those are meant to be run. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { begun, CAPTIONERS, readGolden, resized, rewritten, step } from './tiny-captioners.ts';

const STEPS = 6;
const integers = (values: readonly number[], dims: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), dims);

/** Log-probabilities of the word after these, by the decoder that runs over the whole sequence. */
async function whole(decoder: InferenceSession, hidden: Tensor, ids: readonly number[]): Promise<number[]> {
  const feeds: Record<string, Tensor> = {
    input_ids: integers(ids, [1, ids.length]),
    encoder_hidden_states: hidden,
  };
  for (const { name, ...of } of decoder.inputMetadata) {
    if (name === 'use_cache_branch') feeds[name] = new Tensor('bool', Uint8Array.of(0), [1]);
    if (!name.startsWith('past_key_values.') || !('shape' in of)) continue;
    const dims = of.shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : 0));
    feeds[name] = new Tensor('float32', new Float32Array(0), dims);
  }
  const { logits } = await decoder.run(feeds);
  const width = logits!.dims.at(-1)!;
  const last = Array.from(logits!.data as Float32Array).slice(-width);
  const most = Math.max(...last);
  const sum = most + Math.log(last.reduce((total, value) => total + Math.exp(value - most), 0));
  return last.map((value) => value - sum);
}

const KINDS: [kind: string, decoder: string][] = [
  ['vit-gpt2', 'decoder_model.onnx'],
  ['vit-gpt2-merged', 'onnx/decoder_model_merged.onnx'],
  ['vit-trocr-merged', 'onnx/decoder_model_merged.onnx'],
  ['swin-gpt2-merged', 'onnx/decoder_model_merged.onnx'],
  ['deit-roberta', 'decoder_model.onnx'],
  ['beit-bert', 'decoder_model.onnx'],
];

for (const [kind, file] of KINDS) {
  test(`${kind}: each step is what its own decoder says`, async () => {
    const tiny = await rewritten(kind);
    const decoder = await InferenceSession.create(join(CAPTIONERS, kind, file), { logSeverityLevel: 3 });
    const image = await resized(tiny.image, readGolden(kind).photographs[3]!);
    const { region_embeddings: hidden } = await tiny.encoder.run({
      image: new Tensor('uint8', image, [1, tiny.image.height, tiny.image.width, 3]),
    });
    let row = await begun(tiny, [image], 1);
    const ids: number[] = [];
    for (let i = 0; i < STEPS; i++) {
      ids.push(3 + 11 * i);
      const stepped = await step(tiny, row, [ids.at(-1)!], [0]);
      const expected = await whole(decoder, hidden!, ids);
      for (const [id, value] of expected.entries()) {
        const difference = Math.abs(value - stepped.logProbabilities[0]![id]!);
        assert.ok(
          difference < 1e-5 * Math.max(1, Math.abs(value)),
          `word ${id} of step ${i}: off by ${difference}`,
        );
      }
      row = stepped;
    }
  });
}

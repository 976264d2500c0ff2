/** The rewritten graphs say what transformers says, of every kind of export. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readJson } from '../../../../src/import/captioner/export-files.ts';
import { readSettings } from '../../../../src/import/captioner/export-settings.ts';
import { CAPTIONERS, greedy, readGolden, resized, rewritten } from './tiny-captioners.ts';

/**
 * How far the log-probability of a caption may be from that of the golden: half precision is calculated in float32 here, and in
 * float16 there.
 */
const KINDS: [kind: string, tolerance: number, precision?: 'fp16' | 'int8'][] = [
  ['vit-gpt2', 1e-4],
  ['vit-gpt2-merged', 1e-4],
  ['vit-gpt2-merged', 0.02, 'fp16'],
  ['vit-gpt2-merged', 1e-4, 'int8'],
  ['vit-gpt2-fp16', 0.02],
  ['deit-roberta', 1e-4],
  ['beit-bert', 1e-4],
  ['swin-gpt2-merged', 1e-4],
  ['vit-trocr-merged', 1e-4],
  ['florence2', 1e-4],
];

for (const [kind, tolerance, precision] of KINDS) {
  const name = precision === undefined ? kind : `${kind}, ${precision}`;
  test(`${name}: every greedy caption is that of transformers, and as likely`, async () => {
    const golden = readGolden(kind, precision ? `golden-${precision}.json` : 'golden.json');
    const directory = join(CAPTIONERS, kind);
    const { startIds, endId } = await readSettings(directory);
    const generation = (await readJson(join(directory, 'generation_config.json'))) as Record<string, unknown>;
    const rules = {
      startIds,
      endId,
      maxLength: golden.settings.greedy!.max_length,
      endsAnyhow: generation.forced_eos_token_id != null,
    };
    const tiny = await rewritten(kind, precision);
    for (const [i, photograph] of golden.photographs.entries()) {
      const [expected] = golden.captions.greedy![i]!;
      const { ids, score } = await greedy(tiny, await resized(tiny.image, photograph), rules);
      assert.deepEqual(ids, expected!.ids, photograph);
      const difference = Math.abs(score - expected!.score);
      assert.ok(difference < tolerance, `${photograph}: ${score}, not ${expected!.score}`);
    }
  });
}

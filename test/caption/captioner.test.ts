import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCaptioner } from '../../src/caption/captioner.ts';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import { markov, stepOver } from './fake-models.ts';

const WORDS = ['<S>', '</S>', 'dog', 'runs', '<UNK>'];
const NEVER = -100;
/** Says "dog dog", e^-1, before "dog runs", e^-2, before "dog", e^-3. */
const TABLE = [
  [NEVER, NEVER, 0, NEVER, NEVER],
  [NEVER, 0, NEVER, NEVER, NEVER],
  [NEVER, -3, -1, -2, NEVER],
  [NEVER, 0, NEVER, NEVER, NEVER],
  [NEVER, 0, NEVER, NEVER, NEVER],
];
/** After "dog dog" nothing but the end. */
const model = (prefix: readonly number[]) => (prefix.length === 3 ? TABLE[1]! : markov(TABLE)(prefix));

async function textsOf(options: CaptionOptionsInput): Promise<string[]> {
  const size = { width: 1, height: 1 };
  const captioner = createCaptioner({
    decode: async () => ({
      pixels: new Uint8Array(3),
      ...size,
      originalWidth: 1,
      originalHeight: 1,
      format: 'png',
    }),
    encode: async () => ({ embeddings: new Float32Array(1), regions: new Float32Array(1) }),
    step: stepOver(model).step,
    image: { resampling: 'antialiased', ...size, dtype: 'uint8', range: [0, 255], aspect: 'squash' },
    embeddingWidth: 1,
    stateWidth: 1,
    defaults: {},
    vocabulary: { words: WORDS, startId: 0, endId: 1, unknownId: 4 },
    vocabularySize: WORDS.length,
    model: { name: 'fake', hash: '' },
    calibration: { evidence: null },
  });
  const { captions } = await captioner.caption(new Uint8Array(), captioner.plan(options));
  return captions.map(({ text }) => text);
}

describe('captions that say a thing twice', () => {
  it('stand where the search ranks them', async () => {
    assert.deepEqual(await textsOf({}), ['dog dog', 'dog runs', 'dog']);
  });

  it('come last where repeats are avoided, the others in their order', async () => {
    assert.deepEqual(await textsOf({ avoidRepeats: true }), ['dog runs', 'dog', 'dog dog']);
  });

  it('are not the one that is asked for while there is another', async () => {
    assert.deepEqual(await textsOf({ avoidRepeats: true, count: 1 }), ['dog runs']);
  });
});

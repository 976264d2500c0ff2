import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { type ExplainedImage, explain, scoreWithCells } from '../../src/caption/explain.ts';
import type { EncodedImages, NativeParts } from '../../src/caption/ports.ts';
import { wholeWords } from '../../src/caption/vocabulary/whole-words.ts';
import { parseVocabulary } from '../../src/caption/vocabulary/word-list.ts';
import { DEFAULT_BUNDLE, loadCaptioner } from '../../src/model/load.ts';
import { type Lstm, lstmDecoder, READ_IMAGE } from '../../src/model/networks/show-and-tell.ts';
import { rejectsWith } from '../support/errors.ts';
import { xorshift } from '../support/random.ts';
import { readSamples } from '../support/samples.ts';
import { BATCH_LOG_PROBABILITY } from '../support/tolerance.ts';

/** Says word w with log-probability -(state + w): the state is the one number of the embedding that was read. */
const linear: Lstm = async ({ words, embeddings, state, k }) => ({
  state: Float32Array.from(words, (word, row) => (word === READ_IMAGE ? embeddings[row]! : state[row]!)),
  logProbabilities: new Float32Array(words.length * k),
  ids: new Int32Array(words.length * k),
  all: Float32Array.from(words.flatMap((_, row) => [0, 1, 2, 3].map((w) => -(state[row]! + w)))),
});

test('importance is what a word loses when the mean is taken without a cell', async () => {
  const area = { left: 0, top: 0, width: 1, height: 1 };
  const image = { regions: Float32Array.of(1, 2, 3, 6), width: 1, area };
  const vocabulary = wholeWords(parseVocabulary('<S> 1\n</S> 1\ndog 1'), 4);
  const { rows, columns, words } = await explain(
    lstmDecoder(linear, { embeddingWidth: 1, stateWidth: 1 }),
    image,
    [0, 2, 1],
    vocabulary,
  );
  assert.deepEqual([rows, columns], [2, 2]);
  assert.deepEqual(
    words.map(({ word }) => word),
    ['dog'],
  );
  // Mean 3; without each cell 11/3, 10/3, 3, 2: a word's log-probability is minus that, minus its id.
  for (const [i, expected] of [2 / 3, 1 / 3, 0, -1].entries()) {
    assert.ok(Math.abs(words[0]!.importance[i]! - expected) < 1e-6);
  }
});

test('groups of cells are scored together, each from the mean of its own', async () => {
  const calls: {
    words: readonly number[];
    embeddings: number[];
    state: number[];
    k: number;
    all: boolean;
  }[] = [];
  // State: both numbers of the embedding read, the first one more with every word; two words, 5 and 6, beside it.
  const lstm: Lstm = async ({ words, embeddings, state, k, all = false }) => {
    calls.push({ words, embeddings: [...embeddings], state: [...state], k, all });
    const next =
      words[0] === READ_IMAGE ? embeddings.slice() : state.map((value, i) => value + ((i + 1) % 2));
    const scores = words.flatMap((_, row) => [-state[2 * row]!, -state[2 * row + 1]!]);
    return {
      state: next,
      logProbabilities: new Float32Array(words.length * k),
      ids: new Int32Array(words.length * k),
      ...(all && { all: Float32Array.from(scores) }),
    };
  };
  // Three cells of two numbers.
  const image = { regions: Float32Array.of(1, 10, 2, 20, 6, 60), width: 2 };
  const step = lstmDecoder(lstm, { embeddingWidth: 2, stateWidth: 2 });
  let looked = 0;
  const scores = await scoreWithCells(step, image, [0, 1, 0], [[0, 1], [2]], () => looked++);
  assert.deepEqual(calls, [
    { words: [READ_IMAGE, READ_IMAGE], embeddings: [1.5, 15, 6, 60], state: [0, 0, 0, 0], k: 1, all: false },
    { words: [0, 0], embeddings: [0, 0, 0, 0], state: [1.5, 15, 6, 60], k: 1, all: true },
    { words: [1, 1], embeddings: [0, 0, 0, 0], state: [2.5, 15, 7, 60], k: 1, all: true },
  ]);
  // Of id 1 first, then of id 0.
  assert.deepEqual(scores, [
    [-15, -2.5],
    [-60, -7],
  ]);
  assert.equal(looked, 3);
  assert.deepEqual(await scoreWithCells(step, image, [0], [[1]]), [[]]);

  // Three cells are shown as a square of two by two; each is left out once.
  const area = { left: 0, top: 0, width: 1, height: 1 };
  const { rows, columns, words } = await explain(
    step,
    { ...image, area },
    [0, 1],
    wholeWords(parseVocabulary('<S> 1\n</S> 1'), 3),
  );
  assert.deepEqual([rows, columns, words], [2, 2, []]);
  assert.equal(calls.at(-1)!.words.length, 4);
});

describe('on the default model', async () => {
  let parts: NativeParts | undefined;
  let regions = new Float32Array();
  const captioner = await loadCaptioner(DEFAULT_BUNDLE, {
    threads: 1,
    observe: (native) => {
      parts = native;
      const encode = async (...args: Parameters<NativeParts['encode']>): Promise<EncodedImages> => {
        const encoded = await native.encode(...args);
        regions = encoded.regions as Float32Array<ArrayBuffer>;
        return encoded;
      };
      return { ...native, encode };
    },
  });
  const { vocabulary, manifest } = captioner.bundle;
  const all = Array.from({ length: manifest.regions }, (_, cell) => cell);
  const image = (): ExplainedImage => ({
    regions,
    width: manifest.embeddingWidth,
  });
  const explained = async (bytes: Uint8Array) => {
    const { captions, explanation } = await captioner.caption(bytes, undefined, { explain: true });
    const said = vocabulary.plan({ banned: [], prefix: captions[0]!.text, required: [] });
    assert.ok('prefix' in said);
    const ids = [...vocabulary.startIds, ...said.prefix, vocabulary.endId];
    return { caption: captions[0]!, words: explanation!.words, ids };
  };

  it('scores a caption from all cells as the search did', async () => {
    for (const { bytes } of readSamples()) {
      const { caption, ids } = await explained(bytes);
      const [scores] = await scoreWithCells(parts!, image(), ids, [all]);
      caption.words.forEach(({ logProbability }, i) => {
        assert.ok(Math.abs(scores![i]! - logProbability) < BATCH_LOG_PROBABILITY);
      });
    }
  });

  it('a caption loses more without its most important cells than without any of ten random choices', async () => {
    const random = xorshift(7);
    const left = Math.round(all.length / 3);
    for (const { name, bytes } of readSamples()) {
      const { words, ids } = await explained(bytes);
      const total = all.map((cell) => words.reduce((sum, { importance }) => sum + importance[cell]!, 0));
      const best = all.toSorted((a, b) => total[b]! - total[a]!).slice(0, left);
      const others = Array.from({ length: 10 }, () =>
        all
          .map((cell) => ({ cell, key: random.below(1 << 30) }))
          .sort((a, b) => a.key - b.key)
          .slice(0, left)
          .map(({ cell }) => cell),
      );
      const groups = [best, ...others].map((out) => all.filter((cell) => !out.includes(cell)));
      const scores = await scoreWithCells(parts!, image(), ids, groups);
      const [without, ...chance] = scores.map((row) => row.reduce((a, b) => a + b, 0));
      assert.ok(without! < Math.min(...chance), name);
    }
  });

  it('is given up when the deadline passes, and left out when nobody asks', async () => {
    const { bytes } = readSamples()[0]!;
    assert.equal((await captioner.caption(bytes)).explanation, undefined);
    await rejectsWith(
      captioner.caption(bytes, undefined, { explain: true, deadline: Date.now() - 1 }),
      'DeadlineExceeded',
    );
  });
});

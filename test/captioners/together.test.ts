/** Images that are described together: each has the captions that it has alone, however many beams the others keep. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { CaptionOptionsInput } from '../../src/caption/options.ts';
import type { NativeParts } from '../../src/caption/ports.ts';
import { readImage } from '../../src/caption/read-image.ts';
import type { CaptionResult } from '../../src/caption/result.ts';
import { readBundle } from '../../src/model/bundle.ts';
import { loadCaptioner } from '../../src/model/load.ts';
import { createPool } from '../../src/model/pool.ts';
import { temporaryDirectory } from '../support/bundles.ts';
import { readSamples } from '../support/samples.ts';
import { importKind, KINDS } from './imported.ts';

const place = temporaryDirectory();
after(place.dispose);
const files = readSamples()
  .slice(0, 4)
  .map(({ bytes }) => bytes);
/** Sums of floats differ with what else is in a run. */
const TOLERANCE = 1e-4;

function assertSame(found: CaptionResult, alone: CaptionResult): void {
  const saidOf = ({ captions }: CaptionResult) => captions.map(({ text, truncated }) => [text, truncated]);
  const valuesOf = ({ captions }: CaptionResult) =>
    captions.flatMap(({ logProbability, words }) => [
      logProbability,
      ...words.map((word) => word.logProbability),
    ]);
  assert.deepEqual(saidOf(found), saidOf(alone));
  assertNear(valuesOf(found), valuesOf(alone));
}

function assertNear(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  const apart = Array.from(found, (value, i) => Math.abs(value - expected[i]!));
  assert.ok(
    apart.every((distance) => distance <= TOLERANCE),
    `${Math.max(...apart)} apart`,
  );
}

const ASKED: CaptionOptionsInput[] = [
  { beamWidth: 3, count: 3, maxLength: 12 },
  { beamWidth: 2, requiredWords: ['dog', 'red cat'], maxLength: 14, noRepeatNgram: 2 },
];
/**
 * The images in another order; then one row of the first, three of the second, one of the last; then none of the first; then
 * two rows of the last alone.
 */
const PLACES = [2, 0, 3];
const RUNS: { words: number[]; parents: number[] }[] = [
  { words: [1, 1, 1], parents: [0, 1, 2] },
  { words: [5, 7, 8, 9, 5], parents: [0, 1, 1, 1, 2] },
  { words: [6, 3, 3, 4], parents: [3, 1, 4, 4] },
  { words: [2, 5], parents: [3, 2] },
];

for (const kind of KINDS) {
  describe(kind, async () => {
    let native: NativeParts | undefined;
    const captioner = await loadCaptioner(await importKind(kind, place.path), {
      threads: 1,
      observe: (parts) => {
        native = parts;
        return parts;
      },
    });
    after(captioner.close);

    it('says of images together what it says of each alone, also where others end earlier', async () => {
      for (const asked of ASKED) {
        const plan = captioner.plan(asked);
        const together = await captioner.captionAll(files, plan);
        for (const [i, file] of files.entries())
          assertSame(together[i]!, await captioner.caption(file, plan));
      }
    });

    it('goes on from any rows of any images, each as if it were alone', async () => {
      const { encode, decode, start, step } = native!;
      const { image } = captioner.bundle.manifest;
      const read = await Promise.all(files.map((file) => readImage(file, { decode, image }, {})));
      const encoded = await encode(read.map(({ input }) => input));
      /** What follows the words so far, by runs of one row. */
      const alone = async (at: number, words: readonly number[]) => {
        let state = await start(encoded, [at]);
        let all: Float32Array | undefined;
        for (const word of words) {
          ({ state, all } = await step({ words: [word], parents: [0], state, k: 1, all: true }));
        }
        return all!;
      };
      let state = await start(encoded, PLACES);
      let rows = PLACES.map((at) => ({ at, words: [] as number[] }));
      for (const { words, parents } of RUNS) {
        const output = await step({ words, parents, state, k: 3, all: true });
        rows = parents.map((parent, i) => {
          const { at, words: before } = rows[parent]!;
          return { at, words: [...before, words[i]!] };
        });
        const width = output.all!.length / rows.length;
        for (const [i, { at, words }] of rows.entries()) {
          const expected = await alone(at, words);
          assertNear(output.all!.subarray(i * width, (i + 1) * width), expected);
          const best = expected.toSorted().reverse().slice(0, 3);
          assertNear(output.logProbabilities.subarray(3 * i, 3 * i + 3), best);
        }
        ({ state } = output);
      }
    });
  });
}

it('a pool whose threads take several images says of each what one thread says of it alone', async () => {
  const directory = await importKind('deit-roberta', place.make('pool'));
  const { image } = (await readBundle(directory)).manifest;
  const pool = createPool(1, { directory, image, threads: 1 }, { batch: 4, batchMs: 10_000 });
  await pool.ready;
  const together = await Promise.all(files.map((bytes) => pool.caption(bytes)));
  await pool.close();
  const captioner = await loadCaptioner(directory, { threads: 1 });
  for (const [i, bytes] of files.entries()) assertSame(together[i]!, await captioner.caption(bytes));
  await captioner.close();
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ShowAndTellWeights } from '../../../src/import/network/weights.ts';
import { readWeights } from '../../../src/import/read-weights.ts';
import { mutate } from '../../support/mutate.ts';
import { xorshift } from '../../support/random.ts';
import { assertMemoryBounded, readDamaged, truncations } from '../fuzz.ts';
import { TINY } from '../network/formula-weights.ts';
import { temporaryDirectory } from '../source/source-failures.ts';

const MUTATIONS = 500;
const FLIPS = 500;

/** `damaged`: the one file of the checkpoint that is injured; `path`: what is read. */
const KINDS = [
  { what: 'V1', folder: 'v1', damaged: 'model.ckpt-1000', path: 'model.ckpt-1000' },
  { what: 'V2 index', folder: 'v2', damaged: 'model.ckpt-1000.index', path: 'model.ckpt-1000' },
  { what: 'V2 data', folder: 'v2', damaged: 'model.ckpt-1000.data-00000-of-00001', path: 'model.ckpt-1000' },
] as const;

let expected: ShowAndTellWeights;
before(async () => {
  expected = (await readWeights(join(TINY, 'v2/model.ckpt-1000'))).weights;
});
after(assertMemoryBounded);

for (const { what, folder, damaged, path } of KINDS) {
  describe(`a damaged ${what}`, () => {
    const whole = readFileSync(join(TINY, folder, damaged));

    async function setUp(t: TestContext) {
      const directory = await temporaryDirectory(t);
      await cp(join(TINY, folder), directory, { recursive: true });
      const file = join(directory, damaged);
      return (bytes: Uint8Array) => readDamaged(join(directory, path), file, bytes);
    }

    test(`a bit flipped at ${FLIPS} places is found and named each time`, async (t) => {
      const read = await setUp(t);
      const random = xorshift(1);
      for (let i = 0; i < FLIPS; i++) {
        // Evenly over the file, and every byte of the last hundred: index and footer.
        const at = i < 100 ? whole.length - 1 - i : Math.floor(((i - 100) / (FLIPS - 100)) * whole.length);
        const bytes = Buffer.from(whole);
        bytes[at]! ^= 1 << random.below(8);
        const { problem } = await read(bytes);
        assert.ok(problem, `byte ${at} is not missed`);
        assert.ok(problem.file.includes('model.ckpt-1000') && problem.offset !== undefined, problem.message);
      }
    });

    test(`${MUTATIONS} mutations are refused, unless nothing changed`, async (t) => {
      const read = await setUp(t);
      const random = xorshift(2);
      for (let i = 0; i < MUTATIONS; i++) {
        const bytes = mutate(whole, random);
        const { problem, weights } = await read(bytes);
        if (problem === null) assert.deepEqual(weights, expected, `mutation ${i}`);
        else assert.ok(problem.file.includes('model.ckpt-1000'), problem.message);
        // Bytes after the last tensor belong to none.
        assert.ok(problem !== null || bytes.equals(whole) || damaged.includes('.data-'), `mutation ${i}`);
      }
    });

    test('a file cut off anywhere is refused', async (t) => {
      const read = await setUp(t);
      for (const cut of truncations(whole.length, 100)) {
        const { problem } = await read(whole.subarray(0, cut));
        assert.ok(problem?.file.includes('model.ckpt-1000'), `cut at ${cut}: ${problem?.message}`);
      }
    });
  });
}

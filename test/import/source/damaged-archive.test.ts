import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import type { ShowAndTellWeights } from '../../../src/import/network/weights.ts';
import { readWeights } from '../../../src/import/read-weights.ts';
import { mutate } from '../../support/mutate.ts';
import { xorshift } from '../../support/random.ts';
import { assertMemoryBounded, readDamaged } from '../fuzz.ts';
import { TINY } from '../network/formula-weights.ts';
import { temporaryDirectory } from './source-failures.ts';
import { zipOf } from './write-zip.ts';

const MUTATIONS = 150;
const checkpoint = readFileSync(join(TINY, 'v1/model.ckpt-1000'));

let expected: ShowAndTellWeights;
let packed: Buffer;
before(async () => {
  expected = (await readWeights(join(TINY, 'v1/model.ckpt-1000'))).weights;
  const pack = tar.pack();
  pack.entry({ name: 'im2txt/readme.txt' }, 'weights\n');
  pack.entry({ name: 'im2txt/model.ckpt' }, checkpoint);
  pack.finalize();
  packed = await buffer(pack as unknown as NodeJS.ReadableStream);
});
after(assertMemoryBounded);

const KINDS: readonly (readonly [what: string, bytes: () => Buffer])[] = [
  ['tar', () => packed],
  ['tar.gz', () => gzipSync(packed)],
  ['zip', () => zipOf([['im2txt/model.ckpt', checkpoint]])],
];
for (const [what, make] of KINDS) {
  test(`${MUTATIONS} mutations of a ${what} are refused, or hold the same weights`, async (t) => {
    const whole = make();
    const file = join(await temporaryDirectory(t), 'weights');
    const random = xorshift(11);
    for (let i = 0; i < MUTATIONS; i++) {
      // Checksums in the checkpoint, and in gzip and zip: what is read is whole.
      const { problem, weights } = await readDamaged(file, file, mutate(whole, random));
      if (problem) assert.ok(problem.file.startsWith(file), problem.message);
      else assert.deepEqual(weights, expected);
    }
  });
}
